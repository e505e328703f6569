"""``drylands cover-carbon`` and ``drylands soc-change``: statistics of soil carbon."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import rasterio
import typer
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioIOError

from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import OutputBand
from drylands_openeo.samples import read_table
from drylands_openeo.statistics.cover_carbon import plot, relate, table
from drylands_openeo.statistics.soc_change import LDN_THRESHOLD, soc_change, standard_error
from drylands_openeo.write import MapWriter

BANDS = (
    OutputBand("change", "g kg-1", "change of soil organic carbon over the whole time"),
    OutputBand("change_error", "g kg-1", "standard error of the change"),
    OutputBand("relative_change", "1", "change over the carbon at the beginning"),
    OutputBand("class", "1", "-1 loss, 0 none that can be told, 1 gain"),
)


def cover_carbon(
    samples: Annotated[Path, typer.Argument(help="Table: CSV, GeoPackage or GeoParquet.")],
    carbon: Annotated[str, typer.Option(help="Column of soil organic matter, or of its change.")] = "som",
    cover: Annotated[str, typer.Option(help="Columns of cover, or of its change, comma-separated.")] = "pv,npv",
    vegetation: Annotated[str, typer.Option(help="Column of the vegetation type.")] = "vegetation",
    cluster: Annotated[
        str | None, typer.Option(help="Column of plots or blocks whose samples belong together.")
    ] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    out: Annotated[Path, typer.Option(help="Folder for the table and the plot.")] = Path("cover_carbon"),
) -> None:
    """Relate soil organic matter to green and dry cover, vegetation type by vegetation type."""
    frame, _ = read_table(samples)
    names = [name.strip() for name in cover.split(",")]
    for name in (carbon, vegetation, *names, *([cluster] if cluster else [])):
        if name not in frame:
            raise DrylandsError(f"column {name!r} is not in the table, which has {', '.join(map(str, frame.columns))}")
    covers = {name: frame[name].to_numpy(float) for name in names}
    clusters = frame[cluster].to_numpy() if cluster else None
    y, types = frame[carbon].to_numpy(float), frame[vegetation].to_numpy()
    found = relate(covers, y, types, clusters=clusters, level=level)
    out.mkdir(parents=True, exist_ok=True)
    rows = table(found)
    rows.to_csv(out / "cover_carbon.csv", index=False)
    plot(found, covers, y, types, out / "cover_carbon.png")
    with pd.option_context("display.width", 160):
        typer.echo(rows.to_string(index=False, float_format="{:.4g}".format))


def change_of_carbon(
    maps: Annotated[list[Path], typer.Argument(help="Maps of product soil_carbon, in time order.")],
    years: Annotated[str, typer.Option(help="Their years, comma-separated.")],
    correlation: Annotated[float, typer.Option(help="Correlation of the maps' errors.")] = 0.0,
    threshold: Annotated[float, typer.Option(help="Relative change that counts.")] = LDN_THRESHOLD,
    interval: Annotated[float, typer.Option(help="Level of the maps' intervals.")] = 0.9,
    level: Annotated[float, typer.Option(help="Level at which a change is sure.")] = 0.9,
    out: Annotated[Path, typer.Option(help="The map to write (.tif).")] = Path("soc_change.tif"),
) -> None:
    """Map the change of soil carbon between dates, with its error and its class for land degradation neutrality."""
    try:
        when = [float(text) for text in years.split(",")]
    except ValueError:
        raise DrylandsError(f"--years is {years!r}; give numbers, comma-separated") from None
    if len(when) != len(maps):
        raise DrylandsError(f"--years has {len(when)} years for {len(maps)} maps")
    grid = _grid_of(maps)
    with MapWriter(out, grid, BANDS, overwrite=True) as writer:
        for row in range(0, grid.shape[0], 512):
            stack = np.stack([_rows(path, row) for path in maps]).astype(np.float64)
            error = standard_error(stack[:, 1], stack[:, 2], level=interval)
            made = soc_change(stack[:, 0], error, when, correlation=correlation, threshold=threshold, level=level)
            writer.write(np.stack([made[band.name] for band in BANDS]).astype(np.float32), row, 0)
    typer.echo(out)


def _grid_of(maps: list[Path]) -> GeoBox:
    grids = []
    for path in maps:
        try:
            with rasterio.open(path) as source:
                grids.append(GeoBox.from_rio(source))
                if tuple(source.descriptions[:3]) != ("soc", "soc_lower", "soc_upper"):
                    raise DrylandsError(f"map {str(path)!r} has bands {source.descriptions}; soil_carbon's are needed")
        except RasterioIOError as error:
            raise DrylandsError(f"map {str(path)!r} cannot be read: {error}") from error
    if any(grid != grids[0] for grid in grids):
        raise DrylandsError("the maps lie on different grids; run them with one area, resolution and crs")
    return grids[0]


def _rows(path: Path, row: int) -> np.ndarray:
    with rasterio.open(path) as source:
        height = min(512, source.height - row)
        window = rasterio.windows.Window(0, row, source.width, height)
        return np.asarray(source.read([1, 2, 3], window=window))
