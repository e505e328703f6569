"""The ground of the generated world: what stands where, and its NDVI at any moment.

Everything is a function of the position in one frame of metres, so that scenes of either UTM zone, and any grid
that a result is made on, see the same ground.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

Float = NDArray[np.floating[Any]]

BORDER = (114.0, 42.5)
"""The centre [degrees]: on the border of UTM zones 49 and 50, in Inner Mongolia."""

FRAME = f"+proj=tmerc +lat_0={BORDER[1]} +lon_0={BORDER[0]} +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
"""The world's own coordinates: metres east and north of the centre."""

SPECKS = 12
"""Waves that make up the grain: short ones, the same on any grid."""

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
DAYS_A_YEAR = 365.2425


class Patch(IntEnum):
    """What stands on a pixel."""

    STEPPE = 1
    DUNES = 2
    CROPLAND = 3
    LAKE = 4
    DECLINING = 5
    RECOVERING = 6


@dataclass(frozen=True)
class Traits:
    """The NDVI of a patch: mean and half range at the epoch, day of the peak, change a year, and how much of the
    region's smooth variation it takes up (0..1); the share of litter in what is not green; and its grain, the standard
    deviation of the brightness among neighbouring pixels."""

    mean: float
    amplitude: float
    peak_day: float
    trend: float
    variation: float
    soil: str
    litter: float
    grain: float


TRAITS = {
    Patch.STEPPE: Traits(0.32, 0.15, 208, 0.0, 1.0, "loam", 0.35, 0.02),
    Patch.DUNES: Traits(0.14, 0.03, 222, 0.0, 0.3, "sand", 0.06, 0.0),
    Patch.CROPLAND: Traits(0.40, 0.24, 200, 0.0, 0.5, "loam", 0.15, 0.0),
    Patch.LAKE: Traits(-0.28, 0.0, 208, 0.0, 0.0, "water", 0.0, 0.0),
    Patch.DECLINING: Traits(0.34, 0.14, 208, -0.02, 1.0, "loam", 0.2, 0.06),
    Patch.RECOVERING: Traits(0.19, 0.06, 215, 0.03, 0.5, "sand", 0.15, 0.04),
}


@dataclass(frozen=True)
class Ground:
    """The truth at some pixels, each array of their shape.

    NDVI(t) = c0 + trend t + sin1 sin(2 pi t) + cos1 cos(2 pi t), t in years of 365.2425 days since 2020-01-01 UTC;
    ``brightness`` multiplies every band's reflectance alike; ``grain`` is how much of it differs from pixel to pixel.
    ``litter``: share of dry plants in what is not green.
    """

    patch: NDArray[np.uint8]
    c0: Float
    sin1: Float
    cos1: Float
    trend: Float
    brightness: Float
    litter: Float
    grain: Float

    def ndvi(self, moment: datetime) -> Float:
        """NDVI at a moment."""
        t = years(moment)
        sine, cosine = np.sin(2 * np.pi * t), np.cos(2 * np.pi * t)
        return np.asarray(self.c0 + self.trend * t + self.sin1 * sine + self.cos1 * cosine)


def years(moment: datetime) -> float:
    """Years of 365.2425 days since the epoch.

    >>> round(years(datetime(2021, 1, 1, tzinfo=UTC)), 4)
    1.0021
    """
    return (moment - EPOCH).total_seconds() / 86400 / DAYS_A_YEAR


@dataclass(frozen=True)
class Waves:
    """A smooth field: the mean of plane waves, within -1..1."""

    east: Float
    north: Float
    phase: Float

    @classmethod
    def drawn(cls, random: np.random.Generator, *, count: int, longest: float, shortest: float) -> "Waves":
        """With wavelengths [m] between two bounds and any direction."""
        wavenumber = 2 * np.pi / random.uniform(shortest, longest, count)
        direction = random.uniform(0, 2 * np.pi, count)
        return cls(wavenumber * np.cos(direction), wavenumber * np.sin(direction), random.uniform(0, 2 * np.pi, count))

    def at(self, east: Float, north: Float) -> Float:
        """The field at positions [m]."""
        total = np.zeros(east.shape)
        for a, b, phase in zip(self.east, self.north, self.phase, strict=True):
            total += np.sin(a * east + b * north + phase)
        return total / self.phase.size


@dataclass(frozen=True)
class Landscape:
    """Patches and smooth variation over ``size`` = (east-west, north-south) [m] around the centre."""

    size: tuple[float, float]
    jitter: Float
    level: Waves
    vigour: Waves
    timing: Waves
    texture: Waves
    cover: Waves
    specks: Waves

    @classmethod
    def drawn(cls, seed: int, size: tuple[float, float]) -> "Landscape":
        """One landscape a seed."""
        random = np.random.default_rng([seed, 1])
        jitter = random.uniform(-0.05, 0.05, (4, 2))
        reach = max(size)
        level, vigour, timing = (
            Waves.drawn(random, count=5, longest=reach, shortest=reach / 4) for _ in ("level", "vigour", "timing")
        )
        texture = Waves.drawn(random, count=6, longest=reach / 4, shortest=reach / 15)
        cover = Waves.drawn(random, count=5, longest=reach / 2, shortest=reach / 6)
        specks = Waves.drawn(random, count=SPECKS, longest=90.0, shortest=25.0)
        return cls(size, jitter, level, vigour, timing, texture, cover, specks)

    def at(self, east: Float, north: Float) -> Ground:
        """The ground at positions in the frame [m]."""
        patch = self.patches(east, north)
        mean, amplitude, peak, trend, variation, litter, grain = (
            _of_patch(patch, trait)
            for trait in ("mean", "amplitude", "peak_day", "trend", "variation", "litter", "grain")
        )
        c0 = mean + 0.05 * variation * self.level.at(east, north)
        half_range = amplitude * (1 + 0.3 * variation * self.vigour.at(east, north))
        peak_angle = 2 * np.pi * (peak + 12 * variation * self.timing.at(east, north)) / DAYS_A_YEAR
        rough = np.sqrt(2 * SPECKS) * self.specks.at(east, north)  # standard deviation 1
        brightness = 1 + 0.12 * self.texture.at(east, north) + grain * rough
        litter = litter * (1 + 0.6 * self.cover.at(east, north))
        sine, cosine = half_range * np.sin(peak_angle), half_range * np.cos(peak_angle)
        return Ground(patch, c0, sine, cosine, trend, brightness, litter, grain)

    def patches(self, east: Float, north: Float) -> NDArray[np.uint8]:
        """Patch codes; where two shapes meet, the later one in the list below wins."""
        u, v = 2 * east / self.size[0], 2 * north / self.size[1]
        (decline, recovery, lake, field) = self.jitter
        patch = np.full(east.shape, Patch.STEPPE, np.uint8)
        patch[v > 0.62 + 0.1 * np.sin(4 * u + 20 * field[0])] = Patch.DUNES
        patch[_within(u, v, -0.58 + recovery[0], 0.18 + recovery[1], 0.22, 0.24)] = Patch.RECOVERING
        patch[_within(u, v, 0.02 + decline[0], 0.12 + decline[1], 0.30, 0.28)] = Patch.DECLINING
        fields = (np.abs(u + 0.50 + field[0]) < 0.27) & (np.abs(v + 0.52 + field[1]) < 0.27)
        patch[fields] = Patch.CROPLAND
        patch[_within(u, v, 0.50 + lake[0], -0.50 + lake[1], 0.20, 0.24)] = Patch.LAKE
        return patch


def positions(grid: Any) -> tuple[Float, Float]:
    """East and north [m] in the frame of the pixel centres of an odc-geo GeoBox, each (y, x)."""
    rows, columns = grid.shape
    column, row = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    a, b, c, d, e, f = grid.affine[:6]
    x, y = a * column + b * row + c, d * column + e * row + f
    east, north = Transformer.from_crs(str(grid.crs), FRAME, always_xy=True).transform(x, y)
    return np.asarray(east, float), np.asarray(north, float)


def _of_patch(patch: NDArray[np.uint8], trait: str) -> Float:
    table = np.array([np.nan, *(getattr(TRAITS[kind], trait) for kind in Patch)])
    return np.asarray(table[patch], float)


def _within(u: Float, v: Float, u0: float, v0: float, across: float, along: float) -> NDArray[np.bool_]:
    """Inside an ellipse."""
    return np.asarray(((u - u0) / across) ** 2 + ((v - v0) / along) ** 2 < 1)
