"""Change of soil carbon between maps of several dates, with its uncertainty, as land degradation neutrality asks."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from drylands_openeo.errors import RegionError

Floats = NDArray[np.float64]

LOSS, STABLE, GAIN = -1, 0, 1

LDN_THRESHOLD = 0.1
"""Relative loss from which land counts as degraded in the carbon sub-indicator of SDG 15.3.1 (UNCCD Good Practice
Guidance, version 2.0, 2021)."""


def standard_error(lower: ArrayLike, upper: ArrayLike, *, level: float = 0.9) -> Floats:
    """The standard error of predictions whose intervals of ``level`` end at ``lower`` and ``upper``.

    >>> standard_error([8.3551], [11.6449]).round(3).tolist()    # 10 +- 1.645 x 1
    [1.0]
    """
    width = np.asarray(upper, float) - np.asarray(lower, float)
    return np.asarray(width / 2 / stats.norm.ppf((1 + level) / 2))


def soc_change(
    carbon: ArrayLike,
    error: ArrayLike,
    years: ArrayLike,
    *,
    correlation: float = 0.0,
    threshold: float = LDN_THRESHOLD,
    level: float = 0.9,
) -> dict[str, Floats]:
    """Bands (y, x): change over the whole time, its standard error, relative change, and its class.

    ``carbon`` and its standard ``error`` (t, y, x) on dates ``years`` (t,), at least two, ascending. The change is the
    slope of a straight line, weighted by 1 / error^2, times the time; with two dates it is the difference. Errors of
    one model on several dates have ``correlation`` in common, which cancels in the change: 0 is cautious.
    ``class``: -1 where the relative change is at most -threshold and its interval of ``level`` lies below 0; 1 likewise
    above; else 0, which is no change that can be told. A pixel with a gap on any date is NaN.

    >>> made = soc_change([[[10.0, 10.0]], [[7.0, 9.5]]], np.full((2, 1, 2), 0.5), [2015, 2020])
    >>> made["change"].round(6).tolist(), made["change_error"].round(3).tolist(), made["class"].tolist()
    ([[-3.0, -0.5]], [[0.707, 0.707]], [[-1.0, 0.0]])
    """
    maps, errors, t = (np.asarray(values, float) for values in (carbon, error, years))
    if (
        maps.ndim != 3
        or maps.shape != errors.shape
        or t.shape != maps.shape[:1]
        or len(t) < 2
        or (np.diff(t) <= 0).any()
    ):
        raise RegionError(
            f"carbon {maps.shape}, error {errors.shape}, years {t.tolist()}: maps (t, y, x) of at least two ascending "
            "years are needed"
        )
    if not -1 < correlation < 1 or not 0 < level < 1:
        raise RegionError(f"correlation {correlation}, level {level}: within -1..1 and 0..1")
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = 1 / errors**2
        when = t[:, None, None] - (weight * t[:, None, None]).sum(axis=0) / weight.sum(axis=0)
        share = weight * when / (weight * when**2).sum(axis=0)
        span = t[-1] - t[0]
        change = span * (share * maps).sum(axis=0)
        variance = (1 - correlation) * ((share * errors) ** 2).sum(axis=0)
        variance += correlation * (share * errors).sum(axis=0) ** 2
        uncertain = span * np.sqrt(np.maximum(variance, 0))
        first = maps.mean(axis=0) - change * ((t - t[0]).mean() / span)
        relative = change / first
        sure = np.abs(change) > stats.norm.ppf((1 + level) / 2) * uncertain
        kind = np.select([sure & (relative <= -threshold), sure & (relative >= threshold)], [LOSS, GAIN], STABLE)
    found: dict[str, Any] = {"change": change, "change_error": uncertain, "relative_change": relative, "class": kind}
    return {name: np.where(np.isnan(change), np.nan, values) for name, values in found.items()}
