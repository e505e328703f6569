"""A product or a process graph, run on this machine: what ``drylands run`` does without a back-end."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from drylands_openeo import local
from drylands_openeo.area import Period
from drylands_openeo.cli.options import Order, needed, read_graph, refuse_drylands
from drylands_openeo.cubefile import CubeFile
from drylands_openeo.engine import Environment
from drylands_openeo.errors import DrylandsError
from drylands_openeo.namespaces import Namespaces
from drylands_openeo.profiles import get_profile

WORLD = {"west": -180.0, "south": -90.0, "east": 180.0, "north": 90.0}

EVER = ["1700-01-01", "2200-01-01"]
"""The period of a file that is taken whole."""


@dataclass(frozen=True)
class Here:
    """Where the pixels come from, and how the tiles are worked on. ``stac``: settings of StacSource."""

    cube: Path | None
    inputs: Mapping[str, str]
    scale: float | None
    units: Mapping[str, str]
    stac: Mapping[str, Any]
    workers: local.Workers
    scheduler: str | None
    trusted: frozenset[str]
    pictures: bool


def run_here(order: Order, here: Here, *, quiet: bool) -> None:
    """Run it and write its maps."""
    graph, arguments, bands, name = _program(order, here)
    pixels = local.source_of(cube=here.cube, scale=here.scale, units=here.units, inputs=here.inputs, **here.stac)
    shared = Namespaces(Path(order.what).parent if order.what.endswith(".json") else None)
    environment = Environment(pixels, resolve=shared, trusted=here.trusted, trust_any="any" in here.trusted)
    output = local.Output(order.out, name, bands, order.format, picture=here.pictures)
    with progress_bar(quiet) as progress, _client(here.scheduler) as client:
        workers = local.Workers(here.workers.threads, here.workers.tile, client)
        result = local.run(graph, environment, output, arguments=arguments, workers=workers, progress=progress)
    if not quiet:
        show(result)


def show(result: local.Result) -> None:
    """Print what was written, and what could not be read."""
    console = Console(highlight=False, soft_wrap=True)
    for key, path in result.files.items():
        console.print(f"{key:>20}  {path}")
    if result.gaps:
        console.print(f"{len(result.gaps)} gaps: " + "; ".join(result.gaps), style="yellow", markup=False)


def _program(order: Order, here: Here) -> tuple[Mapping[str, Any], dict[str, Any], Any, str]:
    """(graph, arguments, described bands, name) of a product or of a graph file."""
    arguments = dict(order.parameters)
    if order.what.endswith(".json"):
        refuse_drylands(order)
        if order.place is not None:
            arguments["spatial_extent"] = order.place.spatial_extent
        if order.period is not None:
            arguments["temporal_extent"] = list(Period.of(order.period).interval)
        return read_graph(Path(order.what)), arguments, (), Path(order.what).stem
    product = order.product
    resolution, files = order.resolution, here.cube is not None or bool(here.inputs)
    if here.cube is not None and resolution is None:
        file = local.file_source(here.cube)
        resolution = file.resolution if isinstance(file, CubeFile) else None
    graph = product.flat_graph(
        get_profile("local"),
        spatial_extent=WORLD if order.place is None and files else needed(order.place, "--bbox or --area"),
        temporal_extent=EVER if order.period is None and files else needed(order.period, "--period"),
        **({} if resolution is None else {"resolution": resolution}),
        **arguments,
    )
    return graph, arguments, product.outputs(arguments), product.id


@contextmanager
def progress_bar(quiet: bool) -> Iterator[local.Progress]:
    """A bar on stderr with tiles done and the time that remains; none when quiet."""
    if quiet:
        yield local.silent
        return
    columns = (TextColumn("tiles"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("tiles", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _client(scheduler: str | None) -> Iterator[Any]:
    if scheduler is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise DrylandsError("--scheduler needs dask.distributed: pip install 'drylands-openeo[cluster]'") from None
    try:
        client = Client(scheduler, timeout="10s")
    except (OSError, ValueError) as error:
        raise DrylandsError(f"--scheduler {scheduler!r} does not answer: {error}") from error
    with client:
        yield client
