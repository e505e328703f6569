"""Twenty years of a generated dryland whose land and climate change in known ways: coarse climate, NPP, NDVI, cover.

Each pixel's production is proportional to its moisture, to how good its land is, and to how the land changes. Where
what changes is planted in blocks, so that a map can be held against it.
"""

import shutil
import tempfile
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS

from drylands_openeo.errors import DrylandsError

Float = NDArray[np.float64]

WEST, NORTH = 112.0, 43.0
COARSE, FINE = 0.1, 0.025
ROWS, COLUMNS = 16, 24
"""The grid of the climate [degrees, cells]; each cell is 4 x 4 pixels of vegetation."""

ZOOM = round(COARSE / FINE)
FIRST, LAST = 2000, 2020
"""Years of the climate; vegetation and production begin a year later."""

LOST, WON, DRYING, WETTING = 0.5, 0.6, 0.5, 0.6
"""Relative change over the period, where planted."""

SEASON = np.array([1, 1, 2, 4, 8, 14, 28, 24, 11, 4, 2, 1], float) / 100
DEMAND = np.array([15, 25, 55, 105, 150, 165, 160, 135, 95, 55, 25, 15], float)
"""Share of the year's rain, and potential evapotranspiration [mm], of each month."""

SCATTER_RAIN, SCATTER_NPP, SCATTER_NDVI = 0.15, 0.05, 0.006


class Change(IntEnum):
    """What happens to a pixel."""

    NOTHING = 0
    DEGRADATION = 1
    RESTORATION = 2
    MASKED = 3
    DRIER = 4


TOLD = {
    Change.NOTHING: "nothing",
    Change.DEGRADATION: "degradation",
    Change.RESTORATION: "restoration",
    Change.MASKED: "masked by moisture",
    Change.DRIER: "drying only",
}


@dataclass(frozen=True)
class DegradationTruth:
    """Where the files of the world are, and what is true in it, each (y, x), north up.

    ``change``: codes of :class:`Change`. ``quality``: of the land in the first year, 0.5..1.
    """

    folder: Path
    change: NDArray[np.uint8]
    quality: Float

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """West, south, east, north [degrees]."""
        return WEST, NORTH - ROWS * COARSE, WEST + COLUMNS * COARSE, NORTH


def build_degradation(folder: str | Path, *, seed: int = 0) -> DegradationTruth:
    """Write climate.nc, npp.nc, vegetation.nc and land_cover.nc of a seed; DrylandsError where the folder is not empty.

    On any error nothing is left behind.
    """
    folder = Path(folder).resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DrylandsError(f"folder {str(folder)!r} is not empty; name a new folder for the world, or delete it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        (workshop / "world").mkdir()
        truth = _fill(workshop / "world", folder, np.random.default_rng([seed, 5]))
        if folder.exists():
            folder.rmdir()
        (workshop / "world").replace(folder)
    finally:
        shutil.rmtree(workshop)
    return truth


def planted() -> NDArray[np.uint8]:
    """Codes of Change on the grid of the vegetation.

    >>> {Change(code).name: int(count) for code, count in zip(*np.unique(planted(), return_counts=True))}
    {'NOTHING': 3264, 'DEGRADATION': 864, 'RESTORATION': 672, 'MASKED': 576, 'DRIER': 768}
    """
    coarse = np.zeros((ROWS, COLUMNS), np.uint8)
    coarse[2:8, 2:11] = Change.DEGRADATION
    coarse[9:15, 2:9] = Change.RESTORATION
    coarse[1:7, 17:23] = Change.MASKED
    coarse[9:15, 15:23] = Change.DRIER
    return np.kron(coarse, np.ones((ZOOM, ZOOM), np.uint8))


def _fill(workshop: Path, final: Path, random: np.random.Generator) -> DegradationTruth:
    change = planted()
    rain, demand = _climate(change[::ZOOM, ::ZOOM], random)
    months = pd.date_range(f"{FIRST}-01-01", f"{LAST}-12-01", freq="MS")
    quality = _quality(random, change.shape)
    course = _course(change)
    on_fine = np.repeat(np.repeat(rain, ZOOM, axis=1), ZOOM, axis=2)
    moisture = on_fine.reshape(-1, 12, *change.shape).sum(axis=1)[1:] / DEMAND.sum()
    npp = 600 * moisture * quality * course * np.exp(random.normal(0, SCATTER_NPP, moisture.shape))
    ndvi = _ndvi(on_fine, quality, course, random)
    amount = {"units": "mm/month"}
    _written(workshop / "climate.nc", COARSE, months, precipitation=(rain, amount), pet=(demand, amount))
    _written(workshop / "vegetation.nc", FINE, months[12:], vi=(ndvi, {"units": "1"}))
    _written(workshop / "npp.nc", FINE, months[12::12], npp=(npp, {"units": "gC m-2 year-1"}))
    cover = _cover(change.shape)
    _written(workshop / "land_cover.nc", FINE, months[12:13], stratum=(cover[np.newaxis], {"units": "1"}))
    return DegradationTruth(final, change, quality)


def _climate(change: NDArray[np.uint8], random: np.random.Generator) -> tuple[Float, Float]:
    """Precipitation and potential evapotranspiration [mm month-1], (t, y, x) on the coarse grid."""
    years = LAST - FIRST + 1
    east = np.linspace(0, 1, COLUMNS)
    mean = DEMAND.sum() * (0.22 + 0.28 * east) * np.ones((ROWS, 1))
    elapsed = np.linspace(0, 1, years)[:, np.newaxis, np.newaxis]
    change_rate = np.select([change == Change.DRIER, change == Change.MASKED], [-DRYING, WETTING], 0.0)
    luck = _without_trend(random.normal(0, SCATTER_RAIN, years))[:, np.newaxis, np.newaxis]
    luck = luck + random.normal(0, SCATTER_RAIN / 2, (years, ROWS, COLUMNS))
    annual = mean * (1 + change_rate * elapsed) * np.exp(luck)
    own = random.gamma(12.0, 1 / 12.0, (years, 12, ROWS, COLUMNS)) * SEASON[:, np.newaxis, np.newaxis]
    monthly = annual[:, np.newaxis] * own / own.sum(axis=1, keepdims=True)
    rain: Float = monthly.reshape(-1, ROWS, COLUMNS)
    demand: Float = np.broadcast_to(np.tile(DEMAND, years)[:, np.newaxis, np.newaxis], rain.shape)
    return rain, demand


def _without_trend(luck: Float) -> Float:
    """Years that all cells share, less their line: or the whole region had a trend that nobody planted."""
    time = np.arange(len(luck))
    return np.asarray(luck - np.polyval(np.polyfit(time, luck, 1), time), np.float64)


def _course(change: NDArray[np.uint8]) -> Float:
    """How the land is beside its first year: (years of vegetation, y, x)."""
    elapsed = np.linspace(0, 1, LAST - FIRST)[:, np.newaxis, np.newaxis]
    rate = np.select(
        [np.isin(change, [Change.DEGRADATION, Change.MASKED]), change == Change.RESTORATION], [-LOST, WON], 0.0
    )
    course: Float = 1 + rate * elapsed
    return course


def _quality(random: np.random.Generator, shape: tuple[int, ...]) -> Float:
    """A smooth field within 0.5..1."""
    rows, columns = np.indices(shape)
    waves = sum(np.sin(rows / shape[0] * a + columns / shape[1] * b + c) for a, b, c in random.uniform(3, 14, (5, 3)))
    quality: Float = 0.75 + 0.25 * np.tanh(np.asarray(waves) / 2)
    return quality


def _ndvi(rain: Float, quality: Float, course: Float, random: np.random.Generator) -> Float:
    """Monthly NDVI from the second year on: what the rain of three months makes of the land."""
    total = rain + np.roll(rain, 1, axis=0) + np.roll(rain, 2, axis=0)
    land = np.repeat(course, 12, axis=0) * quality
    clean: Float = 0.08 + 0.0012 * total[12:] * land
    return clean + random.normal(0, SCATTER_NDVI, clean.shape)


def _cover(shape: tuple[int, ...]) -> Float:
    """Land cover: 1 grassland, 2 cropland, 3 sparse vegetation, in bands across the blocks."""
    row = np.arange(shape[0])[:, np.newaxis] * np.ones(shape)
    cover: Float = 1.0 + (row // 9).astype(int) % 3
    return cover


def _written(path: Path, step: float, times: pd.DatetimeIndex, **fields: tuple[Float, dict[str, str]]) -> None:
    rows, columns = next(iter(fields.values()))[0].shape[1:]
    place: dict[str, Any] = {
        "t": times,
        "y": ("y", NORTH - step * (np.arange(rows) + 0.5), {"units": "degrees_north", "standard_name": "latitude"}),
        "x": ("x", WEST + step * (np.arange(columns) + 0.5), {"units": "degrees_east", "standard_name": "longitude"}),
    }
    variables: dict[str, Any] = {
        name: (("t", "y", "x"), values.astype(np.float32), {**attributes, "grid_mapping": "crs"})
        for name, (values, attributes) in fields.items()
    }
    wgs84 = CRS.from_epsg(4326).to_wkt()
    variables["crs"] = ((), 0, {"spatial_ref": wgs84, "crs_wkt": wgs84, "grid_mapping_name": "latitude_longitude"})
    dataset = xr.Dataset(variables, place, {"Conventions": "CF-1.10", "title": "generated dryland of drylands-openeo"})
    dataset.to_netcdf(path, engine="h5netcdf")
