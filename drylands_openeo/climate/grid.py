"""The grid of a climate file: regular coordinates in any order, as a GeoBox with y descending."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from pyproj.exceptions import CRSError

from drylands_openeo.errors import SourceError

Index = NDArray[np.intp]
UNEVEN = 0.02
"""How far [steps] a coordinate may lie from an even grid: single precision does that much."""


@dataclass(frozen=True)
class FileGrid:
    """``grid``, the names of the file's dimensions, and the file's row and column of every row and column of it."""

    grid: GeoBox
    y: str
    x: str
    rows: Index
    columns: Index

    def within(self, extent: Mapping[str, Any] | None, origin: str) -> "FileGrid":
        """The part whose cells the spatial extent (openEO's west, south, east, north [crs]) touches."""
        if extent is None:
            return self
        west, south, east, north = _bounds(extent, self.grid.crs)
        (left, top), (right, bottom) = (self.grid.wld2pix(x, y) for x, y in ((west, north), (east, south)))
        tiny = 1e-6
        rows = slice(max(0, int(np.floor(top + tiny))), min(len(self.rows), int(np.ceil(bottom - tiny))))
        columns = slice(max(0, int(np.floor(left + tiny))), min(len(self.columns), int(np.ceil(right - tiny))))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            raise SourceError(
                f"{origin}: nothing lies in {dict(extent)}; it covers {self.grid.boundingbox.bbox} {self.grid.crs}"
            )
        return FileGrid(self.grid[rows, columns], self.y, self.x, self.rows[rows], self.columns[columns])


def latitudes(grid: GeoBox) -> NDArray[np.float64]:
    """Latitude [degrees north] of the pixel centres of a grid, (y, x)."""
    rows, columns = grid.shape
    column, row = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    a, b, c, d, e, f = grid.affine[:6]
    x, y = a * column + b * row + c, d * column + e * row + f
    if grid.crs.geographic:
        return np.asarray(y, float)
    return np.asarray(pyproj.Transformer.from_crs(str(grid.crs), "EPSG:4326", always_xy=True).transform(x, y)[1], float)


def file_grid(dataset: xr.Dataset, name: str, origin: str) -> FileGrid:
    """The grid of one variable of a file; SourceError for a grid that is not regular or not placed on the earth."""
    variable = dataset[name]
    x, y = (_coordinate(dataset, variable, axis, origin) for axis in ("X", "Y"))
    crs = _crs(dataset, variable, x, y, origin)
    columns, rows = np.arange(variable.sizes[x]), np.arange(variable.sizes[y])
    along, down = (np.asarray(dataset[dim].values, np.float64) for dim in (x, y))
    if dataset[x].dtype == np.float32:
        along, down = along.round(6), down.round(6)
    if crs.geographic and along.max() > 180:
        wrapped = np.where(along > 180, along - 360, along)
        order = np.argsort(wrapped)
        if _even(wrapped[order]):
            columns, along = columns[order], wrapped[order]
    if len(along) > 1 and along[0] > along[-1]:
        columns, along = columns[::-1], along[::-1]
    if len(down) > 1 and down[0] < down[-1]:
        rows, down = rows[::-1], down[::-1]
    for dim, values in ((x, along), (y, down)):
        if not _even(values):
            raise SourceError(f"{origin}: {dim!r} of {name!r} is not evenly spaced; regrid the file first")
    across = _step(along) or -_step(down)
    step = _step(down) or -across
    if not across:
        raise SourceError(f"{origin}: {name!r} has a single cell, whose size nobody knows; give at least two")
    affine = Affine(across, 0, along[0] - across / 2, 0, step, down[0] - step / 2)
    return FileGrid(GeoBox((len(down), len(along)), affine, crs), y, x, rows, columns)


def _step(values: NDArray[np.float64]) -> float:
    return float(values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 0.0


def _even(values: NDArray[np.float64]) -> bool:
    even = values[0] + _step(values) * np.arange(len(values))
    return bool(np.abs(values - even).max() <= UNEVEN * max(abs(_step(values)), 1e-12))


def cf_axis(dataset: xr.Dataset, axis: str) -> list[str]:
    """The coordinates that CF attributes place along an axis, X, Y or T."""
    import cf_xarray  # noqa: F401  (registers the accessor; slow to import, so only where a climate is read)

    return [str(name) for name in dataset.cf.axes.get(axis, [])]


def _coordinate(dataset: xr.Dataset, variable: xr.DataArray, axis: str, origin: str) -> str:
    """The dimension along an axis: by CF attributes, else by its usual name."""
    usual = {"X": ("x", "lon", "longitude", "easting", "rlon"), "Y": ("y", "lat", "latitude", "northing", "rlat")}[axis]
    held = [name for name in cf_axis(dataset[[str(variable.name)]], axis) if name in variable.dims]
    named = [str(dim) for dim in variable.dims if str(dim).lower() in usual]
    found = [name for name in (*held, *named) if name in dataset.coords or name in dataset.variables]
    if not found:
        raise SourceError(
            f"{origin}: {variable.name!r} has dims {variable.dims}, none of them a coordinate along {axis}; "
            "a regular grid with coordinates lat, lon or y, x is needed"
        )
    return str(found[0])


def _crs(dataset: xr.Dataset, variable: xr.DataArray, x: str, y: str, origin: str) -> CRS:
    mapping = str(variable.attrs.get("grid_mapping", variable.encoding.get("grid_mapping", ""))).split(":")[0]
    name = next((found for found in (mapping, "crs", "spatial_ref") if found in dataset.variables), None)
    if name is not None:
        attributes = dict(dataset[name].attrs)
        text = attributes.get("crs_wkt") or attributes.get("spatial_ref")
        try:
            return CRS(text) if text else CRS(pyproj.CRS.from_cf(attributes).to_wkt())
        except (CRSError, KeyError, ValueError) as error:
            raise SourceError(f"{origin}: grid mapping {name!r} is not understood: {error}") from error
    units = [str(dataset[dim].attrs.get("units", "")).lower() for dim in (x, y)]
    names = [dim.lower() for dim in (x, y)]
    if all(unit.startswith("degree") for unit in units) or (names[0][:3], names[1][:3]) == ("lon", "lat"):
        return CRS("EPSG:4326")
    raise SourceError(f"{origin}: {y!r} and {x!r} are neither degrees nor have a grid mapping; say the projection")


def _bounds(extent: Mapping[str, Any], crs: Any) -> tuple[float, float, float, float]:
    sides = tuple(float(extent[side]) for side in ("west", "south", "east", "north"))
    given = extent.get("crs") or 4326
    transformer = pyproj.Transformer.from_crs(given, str(crs), always_xy=True)
    if crs.geographic and pyproj.CRS.from_user_input(given).is_geographic:
        return sides[0], sides[1], sides[2], sides[3]
    west, south, east, north = transformer.transform_bounds(*sides)
    if not np.isfinite([west, south, east, north]).all():
        return -np.inf, -np.inf, np.inf, np.inf
    return west, south, east, north
