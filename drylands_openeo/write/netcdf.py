"""Cubes as CF netCDF files."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from odc.geo.xr import xr_coords

from drylands_openeo.errors import DrylandsError
from drylands_openeo.write.bands import MapBand, checked_target

GRID_MAPPING = "crs"
ENCODING = {"zlib": True, "complevel": 4, "shuffle": True, "dtype": "float32", "_FillValue": float("nan")}


def write_netcdf(
    cube: xr.DataArray,
    path: str | Path,
    bands: Sequence[MapBand],
    *,
    grid: Any,
    attributes: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a cube ([t,] bands, y, x) on an odc-geo GeoBox, one variable a band: float32, compressed, CF-1.10.

    Each variable has its unit, long name and the grid mapping ``crs`` (with the CRS as WKT in ``spatial_ref``); NaN is
    no data. A lazy cube is computed chunk by chunk. On an error nothing is left behind.
    """
    path = checked_target(path, suffix=".nc", overwrite=overwrite)
    names, found = [band.name for band in bands], [str(label) for label in cube["bands"].values]
    if names != found:
        raise DrylandsError(f"the cube's bands {found} are not the bands declared {names}")
    expected = [dim for dim in ("t", "y", "x") if dim in cube.dims]
    if set(cube.dims) != {"bands", *expected} or (cube.sizes["y"], cube.sizes["x"]) != tuple(grid.shape):
        raise DrylandsError(f"cube {dict(cube.sizes)} is not ([t,] bands, y, x) on a grid of {tuple(grid.shape)}")
    dataset = _dataset(cube.transpose("bands", *expected), bands, grid)
    dataset.attrs = {"Conventions": "CF-1.10", **(attributes or {})}
    workshop = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    try:
        dataset.to_netcdf(workshop / "cube.nc", engine="h5netcdf", encoding=dict.fromkeys(names, ENCODING))
        (workshop / "cube.nc").replace(path)
    finally:
        shutil.rmtree(workshop)
    return path


def _dataset(cube: xr.DataArray, bands: Sequence[MapBand], grid: Any) -> xr.Dataset:
    place = _coordinates(grid)
    coords = {**place, **({"t": _time(cube["t"])} if "t" in cube.dims else {})}
    variables = {}
    for band, values in zip(bands, cube, strict=True):
        attributes = {"units": band.unit, "long_name": band.description, "grid_mapping": GRID_MAPPING}
        variables[band.name] = xr.DataArray(values.data, dims=values.dims, attrs=attributes)
    return xr.Dataset(variables, coords=coords)


def _coordinates(grid: Any) -> dict[str, xr.DataArray]:
    """y, x and crs with the names that CF gives them."""
    found = xr_coords(grid, crs_coord_name=GRID_MAPPING)
    axes = {"crs": found.pop(GRID_MAPPING)}
    for dim, source in zip(("y", "x"), found.values(), strict=True):
        if grid.crs.geographic:
            named = {"y": ("latitude", "degrees_north"), "x": ("longitude", "degrees_east")}[dim]
        else:
            named = (f"projection_{dim}_coordinate", str(source.attrs["units"]))
        attributes = {"standard_name": named[0], "units": named[1], "axis": dim.upper()}
        axes[dim] = xr.DataArray(source.values, dims=dim, attrs=attributes)
    return axes


def _time(times: xr.DataArray) -> xr.DataArray:
    return xr.DataArray(times.values, dims="t", attrs={"standard_name": "time", "axis": "T"})
