"""Percentiles of bands over a whole region, tile by tile: the range that grey levels of textures are cut from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from drylands_openeo.errors import RegionError

STEP = 1e-4
"""Width of a cell of the histogram: the quantum of Sentinel-2's reflectance."""

LOWEST, HIGHEST = -0.2, 2.0
"""Values beyond count as these."""

CELLS = round((HIGHEST - LOWEST) / STEP) + 1


@dataclass
class Histogram:
    """How often each value occurs, for every band; histograms of tiles add up exactly, in any order.

    >>> found = Histogram(("nir",)).add(np.array([[[0.1, 0.2], [0.3, np.nan]]]))
    >>> [round(float(value), 4) for value in found.percentile(50)], int(found.counts.sum())
    ([0.2], 3)
    """

    bands: tuple[str, ...]
    counts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros((len(self.bands), CELLS), np.int64)

    def add(self, tile: NDArray[np.floating[Any]]) -> Self:
        """Count a tile ([t,] bands, y, x); NaN is not counted."""
        layers = np.moveaxis(tile, -3, 0).reshape(len(self.bands), -1)
        for row, values in zip(self.counts, layers, strict=True):
            valid = values[np.isfinite(values)]
            cells = np.clip(np.rint((valid.astype(np.float64) - LOWEST) / STEP), 0, CELLS - 1).astype(np.intp)
            row += np.bincount(cells, minlength=CELLS)
        return self

    def percentile(self, percent: float) -> NDArray[np.float64]:
        """The least value of each band that at least ``percent`` [%] of the pixels do not exceed, to 1e-4."""
        if not 0 <= percent <= 100:
            raise RegionError(f"percent: {percent}; 0 to 100 is needed")
        total = self.counts.cumsum(axis=1)
        if not total[:, -1].all():
            empty = [band for band, count in zip(self.bands, total[:, -1], strict=True) if not count]
            raise RegionError(f"band {empty[0]!r} has no valid pixel in the region")
        wanted = np.maximum(np.ceil(total[:, -1] * percent / 100), 1)
        cells = [int(np.searchsorted(row, count)) for row, count in zip(total, wanted, strict=True)]
        return LOWEST + STEP * np.array(cells, np.float64)


def grey_range(histogram: Histogram, *, percent: Sequence[float] = (0.1, 99.9)) -> dict[str, list[float]]:
    """The parameters ``low`` and ``high`` of `texture`, one value a band."""
    low, high = (histogram.percentile(value).round(4).tolist() for value in percent)
    if not all(a < b for a, b in zip(low, high, strict=True)):
        raise RegionError(
            f"bands {list(histogram.bands)}: low {low} and high {high}; a region of one value has no range"
        )
    return {"low": low, "high": high}
