"""Pixels of one grid seen on another, exactly, so that a tile's result does not depend on the tile.

GDAL's warper replaces the map projection by straight pieces that start anew at every window: two tilings of one area
then differ by parts of a pixel. Here positions are exact; they are computed once for a pair of grids and serve every
date and band.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

ALIGNED = 1e-3
"""Pixels by which two grids may differ and still count as one."""

SHRINKING = 1.1
"""Above this ratio of pixel sizes bilinear interpolation would skip pixels; GDAL's, which averages, is used."""

_TIE = 1e-6
_LIGHT = 1e-6


@dataclass(frozen=True)
class Positions:
    """Where the pixel centres of a grid lie in a source image: rows and columns from 0, counted within ``window``."""

    window: tuple[slice, slice]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    ratio: float

    @property
    def empty(self) -> bool:
        """Whether no pixel of the grid lies on the image."""
        return any(part.stop <= part.start for part in self.window)


def aligned(source: GeoBox, grid: GeoBox) -> bool:
    """Whether pixels of ``grid`` are pixels of ``source``: nothing to resample."""
    if source.crs != grid.crs:
        return False
    step = ~source.transform @ grid.transform
    size = max(grid.shape)
    whole = all(abs(shift - round(shift)) < ALIGNED for shift in (step.c, step.f))
    same = all(abs(value) * size < ALIGNED for value in (step.a - 1, step.b, step.d, step.e - 1))
    return whole and same


@lru_cache(maxsize=16)
def positions(source: GeoBox, grid: GeoBox) -> Positions:
    """Where the pixel centres of ``grid`` lie in ``source``."""
    columns, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    x, y = _apply(grid.transform, columns, rows)
    if source.crs != grid.crs and grid.crs is not None and source.crs is not None:
        x, y = grid.crs.transformer_to_crs(source.crs)(x, y)
    columns, rows = _apply(~source.transform, x, y)
    ratio = max(_pace(rows, columns, axis) for axis in (0, 1))
    window = (_span(rows, source.height), _span(columns, source.width))
    outside = (rows < 0) | (rows > source.height) | (columns < 0) | (columns > source.width)
    rows[outside] = np.nan
    return Positions(window, rows - 0.5 - window[0].start, columns - 0.5 - window[1].start, ratio)


def nearest(values: NDArray[np.float32], where: Positions) -> NDArray[np.float32]:
    """The value of the pixel that each position lies in; NaN outside."""
    inside = np.isfinite(where.rows) & np.isfinite(where.columns)
    rows = np.floor(np.where(inside, where.rows, 0) + 0.5 + _TIE).astype(np.intp)
    columns = np.floor(np.where(inside, where.columns, 0) + 0.5 + _TIE).astype(np.intp)
    found = values[np.clip(rows, 0, values.shape[0] - 1), np.clip(columns, 0, values.shape[1] - 1)]
    return np.where(inside, found, np.float32(np.nan))


def bilinear(values: NDArray[np.float32], where: Positions) -> NDArray[np.float32]:
    """The weighted mean of the valid ones among the four pixels around each position; NaN where there is none."""
    padded = np.pad(values, 1, constant_values=np.nan)
    valid = np.isfinite(padded)
    filled = np.where(valid, padded, 0).ravel()
    weight_of = valid.astype(np.float32).ravel()
    inside = np.isfinite(where.rows) & np.isfinite(where.columns)
    rows, columns = (np.where(inside, axis, 0) + 1 for axis in (where.rows, where.columns))
    first = np.clip(np.floor(rows).astype(np.intp), 0, padded.shape[0] - 2)
    left = np.clip(np.floor(columns).astype(np.intp), 0, padded.shape[1] - 2)
    down, right = (rows - first).astype(np.float32), (columns - left).astype(np.float32)
    corner = first * padded.shape[1] + left
    total = np.zeros(where.rows.shape, np.float32)
    weight = np.zeros(where.rows.shape, np.float32)
    for step, share in (
        (0, (1 - down) * (1 - right)),
        (1, (1 - down) * right),
        (padded.shape[1], down * (1 - right)),
        (padded.shape[1] + 1, down * right),
    ):
        total += share * filled[corner + step]
        weight += share * weight_of[corner + step]
    found = inside & (weight > _LIGHT)
    return np.where(found, total / np.where(found, weight, 1), np.float32(np.nan)).astype(np.float32, copy=False)


def _apply(
    transform: Affine, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return (
        transform.a * x + transform.b * y + transform.c,
        transform.d * x + transform.e * y + transform.f,
    )


def _pace(rows: NDArray[np.float64], columns: NDArray[np.float64], axis: int) -> float:
    """Source pixels that one step along an axis of the grid makes."""
    if rows.shape[axis] < 2:
        return 0.0
    step = np.hypot(np.diff(rows, axis=axis), np.diff(columns, axis=axis))
    return float(np.nanmax(np.where(np.isfinite(step), step, 0)))


def _span(position: NDArray[np.float64], size: int) -> slice:
    """The source pixels around the positions, within the image."""
    finite = position[np.isfinite(position)]
    if not finite.size:
        return slice(0, 0)
    start, stop = int(np.floor(finite.min())) - 2, int(np.ceil(finite.max())) + 2
    return slice(min(max(start, 0), size), min(max(stop, 0), size))
