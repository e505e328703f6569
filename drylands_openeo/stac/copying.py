"""Pixels of a file that are pixels of the grid: nothing to resample, so they are copied in one read."""

import math
import warnings
from urllib.parse import urlparse

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterWindow

Window = tuple[slice, slice]

UNPLACED = {"GEOREF_SOURCES": "NONE"}
"""The grid is known already, and looking up its projection is three quarters of the time of opening a GeoTIFF (and
done by one thread at a time); what rasterio then says of a file without a place is not for the user."""

warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module="rasterio")


def copied(
    address: str, index: int, nodata: float | None, source: GeoBox, grid: GeoBox
) -> tuple[Window, NDArray[np.float32]]:
    """(part of ``grid`` that the file covers, its digital numbers there), no-data as NaN.

    ``source``: the file's own grid, on whose pixels ``grid`` lies. ``nodata`` None: the file says. The loaders read
    the same, but reckon with projections anew at every read, which takes longer than a small window itself.
    """
    part, window = _overlap(source, grid)
    if not (window.width and window.height):
        return part, np.empty((window.height, window.width), np.float32)
    with rasterio.open(address, sharing=False, **_opening(address)) as file:
        numbers = file.read(index, window=window)
        missing = file.nodatavals[index - 1] if nodata is None else nodata
    values: NDArray[np.float32] = numbers.astype(np.float32, copy=False)
    if missing is not None and not math.isnan(missing):
        np.copyto(values, np.nan, where=numbers == missing)
    return part, values


def _opening(address: str) -> dict[str, str]:
    """Options for the drivers that have one to leave out the place.

    >>> _opening("https://host/B04.tif?sig=x"), _opening("/data/cube.nc")
    ({'GEOREF_SOURCES': 'NONE'}, {})
    """
    return UNPLACED if urlparse(address).path.lower().endswith((".tif", ".tiff", ".jp2")) else {}


def _overlap(source: GeoBox, grid: GeoBox) -> tuple[Window, RasterWindow]:
    """What two grids of the same pixels share, counted on ``grid`` and on ``source``."""
    shift = ~source.transform @ grid.transform
    (top, height), (left, width) = (
        _shared(round(start), length, limit)
        for start, length, limit in zip((shift.f, shift.c), grid.shape, source.shape, strict=True)
    )
    row, column = top - round(shift.f), left - round(shift.c)
    return (slice(row, row + height), slice(column, column + width)), RasterWindow(left, top, width, height)


def _shared(start: int, length: int, limit: int) -> tuple[int, int]:
    """(first, number) of the pixels start .. start + length that lie in 0 .. limit.

    >>> _shared(-2, 5, 10), _shared(8, 5, 10), _shared(20, 5, 10)
    ((0, 3), (8, 2), (10, 0))
    """
    first = min(max(start, 0), limit)
    return first, max(min(start + length, limit) - first, 0)
