"""``drylands run``: a product, or anyone's process graph, on this machine."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from drylands_openeo import local
from drylands_openeo.area import Area, Period
from drylands_openeo.cli.options import (
    AreaFile,
    Bbox,
    CloudCover,
    Parameters,
    PeriodText,
    Quiet,
    Source,
    Units,
    Where,
    area_of,
    needed,
    parameters_of,
    units_of,
)
from drylands_openeo.cubefile import CubeFile
from drylands_openeo.engine import Environment
from drylands_openeo.errors import DrylandsError
from drylands_openeo.namespaces import Namespaces
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile

WORLD = {"west": -180.0, "south": -90.0, "east": 180.0, "north": 90.0}

EVER = ["1700-01-01", "2200-01-01"]
"""The period of a file that is taken whole."""


def run_graph(
    what: Annotated[str, typer.Argument(help="A product, or a process graph (JSON file).")],
    source: Source = None,
    cube: Annotated[Path | None, typer.Option(help="A file (netCDF, zarr): a downloaded cube, or a climate.")] = None,
    units: Units = None,
    scale: Annotated[float | None, typer.Option(help="Reflectance per stored value of --cube.")] = None,
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    param: Parameters = None,
    resolution: Annotated[float | None, typer.Option(help="Pixel size [units of --crs].")] = None,
    crs: Annotated[str | None, typer.Option(help="Projection, e.g. EPSG:32650; default: the area's UTM zone.")] = None,
    cloud_cover: CloudCover = None,
    where: Where = None,
    loader: Annotated[str, typer.Option(help="odc-stac or stackstac.")] = "odc-stac",
    gaps: Annotated[bool, typer.Option("--gaps", help="Go on where an asset cannot be read; gaps are listed.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    format: Annotated[str, typer.Option(help="GTiff or netCDF.")] = "GTiff",
    threads: Annotated[int, typer.Option(min=1, help="Tiles worked on at one time.")] = 2,
    tile: Annotated[
        int | None, typer.Option(min=16, help="Edge of a tile [pixels]; default: what memory allows.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask.distributed scheduler.")] = None,
    allow_udf: Annotated[list[str] | None, typer.Option(help="SHA-256 of a UDF text that may run, or 'any'.")] = None,
    pictures: Annotated[bool, typer.Option(help="Draw a picture of each band.")] = True,
    quiet: Quiet = False,
) -> None:
    """Run a product or a process graph on this machine and write its maps."""
    stac: dict[str, Any] = {
        "source": source,
        "resolution": resolution,
        "crs": crs,
        "max_cloud_cover": cloud_cover,
        "where": where,
    }
    place = area_of(bbox, area)
    graph, arguments, bands, name = _program(what, place, period, parameters_of(param), cube, resolution)
    pixels = local.source_of(
        cube=cube, scale=scale, units=units_of(units), loader=loader, on_error="gap" if gaps else "raise", **stac
    )
    shared = Namespaces(Path(what).parent if what.endswith(".json") else None)
    trusted = frozenset(allow_udf or ())
    environment = Environment(pixels, resolve=shared, trusted=trusted, trust_any="any" in trusted)
    output = local.Output(out, name, bands, format, picture=pictures)
    with progress_bar(quiet) as progress, _client(scheduler) as client:
        workers = local.Workers(threads, tile, client)
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


def _program(
    what: str,
    place: Area | None,
    period: str | None,
    parameters: dict[str, Any],
    cube: Path | None,
    resolution: float | None,
) -> tuple[Mapping[str, Any], dict[str, Any], Any, str]:
    """(graph, arguments, described bands, name) of a product or of a graph file."""
    if not what.endswith(".json"):
        if cube is not None and resolution is None:
            file = local.file_source(cube)
            resolution = file.resolution if isinstance(file, CubeFile) else None
        product = get_product(what)
        graph = product.flat_graph(
            get_profile("local"),
            spatial_extent=WORLD if place is None and cube else needed(place, "--bbox or --area"),
            temporal_extent=EVER if period is None and cube else needed(period, "--period"),
            **({} if resolution is None else {"resolution": resolution}),
            **parameters,
        )
        return graph, parameters, product.outputs(parameters), product.id
    path = Path(what)
    arguments = dict(parameters)
    if place is not None:
        arguments["spatial_extent"] = place.spatial_extent
    if period is not None:
        arguments["temporal_extent"] = list(Period.of(period).interval)
    return read_graph(path), arguments, (), path.stem


def read_graph(path: Path) -> Mapping[str, Any]:
    """The process graph in a JSON file."""
    if not path.is_file():
        raise DrylandsError(f"process graph {str(path)!r} does not exist")
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DrylandsError(f"process graph {str(path)!r} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise DrylandsError(f"process graph {str(path)!r} is not a JSON object")
    return content


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
