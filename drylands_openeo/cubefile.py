"""A cube that someone downloaded: the netCDF output of an openEO back-end, read as a layer.

CDSE writes one variable a band (``B04``, or ``S2-L2A-B04`` by some clients), stored as integers with the offset of
baseline 04.00 already applied and the scale of 1/10000 not; no data is 65535, often without a fill attribute. Files of
float are taken as reflectance 0..1. What was declared is checked on the pixels.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from drylands_openeo.bands import BY_NAME, SCL, common_name
from drylands_openeo.engine import Extent
from drylands_openeo.engine.windows import grid_of, on_grid, steps
from drylands_openeo.errors import SourceError

INTEGER_SCALE = 1e-4
"""Reflectance per count in integer files of Sentinel-2 (ESA quantification value 10000)."""

INTEGER_NODATA = {np.dtype("uint16"): 65535, np.dtype("int16"): -32768, np.dtype("uint8"): 255}
"""What openEO back-ends write for no data where the file does not say."""

DIMENSIONS = {"time": "t", "lat": "y", "latitude": "y", "lon": "x", "longitude": "x"}
"""Other names of the dimensions; by these of longitude and latitude a file needs no projection."""

DEGREES = "degrees_east"

BRIGHTEST = 2.0
"""A median reflectance above this is a count, not a reflectance."""


@dataclass(frozen=True)
class CubeFile:
    """A source of one file: every collection that a graph loads is this cube.

    ``scale``: reflectance per stored value; None reads it off the file (integers 1/10000, floats 1).
    """

    path: Path
    scale: float | None = None

    @property
    def resolution(self) -> float:
        """Pixel size of the file [units of its projection]."""
        return abs(float(FileLayer(Path(self.path), self.scale, (), (None, None)).grid.resolution.x))

    def collection(self, collection: str, extent: Extent) -> "FileLayer":
        """The file's bands, cut to the extent."""
        layer = FileLayer(Path(self.path), self.scale, tuple(extent.bands or ()), _interval(extent.temporal))
        layer.check()
        return layer

    def stac_at(self, url: str, extent: Extent) -> "FileLayer":
        """The same: one file is all there is."""
        return self.collection(url, extent)


@dataclass(frozen=True)
class FileLayer:
    """Bands of a cube file (t, bands, y, x), read window by window; pickled as its path."""

    path: Path
    scale: float | None
    wanted: tuple[str, ...]
    interval: tuple[np.datetime64 | None, np.datetime64 | None]
    _held: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "scale": self.scale, "wanted": self.wanted, "interval": self.interval}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _held={})

    @cached_property
    def _lock(self) -> Lock:
        return Lock()

    @property
    def _dataset(self) -> xr.Dataset:
        if "dataset" not in self._held:
            self._held["dataset"] = _opened(self.path, self.interval)
        dataset: xr.Dataset = self._held["dataset"]
        return dataset

    @property
    def _variables(self) -> dict[str, str]:
        """Band by common name -> variable of the file."""
        cubes = [str(name) for name, value in self._dataset.data_vars.items() if {"y", "x"} <= set(value.dims)]
        return {_band_name(name): name for name in cubes}

    @property
    def grid(self) -> GeoBox:
        """The grid of the file."""
        coords = {dim: self._dataset[dim].values for dim in ("y", "x")}
        bare = np.broadcast_to(np.float32(0), [len(labels) for labels in coords.values()])
        cube = xr.DataArray(bare, dims=("y", "x"), coords=coords | {"spatial_ref": _spatial_ref(self._dataset)})
        found = grid_of(cube)
        if found is None or found.crs is None:
            raise SourceError(
                f"cube file {str(self.path)!r} has no grid with a projection (coordinates y, x and a crs)"
            )
        return found

    @property
    def times(self) -> tuple[np.datetime64, ...]:
        """The dates in the file, within the period asked for."""
        return tuple(self._dataset["t"].values) if "t" in self._dataset else ()

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands asked for; all of the file's where none were."""
        return self.wanted or tuple(self._variables)

    def read(self, window: GeoBox) -> xr.DataArray:
        """(t, bands, y, x) float32; reflectance for the bands of a sensor, stored values for the others."""
        row, column = steps(window, self.grid)
        rows, columns = slice(row, row + window.shape[0]), slice(column, column + window.shape[1])
        with self._lock:
            stack = [self._band(band, rows, columns) for band in self.bands]
        return on_grid(np.stack(stack, axis=1), window, t=np.array(self.times), bands=list(self.bands))

    def check(self) -> None:
        """Raise :class:`SourceError` for a band or a date that is not there, or counts taken as reflectance."""
        missing = [band for band in self.bands if common_name(band) not in self._variables]
        if missing:
            raise SourceError(
                f"cube file {str(self.path)!r} has no band {missing[0]!r}; it has {', '.join(sorted(self._variables))}"
            )
        if not self.times:
            raise SourceError(f"cube file {str(self.path)!r} has no date in the period asked for")
        for band in self.bands:
            if common_name(band) in BY_NAME:
                _check_reflectance(self._band(band, slice(0, 64), slice(0, 64)), band, self.path)

    def _band(self, band: str, rows: slice, columns: slice) -> np.ndarray[Any, np.dtype[np.float32]]:
        name = common_name(band)
        variable = self._dataset[self._variables[name]]
        stored = variable.isel(y=rows, x=columns).transpose("t", "y", "x").values
        values = stored.astype(np.float32)
        if stored.dtype in INTEGER_NODATA:
            values[stored == INTEGER_NODATA[stored.dtype]] = np.nan
        if name in BY_NAME:
            values *= np.float32(self._scale_of(stored.dtype))
        elif name == SCL:
            values[stored == 0] = np.nan
        return values

    def _scale_of(self, stored: np.dtype[Any]) -> float:
        if self.scale is not None:
            return self.scale
        return INTEGER_SCALE if np.issubdtype(stored, np.integer) else 1.0


def _opened(path: Path, interval: Sequence[np.datetime64 | None]) -> xr.Dataset:
    if not path.is_file():
        raise SourceError(f"cube file {str(path)!r} does not exist")
    try:
        dataset = xr.open_dataset(path, decode_coords=False)
    except (OSError, ValueError) as error:
        raise SourceError(f"cube file {str(path)!r} is not a netCDF file that can be read: {error}") from error
    degrees = {"lon", "longitude"} & set(dataset.dims)
    dataset = dataset.rename({old: new for old, new in DIMENSIONS.items() if old in dataset.dims})
    if "t" not in dataset.dims or not {"y", "x"} <= set(dataset.dims):
        raise SourceError(f"cube file {str(path)!r} has dims {tuple(dataset.sizes)}; expected t, y, x")
    if degrees:
        dataset["x"].attrs["units"] = DEGREES
    if dataset.sizes["y"] > 1 and dataset["y"].values[0] < dataset["y"].values[-1]:
        dataset = dataset.isel(y=slice(None, None, -1))  # kept with south first: turned as it is read
    start, end = interval
    inside = np.ones(dataset.sizes["t"], bool)
    if start is not None:
        inside &= dataset["t"].values >= start
    if end is not None:
        inside &= dataset["t"].values < end
    return dataset.isel(t=inside)


def is_optical(path: Path) -> bool:
    """Whether a file holds a band of Sentinel-2 or its scene classification."""
    try:
        with xr.open_dataset(path, decode_times=False, decode_coords=False) as dataset:
            names = {_band_name(str(name)) for name in dataset.data_vars}
    except (OSError, ValueError) as error:
        raise SourceError(f"cube file {str(path)!r} is not a netCDF file that can be read: {error}") from error
    return bool(names & {*BY_NAME, SCL})


def _spatial_ref(dataset: xr.Dataset) -> xr.Variable:
    for name in ("crs", "spatial_ref"):
        if name in dataset.variables:
            attributes = dict(dataset[name].attrs)
            attributes.setdefault("spatial_ref", attributes.get("crs_wkt", ""))
            return xr.Variable((), 0, attributes)
    if dataset["x"].attrs.get("units") == DEGREES:
        return xr.Variable((), 0, {"spatial_ref": "EPSG:4326"})
    return xr.Variable((), 0)


def _band_name(variable: str) -> str:
    """The common name in a variable's: the last part that is one.

    >>> _band_name("S2-L2A-B04"), _band_name("B8A"), _band_name("SCL"), _band_name("elevation")
    ('red', 'nir08', 'scl', 'elevation')
    """
    last = re.split(r"[-_:]", variable)[-1]
    known = common_name(last)
    return known if known in BY_NAME or known == SCL else variable


def _check_reflectance(sample: np.ndarray[Any, Any], band: str, path: Path) -> None:
    valid = sample[np.isfinite(sample)]
    median = float(np.median(valid)) if valid.size else 0.0
    if median > BRIGHTEST:
        raise SourceError(
            f"band {band!r} of {str(path)!r} has a median of {median:.4g}, which is no reflectance 0..1; "
            f"say what it is scaled by (scale {INTEGER_SCALE} for counts of 1/10000)"
        )


def _interval(temporal: Sequence[str | None] | None) -> tuple[np.datetime64 | None, np.datetime64 | None]:
    start, end = temporal or (None, None)
    return _moment(start), _moment(end)


def _moment(text: str | None) -> np.datetime64 | None:
    return None if text is None else pd.Timestamp(text).tz_localize(None).to_datetime64()
