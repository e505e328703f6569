"""Sixty years of a generated climate, monthly, with droughts and a drying that are known.

A coarse grid of longitude and latitude over Inner Mongolia, wetter to the east, rain in summer. Written as climate
models write: kg m-2 s-1 and K, south first, so that reading it is a test too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from drylands_openeo.errors import DrylandsError

Float = NDArray[np.float64]

WEST, SOUTH, CELL = 106.0, 38.0, 0.5
ROWS, COLUMNS = 16, 32
YEARS = (1950, 2009)

DRYING = 0.06
"""Share of the rain that the drying region loses every decade."""

DEFICIT = 0.4
"""Share of the rain that falls in a planted drought."""

SEASON = np.array([2, 3, 8, 14, 28, 50, 95, 85, 40, 16, 6, 3], float)
"""Rain of the months of a year, to be scaled."""


@dataclass(frozen=True)
class ClimateTruth:
    """What is true of the climate: all maps (y, x), north up.

    ``rain``: expected precipitation of the first year [mm year-1]; ``drying``: whether the rain falls by ``DRYING`` a
    decade; ``droughts``: year -> where rain is ``DEFICIT`` of what it would be; ``temperature``: mean of each calendar
    month [deg C], (12, y, x).
    """

    path: Path
    rain: Float
    drying: NDArray[np.bool_]
    droughts: Mapping[int, NDArray[np.bool_]]
    temperature: Float
    years: tuple[int, int] = YEARS

    @property
    def mean_rain(self) -> Float:
        """Expected precipitation of the mean year [mm year-1]: the drying and the planted droughts taken off."""
        first, last = self.years
        decades = (last - first) / 20
        lost = sum(np.where(where, 1 - DEFICIT, 0.0) for where in self.droughts.values()) / (last - first + 1)
        mean: Float = self.rain * (1 - DRYING * decades * self.drying) * (1 - lost)
        return mean


def build_climate(path: str | Path, *, seed: int = 0, years: tuple[int, int] = YEARS) -> ClimateTruth:
    """Write the climate of a seed as netCDF; DrylandsError where the file exists. On an error nothing is left."""
    path = Path(path).resolve()
    if path.exists():
        raise DrylandsError(f"{str(path)!r} exists; name a new file for the climate, or delete it")
    random = np.random.default_rng([seed, 7])
    truth = _drawn(path, random, years)
    dataset = _written(truth, random, years)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        dataset.to_netcdf(part, engine="h5netcdf")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return truth


def _places() -> tuple[Float, Float]:
    """Longitude and latitude [degrees] of the cells, (y, x), north up."""
    longitude = WEST + CELL * (np.arange(COLUMNS) + 0.5)
    latitude = SOUTH + CELL * (np.arange(ROWS)[::-1] + 0.5)
    across, along = np.meshgrid(longitude, latitude)
    return across, along


def _drawn(path: Path, random: np.random.Generator, years: tuple[int, int]) -> ClimateTruth:
    across, along = _places()
    east = (across - WEST) / (CELL * COLUMNS)
    rain = 70 + 430 * east**1.3 + 20 * np.sin(along + 3 * east)
    drying = (east > 0.30) & (east < 0.55)
    phase = 2 * np.pi * (np.arange(12) - 6) / 12
    level = 6.0 - 0.8 * (along - 42)
    temperature = level + 16 * np.cos(phase)[:, None, None]
    droughts = {}
    for decade in range(years[0], years[1] + 1, 10):
        year = min(decade + int(random.integers(2, 9)), years[1])
        centre, width = random.uniform(0.25, 0.75), random.uniform(0.25, 0.45)
        droughts[year] = np.abs(east - centre) < width
    return ClimateTruth(path, rain, drying, droughts, temperature, years)


def _written(truth: ClimateTruth, random: np.random.Generator, years: tuple[int, int]) -> xr.Dataset:
    times = pd.date_range(f"{years[0]}-01-01", f"{years[1]}-12-01", freq="MS")
    rain, mean = _series(truth, random, times)
    span = 6.5 + 2.0 * random.random(rain.shape)
    amount: Float = rain / (times.days_in_month.to_numpy()[:, None, None] * 86400.0)
    across, along = _places()
    fields: dict[str, tuple[Float, dict[str, str]]] = {
        "pr": (amount, {"units": "kg m-2 s-1", "standard_name": "precipitation_flux"}),
        "tasmin": (mean - span + 273.15, {"units": "K", "long_name": "daily minimum, mean of the month"}),
        "tas": (mean + 273.15, {"units": "K", "long_name": "daily mean, mean of the month"}),
        "tasmax": (mean + span + 273.15, {"units": "K", "long_name": "daily maximum, mean of the month"}),
    }
    dims = ("time", "lat", "lon")
    variables: dict[str, Any] = {
        name: (dims, values[:, ::-1].astype(np.float32), attributes) for name, (values, attributes) in fields.items()
    }
    soil = 60 + 120 * (across - WEST) / (CELL * COLUMNS)
    variables["awc"] = (dims[1:], soil[::-1].astype(np.float32), {"units": "mm"})
    coords = {
        "time": times,
        "lat": ("lat", along[::-1, 0], {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ("lon", across[0], {"units": "degrees_east", "standard_name": "longitude"}),
    }
    return xr.Dataset(variables, coords, {"Conventions": "CF-1.10", "title": "generated climate of drylands-openeo"})


def _series(truth: ClimateTruth, random: np.random.Generator, times: pd.DatetimeIndex) -> tuple[Float, Float]:
    """Monthly precipitation [mm] and mean temperature [deg C], (t, y, x)."""
    year, month = times.year.to_numpy(), times.month.to_numpy() - 1
    elapsed = (year - year[0]) / 10
    trend = 1 - DRYING * np.where(truth.drying, 1.0, 0.0) * elapsed[:, None, None]
    expected = (SEASON / SEASON.sum())[month][:, None, None] * truth.rain * trend
    shape = expected.shape
    # Of a year the whole region shares some luck; of a month each cell has its own.
    shared = np.exp(0.12 * random.standard_normal(len(np.unique(year))))[year - year[0]][:, None, None]
    own = random.gamma(6.0, 1 / 6.0, shape)
    planted = np.ones(shape)
    for drought, where in truth.droughts.items():
        planted[np.ix_(year == drought, *(np.arange(size) for size in where.shape))] = np.where(where, DEFICIT, 1.0)
    swing = 0.6 * random.standard_normal((len(times), 1, 1)) + 0.4 * random.standard_normal(shape)
    return expected * shared * own * planted, truth.temperature[month] + swing
