"""CF-netCDF taken apart: one COG a variable and date, in physical values.

Neither load_stac of CDSE nor other readers of STAC can address one date of many in a netCDF file. Values are float32
and NaN is no data: load_stac of CDSE applies no scale of files that are not its own.
"""

from collections.abc import Hashable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import OutputBand
from drylands_openeo.stacbuild.names import NOON
from drylands_openeo.write import MapWriter

_AXES = {
    "x": ({"longitude", "projection_x_coordinate"}, {"lon", "longitude", "x"}),
    "y": ({"latitude", "projection_y_coordinate"}, {"lat", "latitude", "y"}),
    "t": ({"time"}, {"time", "t"}),
}
"""Axis -> standard names, and the names that files without them use."""

_CLOSE = 1e-3
"""Share of a pixel by which steps of a regular grid may differ."""


def unpack(path: Path, folder: Path, date: datetime | None, *, crs: str | None) -> Iterator[tuple[Path, datetime]]:
    """Write ``folder``/<variable>_<date>.tif for every variable and date; yields what was written, and its date.

    ``date``: of a file without a dimension of time.
    """
    try:
        dataset = xr.open_dataset(path, decode_coords="all")
    except (OSError, ValueError) as error:
        raise DrylandsError(f"file {str(path)!r} cannot be read as netCDF: {error}") from error
    with dataset:
        variables = [name for name in dataset.data_vars if _axis(dataset[name], "x") and _axis(dataset[name], "y")]
        if not variables:
            raise DrylandsError(f"file {path.name!r} has no variable with dimensions of x and y")
        for name in variables:
            for moment, plane in _planes(dataset[name], path, date):
                target = folder / f"{name}_{_stamp(moment)}.tif"
                _write(target, north_up(plane, path, crs), str(name))
                yield target, moment


def north_up(plane: xr.DataArray, path: Path, crs: str | None) -> tuple[xr.DataArray, GeoBox]:
    """The plane (y, x) with y descending and longitudes in -180..180, and its grid."""
    y, x = _axis(plane, "y"), _axis(plane, "x")
    plane = plane.transpose(y, x)
    projection = _crs(plane, crs, path)
    if projection.upper() in ("EPSG:4326", "OGC:CRS84") and float(plane[x].max()) > 180.0:
        plane = plane.assign_coords({x: (plane[x] + 180.0) % 360.0 - 180.0})
    plane = plane.sortby(x).sortby(y, ascending=False)
    dx, dy = _step(plane[x], path), _step(plane[y], path)
    left, top = float(plane[x][0]) - dx / 2, float(plane[y][0]) - dy / 2
    return plane, GeoBox(plane.shape, Affine(dx, 0, left, 0, dy, top), projection)


def _planes(cube: xr.DataArray, path: Path, date: datetime | None) -> Iterator[tuple[datetime, xr.DataArray]]:
    t = _axis(cube, "t")
    extra = [d for d in cube.dims if d not in (t, _axis(cube, "x"), _axis(cube, "y")) and cube.sizes[d] > 1]
    if extra:
        raise DrylandsError(
            f"file {path.name!r}, variable {cube.name!r}: dimension {extra[0]!r} has {cube.sizes[extra[0]]} labels; "
            "choose one and write it to a file of its own"
        )
    if t is None:
        if date is None:
            raise DrylandsError(f"file {path.name!r} has no time, neither inside nor in its name: give --pattern")
        yield date, cube.squeeze(drop=True)
        return
    for number in range(cube.sizes[t]):
        plane = cube.isel({t: number})
        yield _moment(plane[t].values), plane.squeeze(drop=True).drop_vars([t])


def _axis(cube: xr.DataArray, axis: str) -> Hashable | None:
    """The dimension of an axis."""
    standard, common = _AXES[axis]
    for name in cube.dims:
        known = cube.coords[name].attrs.get("standard_name") if name in cube.coords else None
        if known in standard or str(name).lower() in common:
            return name
    return None


def _moment(value: Any) -> datetime:
    """A date of numpy or of another calendar; noon where it tells no hour."""
    text = str(value)[:19].replace(" ", "T")
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return moment if (moment.hour, moment.minute, moment.second) != (0, 0, 0) else moment + NOON


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%d" if moment.hour == NOON.seconds // 3600 else "%Y%m%dT%H%M")


def _step(labels: xr.DataArray, path: Path) -> float:
    steps = np.diff(labels.values.astype(float))
    if not len(steps):
        raise DrylandsError(f"file {path.name!r}: {labels.name!r} has one label only, so that its step is not known")
    if np.ptp(steps) > _CLOSE * abs(float(np.median(steps))):
        raise DrylandsError(
            f"file {path.name!r}: {labels.name!r} has no regular steps; bring it to a regular grid first"
        )
    return float((labels[-1] - labels[0]) / len(steps))


def _crs(plane: xr.DataArray, crs: str | None, path: Path) -> str:
    if crs is not None:
        return crs
    for name in plane.coords:
        attrs = plane.coords[name].attrs
        for key in ("crs_wkt", "spatial_ref"):
            if attrs.get(key):
                return str(attrs[key])
    if plane[_axis(plane, "x")].attrs.get("standard_name") == "longitude" or str(_axis(plane, "x")).startswith("lon"):
        return "EPSG:4326"
    raise DrylandsError(f"file {path.name!r} has no projection: give --crs")


def _write(target: Path, placed: tuple[xr.DataArray, GeoBox], name: str) -> None:
    plane, grid = placed
    attrs = plane.attrs
    band = OutputBand(name, str(attrs.get("units", "1")), str(attrs.get("long_name", name)))
    target.parent.mkdir(parents=True, exist_ok=True)
    with MapWriter(target, grid, [band]) as writer:
        writer.write(plane.values.astype(np.float32)[None], 0, 0)
