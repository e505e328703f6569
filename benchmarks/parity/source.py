"""Pixels for every product: the generated world for a year of images, arithmetic for everything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from benchmarks.parity.cases import YEAR
from drylands_openeo.bands import SCL
from drylands_openeo.engine import Extent, Source
from drylands_openeo.engine.values import Cube
from drylands_openeo.engine.windows import on_grid
from drylands_openeo.profiles import OPTICAL, get_profile

BOX = (252_600, 4_708_800, 255_000, 4_710_600)
"""Around the generated world [m, EPSG:32650]."""

STEPS = {
    OPTICAL: ("MS", 60),
    "climate": ("MS", 600),
    "npp": ("YS", 60),
    "vegetation": ("MS", 60),
    "coarse-daily": ("10D", 60),
}
"""Role -> frequency of its dates, pixel size [m]; what is not here is one map of 60 m."""

LEVELS = {
    "precipitation": (30, 25),
    "pet": (70, 40),
    "tmin": (-2, 14),
    "tmean": (6, 14),
    "tmax": (14, 14),
    "radiation": (15, 8),
    "elevation": (1200, 150),
    "DEM": (1200, 150),
    "awc": (90, 20),
    "npp": (180, 60),
    "vi": (0.35, 0.15),
    "stratum": (2, 0),
    SCL: (4, 0),
    "red": (0.15, 0.03),
    "nir": (0.3, 0.1),
}
"""Band -> mean and reach, in the units that our products take; what is not here is about 0.5."""


@dataclass(frozen=True)
class Arithmetic:
    """Each value follows from its place, date and band; no gaps."""

    grid: GeoBox
    times: tuple[np.datetime64, ...]
    bands: tuple[str, ...]

    def read(self, window: GeoBox) -> Cube:
        """(t, bands, y, x)."""
        x, y = window.coords["x"].values / 500, window.coords["y"].values[:, None] / 700
        dates = pd.DatetimeIndex(self.times)
        t = (dates.year + dates.dayofyear / 365.25).to_numpy()[:, None, None]
        season = np.cos(2 * np.pi * (t - 0.55))
        noise = np.sin(12.9 * x + 78.2 * y + 37.7 * t)
        values = [
            mean + reach * (0.7 * season + 0.2 * noise + 0.1 * np.sin(x + y + number))
            for number, (mean, reach) in enumerate(LEVELS.get(band, (0.5, 0.3)) for band in self.bands)
        ]
        cube = np.stack(values, axis=1).astype(np.float32)
        return on_grid(cube, window, t=np.array(self.times), bands=list(self.bands))


@dataclass(frozen=True)
class Everything:
    """``images`` for optical data of their year; arithmetic for other years and other roles.

    A role is named by itself or by an address that ends in it.
    """

    images: Source

    def collection(self, collection: str, extent: Extent) -> Any:
        """A role's layer."""
        if collection == OPTICAL and extent.temporal and tuple(extent.temporal) == YEAR:
            return self.images.collection(collection, extent)
        frequency, size = STEPS.get(collection, ("", 60))
        first, last = extent.temporal or ("2020-01-01", "2021-01-01")
        times = pd.date_range(first, last, freq=frequency, inclusive="left") if frequency else pd.DatetimeIndex([first])
        grid = GeoBox.from_bbox(BOX, "EPSG:32650", resolution=size, tight=True)
        return Arithmetic(grid, tuple(times.to_numpy()), tuple(extent.bands or _bands(collection)))

    def stac_at(self, url: str, extent: Extent) -> Any:
        """The role at the end of the address."""
        return self.collection(url.rstrip("/").rsplit("/", 1)[-1], extent)


def _bands(role: str) -> Sequence[str]:
    collections = get_profile("local").collections
    return tuple(collections[role].bands) if role in collections else ("value",)
