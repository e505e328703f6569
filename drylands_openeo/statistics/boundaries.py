"""Upper and lower boundaries of rain-use efficiency against aridity, over a whole region, tile by tile.

A tile is counted into a `Cloud`: a histogram of logarithmic cells, kept only where occupied. Clouds add up exactly,
in any order, so that the region is never held in memory and the result does not depend on the tiles. `fit` turns the
cloud of the region into `Boundaries`, a few numbers that fit in JSON; they give each pixel its relative efficiency.

The idea of comparing a pixel with all others of equal aridity is that of 2dRUE (del Barrio et al. 2010,
doi:10.1016/j.rse.2010.03.009). How its authors fit the boundaries was not to be found in a text or a program: the
percentiles, bins and curves here are a reading.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from drylands_openeo.errors import KernelInputError, RegionError

Values = NDArray[np.floating[Any]]
Counts = NDArray[np.int64]

STEP = 0.002  # width of a cell in natural logarithms: a percentile is off by 0.2 % at most
CURVES = ("bin-linear", "quadratic", "spline")
KNOTS = 65  # of a curve, for linear interpolation between them
SHIFT = 32  # bits of a key that hold the row of a cell


@dataclass(frozen=True, eq=False)
class Cloud:
    """How many pixels lie in each occupied cell of log aridity and log efficiency; ``skipped`` could not be counted.

    >>> tile = Cloud.of([2.0, 2.0, 4.0, float("nan")], [0.1, 0.1, 0.05, 0.1])
    >>> (tile + Cloud.of([4.0], [0.05])).counts.tolist(), tile.skipped
    ([2, 2], 1)
    """

    keys: Counts
    counts: Counts
    skipped: int = 0

    @classmethod
    def of(cls, aridity: ArrayLike, rue: ArrayLike) -> Self:
        """The cloud of one tile; both of one shape. NaN and what is not above 0 is skipped: it has no logarithm."""
        x, y = np.asarray(aridity, dtype=np.float64), np.asarray(rue, dtype=np.float64)
        if x.shape != y.shape:
            raise KernelInputError(f"aridity and rue must have one shape, not {x.shape} and {y.shape}")
        known = (x > 0) & (y > 0) & np.isfinite(x) & np.isfinite(y)
        column, row = (np.floor(np.log(values[known]) / STEP).astype(np.int64) for values in (x, y))
        keys, counts = np.unique((column << SHIFT) + row, return_counts=True)
        return cls(keys, counts.astype(np.int64), int(x.size - np.count_nonzero(known)))

    @classmethod
    def sum(cls, clouds: Iterable[Self]) -> Self:
        """The cloud of all tiles together; the order does not matter."""
        parts = list(clouds)
        every = np.concatenate([np.empty(0, dtype=np.int64), *(part.keys for part in parts)])
        keys, place = np.unique(every, return_inverse=True)
        counts = np.zeros(len(keys), dtype=np.int64)
        np.add.at(counts, place, np.concatenate([np.empty(0, dtype=np.int64), *(part.counts for part in parts)]))
        return cls(keys, counts, sum(part.skipped for part in parts))

    def __add__(self, other: Self) -> Self:
        return self.sum([self, other])

    @property
    def cells(self) -> tuple[Values, Values]:
        """Log aridity and log efficiency at the middle of each cell."""
        half = 1 << (SHIFT - 1)
        column = (self.keys + half) >> SHIFT
        return (column + 0.5) * STEP, (self.keys - (column << SHIFT) + 0.5) * STEP


@dataclass(frozen=True)
class Boundaries:
    """Log efficiency at the lower and the upper boundary, at rising knots of log aridity; constant beyond them.

    ``pixels`` were counted; ``quantiles`` of them lie below the boundaries, by design. `as_dict` is JSON.
    """

    curve: str
    quantiles: tuple[float, float]
    pixels: int
    log_aridity: tuple[float, ...]
    log_lower: tuple[float, ...]
    log_upper: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Numbers, lists and a string: what JSON and a process graph take."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @property
    def rows(self) -> list[list[float]]:
        """Knots, lower and upper curve: the parameter of the product `land_condition`."""
        return [list(self.log_aridity), list(self.log_lower), list(self.log_upper)]

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """The boundaries that `as_dict` has written."""
        low, high = found["quantiles"]
        knots, lower, upper = (tuple(map(float, found[key])) for key in ("log_aridity", "log_lower", "log_upper"))
        return cls(str(found["curve"]), (float(low), float(high)), int(found["pixels"]), knots, lower, upper)

    def relative(self, aridity: ArrayLike, rue: ArrayLike) -> Values:
        """(rue - lower) / (upper - lower), 0 and 1 on the boundaries; NaN where either is missing or aridity <= 0.

        float32 if both inputs are, else float64.

        >>> flat = Boundaries("bin-linear", (0.05, 0.95), 1000, (0.0, 1.0), (0.0, 0.0), (np.log(3.0),) * 2)
        >>> flat.relative([1.0, 2.0, 9.0], [1.0, 2.0, 4.0]).round(6).tolist()
        [0.0, 0.5, 1.5]
        """
        x, y = np.asarray(aridity), np.asarray(rue)
        dtype = np.float32 if x.dtype == y.dtype == np.float32 else np.float64
        with np.errstate(invalid="ignore", divide="ignore"):
            log_x = np.log(np.where(x > 0, x, np.nan).astype(np.float64))
        lower, upper = (np.exp(np.interp(log_x, self.log_aridity, log)) for log in (self.log_lower, self.log_upper))
        return np.asarray((y.astype(np.float64) - lower) / (upper - lower)).astype(dtype)


def fit(
    cloud: Cloud,
    *,
    curve: str = "bin-linear",
    bins: int = 30,
    quantiles: tuple[float, float] = (0.05, 0.95),
    least: int = 100,
) -> Boundaries:
    """Boundaries from the ``quantiles`` of efficiency within ``bins`` of aridity that hold equally many pixels.

    There are fewer bins where one would hold less than ``least`` pixels. ``curve``: "bin-linear" joins the bins by
    straight lines in logarithms; "quadratic" is the parabola nearest to them in logarithms; "spline" the monotone cubic
    through their nearest monotone sequence. A percentile is exact to the width of a cell, 0.2 %.

    >>> aridity, rank = np.meshgrid(np.linspace(1, 8, 200), np.linspace(0, 1, 200))
    >>> found = fit(Cloud.of(aridity, (1 + rank) / aridity))
    >>> float(found.relative(4.0, 1.5 / 4).round(2)), float(found.relative(4.0, 1.95 / 4).round(2))
    (0.5, 1.0)

    Raises RegionError for a cloud that is too small for two bins, KernelInputError for other options.
    """
    if curve not in CURVES:
        raise KernelInputError(f"curve must be one of {CURVES}, not {curve!r}")
    if not 0 <= quantiles[0] < quantiles[1] <= 1:
        raise KernelInputError(f"quantiles must rise within 0..1, not {quantiles!r}")
    pixels = int(cloud.counts.sum())
    number = min(int(bins), pixels // least)
    if number < 2:
        raise RegionError(f"boundaries need two bins of {least} pixels at least; {pixels} have aridity and efficiency")
    x, lower, upper, weight = _bins(cloud, number, quantiles)
    knots, low = _curve(x, lower, weight, curve)
    _, high = _curve(x, upper, weight, curve)
    if np.any(low >= high):
        raise RegionError(f"the lower boundary of the curve {curve!r} crosses the upper one; take 'bin-linear'")
    low_, high_, knots_ = (tuple(float(value) for value in values) for values in (low, high, knots))
    return Boundaries(curve, (float(quantiles[0]), float(quantiles[1])), pixels, knots_, low_, high_)


def _bins(cloud: Cloud, number: int, quantiles: tuple[float, float]) -> tuple[Values, Values, Values, Values]:
    """Mean log aridity, both percentiles of log efficiency, and pixels of each bin; equal aridity stays together."""
    x, y = cloud.cells
    place = np.unique(x, return_inverse=True)[1]
    in_column = np.bincount(place, cloud.counts)
    middle = in_column.cumsum() - in_column / 2
    which = np.minimum((middle * number / in_column.sum()).astype(int), number - 1)[place]
    found = []
    for one in np.unique(which):
        inside = which == one
        counts = cloud.counts[inside]
        mean = float((x[inside] * counts).sum() / counts.sum())
        low, high = _percentiles(y[inside], counts, quantiles)
        found.append((mean, low, high, float(counts.sum())))
    columns = np.array(found).T
    if columns.shape[1] < 2:
        raise RegionError("boundaries need pixels of more than one aridity")
    return columns[0], columns[1], columns[2], columns[3]


def _percentiles(y: Values, counts: Counts, quantiles: tuple[float, float]) -> tuple[float, float]:
    """Percentiles of cells of width STEP, the pixels of a cell spread evenly over it."""
    order = np.argsort(y, kind="stable")
    level, place = np.unique(y[order], return_inverse=True)
    held = np.bincount(place, counts[order])
    passed = held.cumsum()
    low, high = (
        float(level[at] - STEP / 2 + STEP * (q * passed[-1] - passed[at] + held[at]) / held[at])
        for q in quantiles
        for at in [min(int(np.searchsorted(passed, q * passed[-1])), len(level) - 1)]
    )
    return low, high


def _curve(x: Values, y: Values, weight: Values, curve: str) -> tuple[Values, Values]:
    """Knots and values of a curve for the points (x, y)."""
    if curve == "bin-linear":
        return x, y
    knots = np.linspace(x[0], x[-1], KNOTS)
    if curve == "quadratic":
        middle = x.mean()
        coefficients = np.polyfit(x - middle, y, min(2, len(x) - 1), w=np.sqrt(weight))
        return knots, np.polyval(coefficients, knots - middle)
    ways = [isotonic_regression(y, weights=weight, increasing=rising).x for rising in (True, False)]
    nearest = min(ways, key=lambda way: float((weight * (way - y) ** 2).sum()))
    return knots, PchipInterpolator(x, nearest)(knots)
