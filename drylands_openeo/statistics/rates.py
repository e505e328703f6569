"""How fast land degrades beside how fast it recovers: areas and intensities by group, on spatially thinned samples.

The question is that of "Comparing land degradation and regeneration rates in China drylands" (J. Remote Sens.,
China): not only how much land degrades and how much recovers, but whether one goes faster than the other. Intensity is
the absolute standard partial regression coefficient on time. Neighbours are alike, so that all pixels are not as many
witnesses: samples are thinned to the range of their correlation before anything is tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from drylands_openeo.errors import KernelInputError

Values = NDArray[np.floating[Any]]

UNCORRELATED = 0.1
"""A correlation below this is none."""

LARGEST = 2000
"""Values of one side that are compared pair by pair; more are drawn from."""


@dataclass(frozen=True)
class Rate:
    """One group: areas [km2], and the intensities of its thinned pixels.

    ``shift``: by how much recovery is the stronger (Hodges-Lehmann), with the bounds of its confidence interval;
    ``delta``: Cliff's, -1..1, the chance that a recovering pixel is the faster less that it is the slower; ``p``: of
    Mann and Whitney's test. NaN where either side has fewer than two pixels.
    """

    group: str
    degrading_km2: float
    recovering_km2: float
    degrading_median: float
    recovering_median: float
    degrading_n: int
    recovering_n: int
    shift: float
    low: float
    high: float
    delta: float
    p: float


def correlation_range(values: ArrayLike, *, farthest: int = 100) -> int:
    """The lag [pixels] along rows and columns from which on a map (y, x) is uncorrelated; NaN is left out.

    >>> correlation_range(np.kron(np.random.default_rng(0).normal(size=(30, 30)), np.ones((4, 4))))
    4
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:
        raise KernelInputError(f"a map must have the shape (y, x), not {array.shape}")
    centred = array - np.nanmean(array) if np.isfinite(array).any() else array
    for lag in range(1, min(farthest, max(array.shape) - 1) + 1):
        pairs = [
            (centred[lag:], centred[:-lag]) if axis == 0 else (centred[:, lag:], centred[:, :-lag])
            for axis in (0, 1)
            if array.shape[axis] > lag
        ]
        one, other = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
        both = np.isfinite(one) & np.isfinite(other)
        if both.sum() < 3 or _correlation(one[both], other[both]) < UNCORRELATED:
            return lag
    return farthest


def thinned(shape: tuple[int, int], step: int, *, seed: int = 0) -> NDArray[np.bool_]:
    """One pixel of every ``step`` x ``step``, at the same place in each, which the seed chooses: (y, x).

    >>> thinned((6, 6), 3).sum()
    np.int64(4)
    """
    if step < 1:
        raise KernelInputError(f"step must be at least 1 pixel, not {step!r}")
    row, column = np.random.default_rng(seed).integers(0, step, 2)
    chosen = np.zeros(shape, bool)
    chosen[row::step, column::step] = True
    return chosen


def compare(degrading: ArrayLike, recovering: ArrayLike, *, confidence: float = 0.95) -> dict[str, float]:
    """``shift`` (median of all recovering less degrading), its ``low`` and ``high``, Cliff's ``delta``, and ``p``.

    >>> found = compare([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0])
    >>> found["shift"], found["delta"]
    (2.0, 0.75)
    """
    first, second = (_drawn(np.asarray(side, dtype=np.float64).ravel()) for side in (degrading, recovering))
    n, m = len(first), len(second)
    if min(n, m) < 2:
        return dict.fromkeys(("shift", "low", "high", "delta", "p"), float("nan"))
    differences = np.sort((second[:, np.newaxis] - first).ravel())
    spread = stats.norm.isf((1 - confidence) / 2) * np.sqrt(n * m * (n + m + 1) / 12)
    rank = max(0, int(np.floor(n * m / 2 - spread)))
    test = stats.mannwhitneyu(second, first, alternative="two-sided")
    return {
        "shift": float(np.median(differences)),
        "low": float(differences[rank]),
        "high": float(differences[-1 - rank]),
        "delta": float(np.sign(differences).mean()),
        "p": float(test.pvalue),
    }


def rates(
    effect: ArrayLike, areas: ArrayLike, groups: ArrayLike, names: Mapping[int, str], *, step: int, seed: int = 0
) -> list[Rate]:
    """A row for each named group, and one for all of them together ("all").

    ``effect`` (y, x): effect of time, negative where land degrades, positive where it recovers, 0 or NaN elsewhere;
    ``areas`` [km2] and ``groups`` (codes) of the same shape. ``step`` [pixels] thins the sample: take the
    `correlation_range`.
    """
    values, size, code = (np.asarray(array) for array in (effect, areas, groups))
    if not values.shape == size.shape == code.shape or values.ndim != 2:
        raise KernelInputError(
            f"effect {values.shape}, areas {size.shape} and groups {code.shape} must have one shape (y, x)"
        )
    sample = thinned((values.shape[0], values.shape[1]), step, seed=seed)
    known = np.isin(code, list(names))
    parts = [(names[value], code == value) for value in names] + [("all", known)]
    return [_rate(name, np.where(here, values, np.nan), size, sample) for name, here in parts]


def _rate(name: str, effect: Values, areas: Values, sample: NDArray[np.bool_]) -> Rate:
    down, up = effect < 0, effect > 0
    degrading, recovering = (np.abs(effect[side & sample]) for side in (down, up))
    found = compare(degrading, recovering)
    return Rate(
        name,
        float(areas[down].sum()),
        float(areas[up].sum()),
        _median(degrading),
        _median(recovering),
        len(degrading),
        len(recovering),
        **found,
    )


def _median(values: Values) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _drawn(values: Values) -> Values:
    known = values[np.isfinite(values)]
    return known if len(known) <= LARGEST else np.random.default_rng(0).choice(known, LARGEST, replace=False)


def _correlation(one: Values, other: Values) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else 0.0
