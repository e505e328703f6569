"""``drylands range``: the first pass of textures."""

import json
from typing import Annotated, Any

import typer

from drylands_openeo import local
from drylands_openeo.cli.here import progress_bar
from drylands_openeo.cli.options import (
    AreaFile,
    Bbox,
    CloudCover,
    Parameters,
    PeriodText,
    Quiet,
    Source,
    Where,
    area_of,
    needed,
    parameters_of,
)
from drylands_openeo.engine import Environment
from drylands_openeo.local.range import band_range
from drylands_openeo.products.texture import PRODUCT


def grey_range(
    source: Source = None,
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    param: Parameters = None,
    resolution: Annotated[float | None, typer.Option(help="Pixel size [units of --crs].")] = None,
    crs: Annotated[str | None, typer.Option(help="Projection, e.g. EPSG:32650; default: the area's UTM zone.")] = None,
    cloud_cover: CloudCover = None,
    where: Where = None,
    percent: Annotated[tuple[float, float], typer.Option(help="Percentiles of the ends.")] = (0.1, 99.9),
    quiet: Quiet = False,
) -> None:
    """Find the range of grey levels over a region: the parameters low and high of product 'texture'."""
    stac: dict[str, Any] = {
        "source": source,
        "resolution": resolution,
        "crs": crs,
        "max_cloud_cover": cloud_cover,
        "where": where,
    }
    arguments = PRODUCT.filled(
        spatial_extent=needed(area_of(bbox, area), "--bbox or --area"),
        temporal_extent=needed(period, "--period"),
        **({} if resolution is None else {"resolution": resolution}),
        **parameters_of(param),
    )
    with progress_bar(quiet) as progress:
        found = band_range(arguments, Environment(local.source_of(**stac)), percent=percent, progress=progress)
    typer.echo(
        " ".join(f"--param {name}={json.dumps(values, separators=(',', ':'))}" for name, values in found.items())
    )
