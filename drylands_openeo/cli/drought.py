"""``drylands drought``: the drought table of a region from one climate, and ``drylands areas`` of a map of classes."""

from pathlib import Path
from typing import Annotated

import numpy as np
import rasterio
import typer
from odc.geo.geobox import GeoBox
from rich.console import Console
from rich.table import Table

from drylands_openeo import local
from drylands_openeo.cli.here import EVER, WORLD, progress_bar
from drylands_openeo.cli.options import (
    AreaFile,
    Bbox,
    Parameters,
    PeriodText,
    Quiet,
    Source,
    Threads,
    Units,
    area_of,
    needed,
    parameters_of,
    units_of,
)
from drylands_openeo.errors import DrylandsError, SourceError
from drylands_openeo.local.drought import DroughtReport, drought_report
from drylands_openeo.products.aridity import CLASSES
from drylands_openeo.statistics.areas import added, cell_areas, class_areas

SHOWN = ("drought_area", "intensity", "drought_months")


def drought(
    climate: Annotated[
        Path | None, typer.Argument(help="A climate: netCDF, zarr, or a folder of netCDF files.")
    ] = None,
    source: Source = None,
    index: Annotated[str, typer.Option(help="scpdsi, spi or spei.")] = "scpdsi",
    units: Units = None,
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    param: Parameters = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("out"),
    threads: Threads = None,
    quiet: Quiet = False,
) -> None:
    """Area, intensity and duration of drought year by year, their trends, a plot, and maps of each pixel's trend."""
    place = area_of(bbox, area)
    pixels = local.source_of(cube=climate, units=units_of(units), source=source)
    with progress_bar(quiet) as progress:
        report = drought_report(
            pixels, out, index=index, progress=progress, workers=local.Workers(threads),
            spatial_extent=WORLD if place is None and climate else needed(place, "--bbox or --area"),
            temporal_extent=EVER if period is None and climate else needed(period, "--period"),
            **parameters_of(param),
        )  # fmt: skip
    if not quiet:
        show(report)


def show(report: DroughtReport) -> None:
    """Print the trends of the year, and what was written."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(trend_table(report))
    total = sum(report.pixels.values()) or float("nan")
    shares = ", ".join(f"{name} {area / total:.0%}" for name, area in report.pixels.items())
    console.print(f"\ntrend of pixels at a false-discovery rate of 5 %, of {total:,.0f} km2: {shares}\n")
    for key, path in report.files.items():
        console.print(f"{key:>20}  {path}")


def trend_table(report: DroughtReport) -> Table:
    """The annual trends."""
    table = Table(box=None, pad_edge=False)
    for title in ("annual", "a decade", "95 %", "p", "p Hamed-Rao", "p prewhitened"):
        table.add_column(title, justify="left" if title == "annual" else "right")
    annual = report.trends[(report.trends["season"] == "annual") & report.trends["quantity"].isin(SHOWN)]
    for row in annual.itertuples():
        table.add_row(
            str(row.quantity), f"{row.slope_per_decade:+.3f}", f"{row.low:+.3f} {row.high:+.3f}", f"{row.p:.2g}",
            f"{row.p_hamed_rao:.2g}", f"{row.p_prewhitened:.2g}",
        )  # fmt: skip
    return table


def areas(
    path: Annotated[Path, typer.Argument(help="A map of classes (GeoTIFF), as a run writes it.")],
    band: Annotated[str, typer.Option(help="Its band.")] = "aridity_class",
) -> None:
    """Area of each class of a map [km2], by the true area of its cells."""
    table = Table(box=None, pad_edge=False)
    for title in ("class", "km2", "%"):
        table.add_column(title, justify="left" if title == "class" else "right")
    found = areas_of(path, band)
    total = sum(found.values()) or float("nan")
    for name, area in found.items():
        table.add_row(name, f"{area:,.1f}", f"{100 * area / total:.1f}")
    Console(highlight=False, soft_wrap=True).print(table)


def areas_of(path: Path, band: str) -> dict[str, float]:
    """Area [km2] of each class of one band of a GeoTIFF, read block by block; classes of aridity by name."""
    try:
        source = rasterio.open(path)
    except rasterio.errors.RasterioError as error:
        raise SourceError(f"map {str(path)!r} cannot be read: {error}") from error
    with source:
        names = [name or str(number) for number, name in enumerate(source.descriptions, start=1)]
        if band not in names:
            raise DrylandsError(f"map {str(path)!r} has no band {band!r}; it has {', '.join(names)}")
        index = names.index(band) + 1
        grid = GeoBox(source.shape, source.transform, source.crs)
        parts = []
        for _, window in source.block_windows(index):
            values = source.read(index, window=window, masked=True).astype(float).filled(np.nan)
            rows, columns = window.toslices()
            parts.append(class_areas(values, cell_areas(grid[rows, columns]), _classes(values, band)))
    total = added(parts)
    return {name: total[name] for name in sorted(total)}


def _classes(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], band: str) -> dict[int, str]:
    """Value -> name of the classes met."""
    met = sorted({int(value) for value in np.unique(values[np.isfinite(values)])})
    return {value: f"{value} {CLASSES[value]}" if band == "aridity_class" else str(value) for value in met}
