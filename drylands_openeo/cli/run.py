"""``drylands run``: a product, or anyone's process graph, on this machine or at a back-end."""

from pathlib import Path
from typing import Annotated

import typer

from drylands_openeo import local
from drylands_openeo.cli import remote
from drylands_openeo.cli.here import Here, run_here
from drylands_openeo.cli.options import (
    AreaFile,
    Bbox,
    CloudCover,
    Drylands,
    Order,
    Parameters,
    PeriodText,
    Quiet,
    Source,
    StacOf,
    Threads,
    Units,
    Where,
    area_of,
    inputs_of,
    parameters_of,
    units_of,
)
from drylands_openeo.errors import DrylandsError

CubePath = Annotated[Path | None, typer.Option(help="A file (netCDF, zarr): a downloaded cube, or a climate.")]
Inputs = Annotated[
    list[str] | None, typer.Option(help="A file or STAC source for one role, e.g. npp=npp.nc; repeatable.")
]
Resolution = Annotated[float | None, typer.Option(help="Pixel size [units of --crs].")]
Crs = Annotated[str | None, typer.Option(help="Projection, e.g. EPSG:32650; default: the area's UTM zone.")]
TileEdge = Annotated[int | None, typer.Option(min=16, help="Edge of a tile [pixels]; default: what memory allows.")]
Resampling = Annotated[str, typer.Option(help="Of bands on other pixels: nearest (as back-ends load), bilinear, ...")]
Trusted = Annotated[list[str] | None, typer.Option(help="SHA-256 of a UDF text that may run, or 'any'.")]


def run_graph(
    what: Annotated[str, typer.Argument(help="A product, or a process graph (JSON file).")],
    source: Source = None,
    cube: CubePath = None,
    input: Inputs = None,
    units: Units = None,
    scale: Annotated[float | None, typer.Option(help="Reflectance per stored value of --cube.")] = None,
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    param: Parameters = None,
    drylands: Drylands = None,
    resolution: Resolution = None,
    crs: Crs = None,
    cloud_cover: CloudCover = None,
    where: Where = None,
    loader: Annotated[str, typer.Option(help="odc-stac or stackstac.")] = "odc-stac",
    resampling: Resampling = "nearest",
    gaps: Annotated[bool, typer.Option("--gaps", help="Go on where an asset cannot be read; gaps are listed.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    format: Annotated[str, typer.Option(help="GTiff or netCDF.")] = "GTiff",
    threads: Threads = None,
    tile: TileEdge = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask.distributed scheduler.")] = None,
    allow_udf: Trusted = None,
    pictures: Annotated[bool, typer.Option(help="Draw a picture of each band.")] = True,
    backend: remote.Backends = None,
    rules: remote.Rules = None,
    stac_of: StacOf = None,
    split: remote.SplitSide = None,
    jobs: remote.Parallel = 2,
    attempts: remote.Attempts = 3,
    poll: remote.Poll = 10.0,
    patience: remote.Silence = 30.0,
    job: remote.Sent = None,
    job_option: remote.JobOptions = None,
    user: remote.User = None,
    password: remote.Password = None,
    client_id: remote.ClientId = None,
    client_secret: remote.ClientSecret = None,
    provider: remote.Provider = None,
    force: remote.Force = False,
    quiet: Quiet = False,
) -> None:
    """Run a product or a process graph, on this machine or at a back-end, and write its maps."""
    order = Order(what, area_of(bbox, area), period, parameters_of(param), resolution, format, out, drylands)
    if backend:
        if source or cube or input or scheduler or where or cloud_cover is not None:
            raise DrylandsError("--backend takes its own data: leave out --source, --cube, --where and the like")
        login = remote.login_of(user, password, client_id, client_secret, provider)
        options = remote.options_of(job_option)
        how = remote.How(split, crs, jobs, attempts, poll, patience, options, rules, stac_of, job)
        return remote.run_remote(order, how, backend, login, force=force, quiet=quiet)
    stac = {"source": source, "resolution": resolution, "crs": crs, "max_cloud_cover": cloud_cover, "where": where}
    stac |= {"loader": loader, "resampling": resampling, "on_error": "gap" if gaps else "raise"}
    workers, trusted = local.Workers(threads, tile), frozenset(allow_udf or ())
    here = Here(cube, inputs_of(input), scale, units_of(units), stac, workers, scheduler, trusted, pictures)
    return run_here(order, here, quiet=quiet)
