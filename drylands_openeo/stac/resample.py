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

GRAIN = 2.0**-20
"""Positions are rounded to this part of a source pixel, so that on the line between two pixels the last bits of a
coordinate, which differ from window to window, do not choose."""

_LIGHT = 1e-6


@dataclass(frozen=True)
class Positions:
    """Where the pixel centres of a grid lie in the part ``window`` of a source image.

    ``nearest``: the pixel that each lies in, as an index of the flat part. ``corner``: the upper left of the four
    pixels around it, as an index of the flat part with a border of one pixel; ``down``, ``right``: the way from there,
    0..1. ``inside``: whether the position lies on the image. ``bordered``: whether a border pixel is among the four.
    ``ratio``: source pixels that a step on the grid makes.
    """

    window: tuple[slice, slice]
    nearest: NDArray[np.int32]
    corner: NDArray[np.int32]
    down: NDArray[np.float32]
    right: NDArray[np.float32]
    inside: NDArray[np.bool_]
    bordered: bool
    ratio: float

    @property
    def empty(self) -> bool:
        """Whether no pixel of the grid lies on the image."""
        return not self.inside.any()


def aligned(source: GeoBox, grid: GeoBox) -> bool:
    """Whether pixels of ``grid`` are pixels of ``source``: nothing to resample."""
    if source.crs != grid.crs:
        return False
    step = ~source.transform @ grid.transform
    size = max(grid.shape)
    whole = all(abs(shift - round(shift)) < ALIGNED for shift in (step.c, step.f))
    same = all(abs(value) * size < ALIGNED for value in (step.a - 1, step.b, step.d, step.e - 1))
    return whole and same


@lru_cache(maxsize=12)
def positions(source: GeoBox, grid: GeoBox) -> Positions:
    """Where the pixel centres of ``grid`` lie in ``source``."""
    rows, columns = _coordinates(source, grid)
    inside = (rows >= 0) & (rows <= source.height) & (columns >= 0) & (columns <= source.width)
    ratio = max(_pace(rows, columns, axis) for axis in (0, 1))
    window = (_span(rows[inside], source.height), _span(columns[inside], source.width))
    height, width = (part.stop - part.start for part in window)
    rows, columns = (
        np.where(inside, axis - part.start, 0.5) for axis, part in zip((rows, columns), window, strict=True)
    )
    nearest_row = np.clip(np.floor(rows), 0, height - 1)
    nearest_column = np.clip(np.floor(columns), 0, width - 1)
    first, left = np.floor(rows - 0.5), np.floor(columns - 0.5)
    bordered = bool(
        not inside.all() or first.min() < 0 or left.min() < 0 or first.max() + 1 >= height or left.max() + 1 >= width
    )
    return Positions(
        window,
        (nearest_row * width + nearest_column).astype(np.int32),
        ((first + 1) * (width + 2) + left + 1).astype(np.int32),
        (rows - 0.5 - first).astype(np.float32),
        (columns - 0.5 - left).astype(np.float32),
        inside,
        bordered,
        ratio,
    )


def nearest(values: NDArray[np.float32], where: Positions) -> NDArray[np.float32]:
    """The value of the pixel that each position lies in; NaN outside."""
    found = values.ravel()[where.nearest]
    return found if where.inside.all() else np.where(where.inside, found, np.float32(np.nan))


def bilinear(values: NDArray[np.float32], where: Positions) -> NDArray[np.float32]:
    """The weighted mean of the valid ones among the four pixels around each position; NaN where there is none."""
    padded = np.pad(values, 1, constant_values=np.nan)
    shares = _shares(where)
    corners = [where.corner + step for step in (0, 1, padded.shape[1], padded.shape[1] + 1)]
    valid = np.isfinite(padded)
    if not where.bordered and valid[1:-1, 1:-1].all():
        return _weighted(padded, corners, shares)
    total = _weighted(np.where(valid, padded, np.float32(0)), corners, shares)
    weight = _weighted(valid.astype(np.float32), corners, shares)
    found = where.inside & (weight > _LIGHT)
    return np.where(found, total / np.where(found, weight, np.float32(1)), np.float32(np.nan))


def _weighted(
    image: NDArray[np.float32], corners: list[NDArray[np.int32]], shares: list[NDArray[np.float32]]
) -> NDArray[np.float32]:
    flat = image.ravel()
    total = flat[corners[0]]
    total *= shares[0]
    for corner, share in zip(corners[1:], shares[1:], strict=True):
        part = flat[corner]
        part *= share
        total += part
    return total


def _shares(where: Positions) -> list[NDArray[np.float32]]:
    """The weights of the four pixels: upper left, upper right, lower left, lower right."""
    lower_right = where.down * where.right
    lower_left, upper_right = where.down - lower_right, where.right - lower_right
    return [1 - where.down - upper_right, upper_right, lower_left, lower_right]


def _coordinates(source: GeoBox, grid: GeoBox) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows and columns of the grid's pixel centres in the source; its first pixel reaches from 0 to 1."""
    columns, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    x, y = _apply(grid.transform, columns, rows)
    if grid.crs is not None and source.crs is not None and source.crs != grid.crs:
        x, y = grid.crs.transformer_to_crs(source.crs)(x, y)
    columns, rows = _apply(~source.transform, x, y)
    return np.round(rows / GRAIN) * GRAIN, np.round(columns / GRAIN) * GRAIN


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
    return float(np.max(step, initial=0, where=np.isfinite(step)))


def _span(position: NDArray[np.float64], size: int) -> slice:
    """The source pixels around the positions, within the image."""
    if not position.size:
        return slice(0, 1)
    return slice(max(int(np.floor(position.min())) - 1, 0), min(int(np.floor(position.max())) + 2, size))
