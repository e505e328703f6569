"""Clouds, cirrus and cloud shadows of one pass over the generated world."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from drylands_openeo.world.landscape import BORDER, Float

VISIBLE, FLAGGED, MEDIUM, HIGH = 0.15, 0.20, 0.35, 0.60
"""Density from which a cloud shows in the pixels, is flagged at all, as cloud (8), as certain cloud (9).

Between the first two the cloud (or shadow) is seen but not flagged, as in real scene classifications: that rim is why
masks are dilated. It is at most 2 % of the world's larger side wide.
"""

CLOUD = np.array([0.62, 0.61, 0.62, 0.64, 0.62, 0.63, 0.64, 0.64, 0.42, 0.30])
"""Reflectance of a thick cloud, in the order of spectra.BANDS."""

SHADE = np.array([0.45, 0.50, 0.55, 0.62, 0.56, 0.59, 0.61, 0.63, 0.66, 0.67])
"""What remains of the reflectance in a full shadow: less in the blue than in the infrared."""


@dataclass(frozen=True)
class Sky:
    """Elliptic clouds: rows of (east, north, radius east, radius north [m], peak density).

    Their shadows lie ``shift`` = (east, north) [m] off.
    """

    clouds: Float
    shift: tuple[float, float]

    @classmethod
    def drawn(cls, seed: int, number: int, size: tuple[float, float], sensed: datetime) -> "Sky":
        """Half of the passes are clear, a third partly cloudy, the rest overcast."""
        random = np.random.default_rng([seed, 2, number])
        fate, reach = random.uniform(), max(size)
        count = 0 if fate < 0.5 else int(random.integers(2, 7)) if fate < 0.85 else int(random.integers(14, 22))
        centres = random.uniform(-0.6, 0.6, (count, 2)) * np.array(size)
        radii = random.uniform(0.04, 0.10, (count, 2)) * reach
        peaks = np.where(random.uniform(size=count) < 0.2, 0.33, random.uniform(0.5, 1.2, count))
        return cls(np.column_stack([centres, radii, peaks]), _shadow_shift(sensed, 0.11 * reach))

    def density(self, east: Float, north: Float) -> Float:
        """Cloud density at positions [m]; 0 = clear."""
        density = np.zeros(east.shape)
        for east0, north0, across, along, peak in self.clouds:
            distance = ((east - east0) / across) ** 2 + ((north - north0) / along) ** 2
            np.maximum(density, peak * np.exp(-distance), out=density)
        return density

    def shadow(self, east: Float, north: Float) -> Float:
        """Density of the cloud that stands between these positions and the sun."""
        return self.density(east - self.shift[0], north - self.shift[1])


def opacity(density: Float) -> Float:
    """The share of the ground that a density hides, 0..1.

    >>> opacity(np.array([0.0, 0.15, 0.375, 0.6, 2.0])).round(6).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    return np.asarray(np.clip((density - VISIBLE) / (HIGH - VISIBLE), 0.0, 1.0))


def under(reflectance: Float, density: Float, shadow: Float) -> Float:
    """Reflectance (bands, y, x) as seen under clouds and their shadows."""
    hidden, shaded = (opacity(some).astype(reflectance.dtype) for some in (density, shadow))
    if not (hidden.any() or shaded.any()):
        return reflectance
    shade, cloud = (spectrum.astype(reflectance.dtype)[:, None, None] for spectrum in (SHADE, CLOUD))
    dimmed = reflectance * (1 - shaded * (1 - shade))
    return np.asarray(dimmed + hidden * (cloud - dimmed))


def sun_elevation(moment: datetime) -> float:
    """Elevation [degrees] about an hour before noon: at noon 90 - latitude + declination (Cooper 1969), less 4."""
    declination = 23.45 * np.sin(2 * np.pi * (284 + moment.timetuple().tm_yday) / 365)
    return float(90 - BORDER[1] + declination - 4)


def _shadow_shift(moment: datetime, height: float) -> tuple[float, float]:
    """Shadows fall to the north-north-west, the longer the lower the sun."""
    length = height / np.tan(np.radians(sun_elevation(moment)))
    return float(-length * np.sin(np.radians(20))), float(length * np.cos(np.radians(20)))
