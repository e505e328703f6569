"""``drylands response``: how vegetation answers to drought, by land cover."""

from pathlib import Path
from typing import Annotated

import numpy as np
import rasterio
import typer
from odc.geo.geobox import GeoBox
from rasterio.vrt import WarpedVRT
from rich.console import Console
from rich.table import Table

from drylands_openeo.errors import DrylandsError, SourceError
from drylands_openeo.statistics.areas import cell_areas
from drylands_openeo.statistics.response import BANDS, by_land_cover, in_seven_classes


def response(
    path: Annotated[Path, typer.Argument(help="A map of the product vegetation_response (GeoTIFF).")],
    cover: Annotated[Path, typer.Argument(help="Land cover on any grid (GeoTIFF).")],
    legend: Annotated[str, typer.Option(help="Of the land cover: worldcover or unccd.")] = "worldcover",
    alpha: Annotated[float, typer.Option(min=0, max=1, help="Level of significance of a response.")] = 0.05,
    out: Annotated[Path, typer.Option(help="The table (.csv).")] = Path("response.csv"),
) -> None:
    """Sum the response of vegetation to drought up by land cover: area, correlation, lag, share that responds."""
    maps, grid = _bands(path)
    classes = in_seven_classes(_on_grid(cover, path), legend)
    found = by_land_cover(maps, classes, cell_areas(grid), alpha=alpha)
    if found.empty:
        raise DrylandsError(f"no pixel of {str(path)!r} has both a response and a class of {str(cover)!r} ({legend})")
    found.to_csv(out, index=False)
    table = Table(box=None, pad_edge=False)
    for title in ("class", "km2", "r", "lag [months]", "responds [%]"):
        table.add_column(title, justify="left" if title == "class" else "right")
    for row in found.to_dict("records"):
        lag = "-" if np.isnan(row["lag"]) else f"{row['lag']:.0f}"
        table.add_row(str(row["class"]), f"{row['area']:,.1f}", f"{row['r']:.2f}", lag, f"{row['responds']:.0f}")
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    console.print(f"\n{out}", markup=False)


def _bands(path: Path) -> tuple[dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]], GeoBox]:
    with _opened(path) as source:
        names = list(source.descriptions)
        missing = [band for band in BANDS if band not in names]
        if missing:
            raise DrylandsError(f"map {str(path)!r} has no band {missing[0]!r}; it has {', '.join(map(str, names))}")
        values = source.read([names.index(band) + 1 for band in BANDS], masked=True).astype(float).filled(np.nan)
        return dict(zip(BANDS, values, strict=True)), GeoBox(source.shape, source.transform, source.crs)


def _on_grid(cover: Path, path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Codes on the pixels of the map: those of the nearest pixel."""
    with _opened(path) as of, _opened(cover) as source:
        place = {"crs": of.crs, "transform": of.transform, "width": of.width, "height": of.height}
        with WarpedVRT(source, **place) as warped:
            codes: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = warped.read(1, masked=True).astype(float)
            return np.ma.filled(codes, np.nan)


def _opened(path: Path) -> rasterio.DatasetReader:
    try:
        return rasterio.open(path)
    except rasterio.errors.RasterioError as error:
        raise SourceError(f"map {str(path)!r} cannot be read: {error}") from error
