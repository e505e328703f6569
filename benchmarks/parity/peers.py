"""The products' graphs on code that is not ours: titiler-openeo over HTTP, and openeo-processes-dask.

Both take the part of the products that is standard processes only, and both are compared on the same items of the
generated world: one tile, in one projection, each scene once.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import openeo
import rasterio

from benchmarks.parity.cases import YEAR, Case
from benchmarks.parity.runs import Maps
from drylands_openeo import local
from drylands_openeo.engine import Environment, Extent
from drylands_openeo.engine.values import Cube
from drylands_openeo.errors import DrylandsError
from drylands_openeo.profiles import OPTICAL, Profile, get_profile
from drylands_openeo.world import World

UNGROWN = ("erosion", "dilation")
"""Neither peer can grow a mask: titiler-openeo has no apply_kernel."""


@dataclass(frozen=True)
class Tile:
    """One tile of the world: its items in a file, its 10 m grid as an extent."""

    items: Path
    extent: dict[str, Any]

    @classmethod
    def of(cls, world: World, path: Path, address: str | None = None) -> "Tile":
        """The items, with hrefs over HTTP where there is an ``address``, written to ``path``."""
        text = world.items.read_text("utf-8")
        items = json.loads(text.replace(str(world.folder), address) if address else text)["features"]
        scenes = {item["properties"]["datetime"]: item for item in items if "_50TKN_" in item["id"]}
        chosen = [{**item, "links": []} for item in scenes.values()]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": chosen}), "utf-8")
        asset = chosen[0]["assets"]["red"]
        (rows, columns), (step, _, left, _, _, top) = asset["proj:shape"], asset["proj:transform"]
        sides = {"west": left, "south": top - step * rows, "east": left + step * columns, "north": top}
        return cls(path, {**sides, "crs": "EPSG:32650"})


@dataclass(frozen=True)
class OnTile:
    """The engine on the tile, as the peers are asked; ``single``: as openeo-processes-dask is asked."""

    tile: Tile
    folder: Path
    single: bool = False

    def __call__(self, case: Case) -> Maps:
        case = _single(case) if self.single else case
        graph = case.graph(get_profile("local"), self.tile.extent, **_ungrown(case))
        source = local.source_of(source=str(self.tile.items), resampling="nearest")  # as titiler-openeo reads
        done = local.run(graph, Environment(source), local.Output(self.folder, case.product.id, picture=False))
        maps = _maps(done.files["map"], ())
        return _without_count(maps) if self.single else maps


@dataclass(frozen=True)
class Titiler:
    """titiler-openeo, by the real client."""

    tile: Tile
    folder: Path
    connection: openeo.Connection
    profile: Profile

    def __call__(self, case: Case) -> Maps:
        graph = case.graph(self.profile, self.tile.extent, **_ungrown(case))
        _of_the_world(case)
        path = self.folder / f"{case.product.id}.titiler.tif"
        self.connection.download(_saved(graph), path)
        return _maps(path, [band.name for band in case.product.outputs(case.arguments)])


@dataclass(frozen=True)
class ProcessesDask:
    """openeo-processes-dask through its own registry; the cubes come from our loader, as its own ignores extents.

    Of several indices at one time it finds no band by label, so it is asked for one; its count of dates is off in 2 %
    of the pixels (titiler-openeo and the engine agree on them), and is left out.
    """

    tile: Tile

    def __call__(self, case: Case) -> Maps:
        from openeo_pg_parser_networkx import OpenEOProcessGraph
        from openeo_pg_parser_networkx.process_registry import Process

        from benchmarks.conformance import peer_registry

        _of_the_world(case)
        case, registry = _single(case), peer_registry()
        registry["load_collection"] = Process(spec={"id": "load_collection"}, implementation=self._load)
        graph = case.graph(get_profile("local"), self.tile.extent, **_ungrown(case))
        cube = OpenEOProcessGraph(pg_data={"process_graph": graph}).to_callable(process_registry=registry)()
        return _without_count({str(name): np.asarray(cube.sel(bands=name).values) for name in cube["bands"].values})

    def _load(self, *, bands: list[str], temporal_extent: Any, **_: Any) -> Cube:
        source = local.source_of(source=str(self.tile.items), resampling="nearest")
        dates = [str(moment.to_numpy()) for moment in temporal_extent]
        layer = source.collection(OPTICAL, Extent(self.tile.extent, dates, bands))
        return layer.read(layer.grid)


def reason_without(name: str) -> str | None:
    """Why a peer cannot be asked here; None where it can."""
    module = {"titiler": "titiler.openeo", "dask": "openeo_processes_dask"}[name]
    parent = module.split(".")[0]
    if find_spec(parent) is None or find_spec(module) is None:
        return f"{module} is not installed: make parity installs it"
    if name == "titiler" and not (Path(sys.executable).parent / "rustac").exists():
        return "rustac is not installed"
    return None


@contextmanager
def titiler(world: World, folder: Path, servers: Any) -> Iterator[tuple[Titiler, OnTile]]:
    """titiler-openeo over rustac over a file server, on free ports of this machine; and the engine on the same items.

    ``servers``: the module of that name in tests/.
    """
    with ExitStack() as stack:
        tile = Tile.of(world, folder / "items.json", stack.enter_context(servers.files(world.folder)))
        stac = stack.enter_context(servers.rustac(tile.items))
        (folder / "store.json").write_text('{"services": {}, "udp": {}}', "utf-8")
        port = servers.free_port()
        settings = {
            "TITILER_OPENEO_STAC_API_URL": stac,
            "TITILER_OPENEO_STORE_URL": str(folder / "store.json"),
            "TITILER_OPENEO_PROCESSING_MAX_ITEMS": "200",  # its default of 20 leaves the rest out without a word
        }
        command = [sys.executable, "-m", "uvicorn", "titiler.openeo.main:app", "--port", str(port)]
        stack.enter_context(_process([*command, "--log-level", "error"], settings))
        servers.wait_for(lambda: servers.answers(f"http://127.0.0.1:{port}/"), "titiler-openeo")
        connection = openeo.connect(f"http://127.0.0.1:{port}", auto_validate=False).authenticate_basic("test", "test")
        profile = get_profile("titiler").with_stac(OPTICAL, f"{stac}collections/{OPTICAL}")
        yield Titiler(tile, folder, connection, profile), OnTile(tile, folder)


@contextmanager
def _process(command: list[str], settings: dict[str, str]) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _of_the_world(case: Case) -> None:
    """A DrylandsError where a product needs data that only our own source has."""
    if set(case.product.inputs) != {OPTICAL} or case.period != YEAR:
        raise DrylandsError("needs more than the world's images")


def _single(case: Case) -> Case:
    """One index where there are several."""
    index = case.arguments.get("index")
    return case if not isinstance(index, list) else replace(case, arguments={**case.arguments, "index": index[:1]})


def _without_count(maps: Maps) -> Maps:
    return {name: values for name, values in maps.items() if name != "count"}


def _ungrown(case: Case) -> dict[str, int]:
    return {parameter.name: 0 for parameter in case.product.parameters if parameter.name in UNGROWN}


def _saved(graph: dict[str, Any]) -> dict[str, Any]:
    last = next(name for name, node in graph.items() if node.get("result"))
    bare = {name: {key: node[key] for key in node if key != "result"} for name, node in graph.items()}
    save = {"data": {"from_node": last}, "format": "GTiff"}
    return {**bare, "save": {"process_id": "save_result", "arguments": save, "result": True}}


def _maps(path: Path, names: Any) -> Maps:
    with rasterio.open(path) as source:
        labels = names or source.descriptions
        return dict(zip(labels, source.read(), strict=True))
