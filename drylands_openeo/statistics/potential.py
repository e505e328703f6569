"""What the best pixels of each stratum bear, over a whole region, tile by tile: the benchmark "potential" of MNPP.

A tile is counted into `Levels`: a histogram of logarithmic cells for each stratum. Levels add up exactly, in any order,
so that the region is never held in memory and the result does not depend on the tiles.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drylands_openeo.errors import KernelInputError, RegionError

Counts = NDArray[np.int64]

STEP = 0.002
"""Width of a cell in natural logarithms: a percentile is off by 0.2 % at most."""


@dataclass(frozen=True, eq=False)
class Levels:
    """How many pixels of each stratum lie in each occupied cell of log MNPP; rows of (stratum, cell).

    >>> tile = Levels.of([1, 1, 2, 1], [4.0, 4.0, 7.0, float("nan")])
    >>> (tile + tile).counts.tolist()
    [4, 2]
    """

    cells: Counts
    counts: Counts

    @classmethod
    def of(cls, strata: ArrayLike, mnpp: ArrayLike) -> Self:
        """The levels of one tile; both of one shape. What has no stratum, or is not above 0, is left out."""
        code, value = np.asarray(strata, dtype=np.float64), np.asarray(mnpp, dtype=np.float64)
        if code.shape != value.shape:
            raise KernelInputError(f"strata and mnpp must have one shape, not {code.shape} and {value.shape}")
        known = np.isfinite(code) & np.isfinite(value) & (value > 0)
        pairs = np.stack([code[known], np.floor(np.log(value[known]) / STEP)], axis=1).astype(np.int64)
        cells, counts = np.unique(pairs, axis=0, return_counts=True)
        return cls(cells, counts.astype(np.int64))

    @classmethod
    def sum(cls, levels: Iterable[Self]) -> Self:
        """The levels of all tiles together; the order does not matter."""
        parts = list(levels)
        every = np.concatenate([np.empty((0, 2), np.int64), *(part.cells for part in parts)])
        cells, place = np.unique(every, axis=0, return_inverse=True)
        counts = np.zeros(len(cells), dtype=np.int64)
        np.add.at(counts, place.ravel(), np.concatenate([np.empty(0, np.int64), *(part.counts for part in parts)]))
        return cls(cells, counts)

    def __add__(self, other: Self) -> Self:
        return self.sum([self, other])


def potential(levels: Levels, *, quantile: float = 0.9, least: int = 100) -> list[list[Any]]:
    """[[stratum, MNPP below which ``quantile`` of its pixels lie], ...]; strata of fewer than ``least`` pixels are not.

    >>> potential(Levels.of([3] * 200, range(1, 201)), quantile=0.5)[0][0]
    3

    Raises RegionError where no stratum has pixels enough.
    """
    if not 0 < quantile < 1:
        raise KernelInputError(f"quantile must lie between 0 and 1, not {quantile!r}")
    found: list[list[Any]] = []
    for stratum in np.unique(levels.cells[:, 0]):
        here = levels.cells[:, 0] == stratum
        cells, passed = levels.cells[here, 1], levels.counts[here].cumsum()
        if passed[-1] >= least:
            at = int(np.searchsorted(passed, quantile * passed[-1]))
            found.append([int(stratum), float(np.exp((cells[at] + 0.5) * STEP))])
    if not found:
        raise RegionError(f"no stratum has {least} pixels with MNPP; there are {int(levels.counts.sum())} in all")
    return found
