"""Climate files: netCDF or zarr, monthly or daily, in any CF calendar, unit and grid, read as a monthly layer."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from drylands_openeo.climate.grid import FileGrid, cf_axis, file_grid, latitudes
from drylands_openeo.climate.months import Months, months_of
from drylands_openeo.climate.units import Conversion, conversion
from drylands_openeo.climate.variables import LATITUDE, Variable, listed, recognised, variable
from drylands_openeo.engine import Extent
from drylands_openeo.engine.windows import on_grid, steps
from drylands_openeo.errors import SourceError

SAMPLE = 16
"""Edge of the window [cells] whose values are compared with what a variable can be."""


@dataclass(frozen=True)
class ClimateFile:
    """A source of one climate file, or of a folder of them that share a grid and together hold all variables.

    ``units``: variable of the file -> a unit that the caller vouches for, in the place of the file's.
    """

    path: Path
    units: Mapping[str, str] = field(default_factory=dict)

    def collection(self, collection: str, extent: Extent) -> "ClimateLayer":
        """The variables asked for by our names, monthly, in our units; all of the file's where none are asked for."""
        layer = ClimateLayer(
            Path(self.path), tuple(sorted(self.units.items())), tuple(extent.bands or ()), extent.spatial,
            tuple(extent.temporal) if extent.temporal else (None, None),
        )  # fmt: skip
        layer.check()
        return layer

    def stac_at(self, url: str, extent: Extent) -> "ClimateLayer":
        """The same: one file is all there is."""
        return self.collection(url, extent)


@dataclass(frozen=True)
class Opened:
    """A file opened: its variables by our names, where they lie, and their months within the period."""

    dataset: xr.Dataset
    names: Mapping[str, str]
    place: FileGrid
    time: str
    months: Months
    inside: slice


@dataclass(frozen=True)
class ClimateLayer:
    """Bands of a climate (t, bands, y, x), read window by window; pickled as what it was made from."""

    path: Path
    stated: tuple[tuple[str, str], ...]
    wanted: tuple[str, ...]
    spatial: Mapping[str, Any] | None
    interval: tuple[str | None, ...]

    def __getstate__(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in ("path", "stated", "wanted", "spatial", "interval")}

    @cached_property
    def _lock(self) -> Lock:
        return Lock()

    @cached_property
    def _file(self) -> Opened:
        return _described(_opened(self.path), self.spatial, self.interval, f"climate file {str(self.path)!r}")

    @property
    def grid(self) -> GeoBox:
        """The file's grid, y descending and longitudes from -180 on, cut to the extent."""
        return self._file.place.grid

    @property
    def times(self) -> tuple[np.datetime64, ...]:
        """The first of every month from the record's first to its last, within the period asked for."""
        return tuple(self._file.months.labels[self._file.inside])

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands asked for; all there are where none were."""
        return self.wanted or (*self._file.names, LATITUDE)

    def read(self, window: GeoBox) -> xr.DataArray:
        """(t, bands, y, x) float32 in our units."""
        with self._lock:
            planes = [self._band(band, window) for band in self.bands]
        return on_grid(np.stack(planes, axis=1), window, t=np.array(self.times), bands=list(self.bands))

    def check(self) -> None:
        """Raise :class:`SourceError` for a band or date that is not there, and values beyond what they can be."""
        origin = f"climate file {str(self.path)!r}"
        if not self.times:
            raise SourceError(f"{origin} has no month in the period asked for")
        available = {*self._file.names, LATITUDE, *(("tmean",) if {"tmin", "tmax"} <= set(self._file.names) else ())}
        for band in self.bands:
            if band not in available:
                raise SourceError(
                    f"{origin} has no {band!r}; it has {listed(f'{a} ({b})' for a, b in self._file.names.items())}"
                )
        row, column = (max(0, (size - SAMPLE) // 2) for size in self.grid.shape)
        rows, columns = (min(size, SAMPLE) for size in self.grid.shape)
        middle = self.grid[row : row + rows, column : column + columns]
        for band in self.bands:
            if band != LATITUDE:
                _plausible(self._band(band, middle), variable(band), origin)

    def _band(self, band: str, window: GeoBox) -> NDArray[Any]:
        """One band (t, y, x)."""
        count = len(self.times)
        if band == LATITUDE:
            return np.broadcast_to(latitudes(window).astype(np.float32), (count, *window.shape))
        if band == "tmean" and band not in self._file.names:
            return np.asarray((self._band("tmin", window) + self._band("tmax", window)) / 2)  # FAO-56 equation 9
        opened, ours = self._file, variable(band)
        name = opened.names[band]
        stored = opened.dataset[name]
        rule = self._rule(ours, name)
        values = self._values(stored, window) * rule.scale + rule.offset
        if opened.time not in stored.dims:
            return np.broadcast_to(values.astype(np.float32), (count, *window.shape))
        monthly = opened.months.of(values, rule.per, ours.kind)[opened.inside]
        return monthly.astype(np.float32)

    def _rule(self, ours: Variable, name: str) -> Conversion:
        opened = self._file
        attributes = opened.dataset[name].attrs
        origin = f"climate file {str(self.path)!r}"
        return conversion(ours, name, attributes, opened.months.step, stated=dict(self.stated).get(name), origin=origin)

    def _values(self, stored: xr.DataArray, window: GeoBox) -> NDArray[np.float64]:
        """([dates,] y, x) of a window, north up."""
        place = self._file.place
        row, column = steps(window, place.grid)
        rows = place.rows[row : row + window.shape[0]]
        columns = place.columns[column : column + window.shape[1]]
        block = stored.isel(
            {place.y: slice(rows.min(), rows.max() + 1), place.x: slice(columns.min(), columns.max() + 1)}
        )
        block = block.transpose(*(dim for dim in (self._file.time, place.y, place.x) if dim in block.dims))
        values = np.asarray(block.values, np.float64)
        return values[..., rows - rows.min(), :][..., columns - columns.min()]


def is_climate(path: Path) -> bool:
    """Whether a file holds a climate: a variable of precipitation or temperature by its name or CF attributes."""
    with _opened(Path(path)) as dataset:
        found = recognised({str(name): value.attrs for name, value in dataset.data_vars.items()}, str(path))
    return bool({"precipitation", "tmin", "tmean", "tmax", "pet"} & set(found))


def _opened(path: Path) -> xr.Dataset:
    """The dataset with values decoded and times not; a folder of netCDF files as one."""
    found: xr.Dataset
    options: dict[str, Any] = {"decode_times": False, "decode_coords": False}
    try:
        if path.is_dir() and not any((path / name).exists() for name in (".zgroup", ".zmetadata", "zarr.json")):
            parts = sorted(path.glob("*.nc"))
            if not parts:
                raise SourceError(f"folder {str(path)!r} holds no netCDF file (*.nc)")
            return xr.open_mfdataset(parts, combine="by_coords", join="outer", compat="no_conflicts", **options)
        if path.is_dir():
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Failed to open Zarr store with consolidated")
                found = xr.open_zarr(path, **options)
            return found
        if not path.is_file():
            raise SourceError(f"climate file {str(path)!r} does not exist")
        return xr.open_dataset(path, **options)
    except (OSError, ValueError, ImportError, xr.MergeError) as error:
        raise SourceError(f"climate file {str(path)!r} cannot be read: {error}") from error


def _described(
    dataset: xr.Dataset, spatial: Mapping[str, Any] | None, interval: Sequence[str | None], origin: str
) -> Opened:
    found = {str(name): value.attrs for name, value in dataset.data_vars.items() if value.ndim >= 2}
    names = recognised(found, origin)
    if not names:
        raise SourceError(f"{origin} has no variable of a climate; it has {listed(map(str, dataset.data_vars))}")
    time = _time(dataset, names, origin)
    place = file_grid(dataset, next(iter(names.values())), origin)
    for name in names.values():
        stray = set(dataset[name].dims) - {time, place.y, place.x}
        if stray or not {place.y, place.x} <= set(dataset[name].dims):
            raise SourceError(
                f"{origin}: {name!r} has dims {dataset[name].dims}; ({time}, {place.y}, {place.x}) is needed"
            )
    limits = str(dataset[time].attrs.get("bounds", ""))
    months = months_of(dataset[time].variable, dataset[limits].variable if limits in dataset else None, origin)
    return Opened(dataset, names, place.within(spatial, origin), time, months, _inside(months, interval))


def _time(dataset: xr.Dataset, names: Mapping[str, str], origin: str) -> str:
    dims = {str(dim) for name in names.values() for dim in dataset[name].dims}
    held = [name for name in cf_axis(dataset, "T") if name in dims]
    named = [dim for dim in ("time", "t", "valid_time", "date") if dim in dims]
    found = [name for name in (*held, *named) if name in dataset.coords]
    if not found:
        raise SourceError(f"{origin}: there is no coordinate of time among the dims {sorted(dims)}")
    return str(found[0])


def _inside(months: Months, interval: Sequence[str | None]) -> slice:
    """The months that begin in [start, end)."""
    start, end = (None if text is None else pd.Timestamp(text).tz_localize(None).to_datetime64() for text in interval)
    labels = months.labels
    first = 0 if start is None else int(np.searchsorted(labels, start))
    last = len(labels) if end is None else int(np.searchsorted(labels, end))
    return slice(first, last)


def _plausible(values: NDArray[Any], ours: Variable, origin: str) -> None:
    known = values[np.isfinite(values)]
    if known.size and not (ours.low <= float(known.min()) and float(known.max()) <= ours.high):
        raise SourceError(
            f"{origin}: {ours.name} runs from {known.min():.4g} to {known.max():.4g} {ours.unit} by the file's units, "
            f"but lies within {ours.low:g} to {ours.high:g}; state the right units or mark what is no data"
        )
