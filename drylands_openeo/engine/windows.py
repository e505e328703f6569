"""Windows of grids: what lies where, in whole pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import ODCExtensionDa, xr_coords

from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.errors import GraphError

SPATIAL = ("y", "x")
Index = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True)
class Place:
    """Where a process works: the ``grid`` of its result and the ``window`` of it; both None for a whole cube."""

    grid: GeoBox | None
    window: GeoBox | None

    def offset(self, cube: Cube) -> tuple[int, int]:
        """(row, column) of the cube's first pixel on the grid, so that blocks can be counted from the grid's origin."""
        return (0, 0) if self.grid is None else _offset(cube, self.grid)


def key(window: GeoBox | None) -> Any:
    """What tells two windows apart."""
    return None if window is None else (tuple(window.shape), tuple(window.affine), str(window.crs))


def spatial_dims(cube: Cube) -> bool:
    """Whether a cube has pixels on the ground."""
    return all(dim in cube.dims for dim in SPATIAL)


def grid_of(cube: Cube) -> GeoBox | None:
    """The grid of a cube, from its coordinates and its CRS; None where it has no pixels on the ground."""
    if not spatial_dims(cube) or not all(dim in cube.coords and cube.sizes[dim] > 0 for dim in SPATIAL):
        return None
    (top, down), (left, right) = (_origin_and_step(cube.coords[dim]) for dim in SPATIAL)
    affine = Affine(right, 0, left - right / 2, 0, down, top - down / 2)
    return GeoBox((cube.sizes["y"], cube.sizes["x"]), affine, crs_of(cube))


def crs_of(cube: Cube) -> Any:
    """The coordinate reference system of a cube, or None."""
    return ODCExtensionDa(cube).crs


def on_grid(values: np.ndarray[Any, Any], grid: GeoBox, **leading: Any) -> Cube:
    """A cube (leading dimensions..., y, x) with the coordinates and the CRS of a grid."""
    coords = {**{name: labels for name, labels in leading.items() if labels is not None}, **_coords(grid)}
    return Cube(values, dims=(*leading, *SPATIAL), coords=coords)


@lru_cache(maxsize=256)
def _coords(grid: GeoBox) -> Mapping[Any, Cube]:
    """Labels of the pixels and the CRS; every block asks for its own several times."""
    return MappingProxyType(dict(xr_coords(grid, dims=SPATIAL)))


def pad(window: GeoBox, pixels: int) -> GeoBox:
    """The window with a margin on every side."""
    return window if pixels == 0 else window.pad(pixels)


def around(one: GeoBox, other: GeoBox) -> GeoBox:
    """The smallest window that holds both; they lie on the same pixels."""
    row, column = steps(other, one)
    top, left = min(row, 0), min(column, 0)
    bottom, right = max(row + other.shape[0], one.shape[0]), max(column + other.shape[1], one.shape[1])
    return GeoBox((bottom - top, right - left), one.affine @ Affine.translation(left, top), one.crs)


def within(window: GeoBox, grid: GeoBox) -> GeoBox:
    """The part of the window that lies on the grid; both have the same pixels."""
    row, column = steps(window, grid)
    top, left = max(row, 0), max(column, 0)
    bottom = min(row + window.shape[0], grid.shape[0])
    right = min(column + window.shape[1], grid.shape[1])
    if (top, left, bottom, right) == (0, 0, *grid.shape):
        return grid
    if bottom <= top or right <= left:
        raise GraphError("a window lies outside the cube that it is taken from")
    return grid[top:bottom, left:right]


def take(cube: Cube, rows: Index, columns: Index) -> Block:
    """The values (..., rows, columns) of a cube (..., y, x); NaN for rows and columns that it does not have."""
    if _all_inside(rows, cube.shape[-2]) and _all_inside(columns, cube.shape[-1]):
        kept: Block = cube.values.take(columns, axis=-1).take(rows, axis=-2)
        return kept
    row_inside, column_inside = (rows >= 0) & (rows < cube.shape[-2]), (columns >= 0) & (columns < cube.shape[-1])
    values = np.full((*cube.shape[:-2], len(rows), len(columns)), np.nan, np.result_type(cube.dtype, np.float32))
    lead = (slice(None),) * (cube.ndim - 2)
    inside = np.ix_(row_inside, column_inside)
    values[lead + inside] = cube.values[lead + np.ix_(rows[row_inside], columns[column_inside])]
    return values


def _all_inside(indices: Index, length: int) -> bool:
    return len(indices) > 0 and indices.min() >= 0 and indices.max() < length


def select(cube: Cube, target: GeoBox) -> Cube:
    """A cube on another window of its own grid; NaN where the window reaches beyond the cube."""
    grid = grid_of(cube)
    if grid is None or (tuple(grid.shape), tuple(grid.affine)) == (tuple(target.shape), tuple(target.affine)):
        return cube
    row, column = steps(target, grid)
    ordered = cube.transpose(..., *SPATIAL)
    values = take(ordered, row + np.arange(target.shape[0]), column + np.arange(target.shape[1]))
    leading = {str(dim): ordered.coords[dim].values if dim in ordered.coords else None for dim in ordered.dims[:-2]}
    return on_grid(values, target, **leading)


def crop(value: Any, window: GeoBox) -> Any:
    """A cube cut to a window of its own grid; anything else as it is."""
    if not isinstance(value, Cube) or not spatial_dims(value):
        return value
    rows, columns = window.shape
    if (value.sizes["y"], value.sizes["x"]) == (rows, columns):
        return value
    row, column = _offset(value, window)
    return value.isel(y=slice(-row, -row + rows), x=slice(-column, -column + columns))


def steps(window: GeoBox, grid: GeoBox) -> tuple[int, int]:
    """(row, column) of the window's first pixel, counted on the grid."""
    column, row = grid.wld2pix(window.affine.c, window.affine.f)
    if max(abs(column - round(column)), abs(row - round(row))) > 0.01:
        raise GraphError("a window does not lie on the pixels of the grid that it is taken from")
    return round(row), round(column)


def _offset(cube: Cube, grid: GeoBox) -> tuple[int, int]:
    column, row = grid.wld2pix(float(cube.coords["x"][0]), float(cube.coords["y"][0]))
    return round(row - 0.5), round(column - 0.5)


def _origin_and_step(coordinate: Cube) -> tuple[float, float]:
    """The first label and the step; of a single label the pixel size that ``on_grid`` has noted."""
    labels = coordinate.values
    first = float(labels[0])
    if len(labels) == 1:
        return first, float(coordinate.attrs.get("resolution", 1.0))
    return first, (float(labels[-1]) - first) / (len(labels) - 1)
