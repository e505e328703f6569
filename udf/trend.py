"""Monotonic trend of many short series: Theil-Sen slope with its confidence interval, Mann-Kendall test, gaps and ties.

Sources: Theil 1950; Sen 1968, doi 10.1080/01621459.1968.10480934; Mann 1945, doi 10.2307/1907187; Kendall 1975;
Hamed and Rao 1998, doi 10.1016/S0022-1694(97)00125-X; Yue et al. 2002, doi 10.1002/hyp.1095.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.floating[Any]]
Test = tuple[Array, Array, Array, Array]

BLOCK = 1 << 17  # values of one working array: stays in the second-level cache
EXACT_LENGTH = 10  # Kendall's null distribution is tabled up to this many values
YEARS_PER_UNIT = {"year": 1.0, "decade": 10.0}
BANDS = ("slope", "intercept", "low", "high", "s", "z", "p", "count")
AWARE_BANDS = ("p_hamed_rao", "p_prewhitened")


def theil_sen(series: ArrayLike, years: ArrayLike, *, confidence: float = 0.95) -> tuple[Array, Array, Array, Array]:
    """Slope, intercept and the bounds of the slope's confidence interval, each of shape (...).

    ``series`` (..., t) with NaN for no data; ``years`` (t,) increasing. The slope [series / years] is the median of
    (y_j - y_i) / (t_j - t_i) over all pairs of values, the intercept median(y) - slope median(t) of the values present.
    The bounds are the pair slopes of rank (N -+ z sqrt(var S)) / 2, var S corrected for ties (Sen 1968, equation 2.6).
    Fewer than two values give NaN. float32 stays float32, all else gives float64.

    >>> slope, intercept, low, high = theil_sen([1.0, 2.0, float("nan"), 4.0, 9.0], [2000, 2001, 2002, 2003, 2004])
    >>> float(slope), float(intercept)
    (1.5, -3000.0)

    Raises ValueError for years that do not increase or do not fit the series.
    """
    rows, shape = _rows(series)
    times = _increasing(years, rows.shape[1])
    quantile = _quantile(confidence)
    out = np.full((4, len(rows)), np.nan, rows.dtype)
    for part in _blocks(rows):
        columns = np.ascontiguousarray(rows[part].T)
        spread = quantile * np.sqrt(_score(columns)[1])
        out[:, part] = _line(columns, times, spread)
    slope, intercept, low, high = out.reshape(4, *shape)
    return slope, intercept, low, high


def mann_kendall(series: ArrayLike, *, exact: bool = False) -> Test:
    """Score S, its variance, the standard score z and the two-sided p of no monotonic trend, each of shape (...).

    ``series`` (..., t) in order of time, NaN for no data: the gaps are left out. S = sum over i < j of sign(y_j - y_i);
    var = [n(n-1)(2n+5) - sum over groups of ties m(m-1)(2m+5)] / 18; z = (S -+ 1) / sqrt(var), 0 for S = 0;
    p = 2 Phi(-abs(z)) for every n. With ``exact`` a series of at most 10 values without ties takes p from Kendall's
    null distribution instead. Fewer than two values give NaN. float32 stays float32, all else gives float64.

    >>> s, var, z, p = mann_kendall([1.0, 2.0, 3.0, 5.0, 4.0])
    >>> float(s), round(float(var), 3), round(float(p), 4)
    (8.0, 16.667, 0.0864)
    >>> round(float(mann_kendall([1.0, 2.0, 3.0, 5.0, 4.0], exact=True)[3]), 4)    # 10 of 120 orders
    0.0833
    """
    rows, shape = _rows(series)
    out = np.full((4, len(rows)), np.nan, rows.dtype)
    for part in _blocks(rows):
        columns = np.ascontiguousarray(rows[part].T)
        score, var = _score(columns)
        z, p = _significance(score, var)
        if exact:
            count = np.count_nonzero(columns == columns, axis=0)
            p = np.where(_untied(count, var) & (count <= EXACT_LENGTH), _exact_p(score, count), p)
        out[:, part] = score, var, z, p
    return _four(out, shape)


def hamed_rao(series: ArrayLike, *, alpha: float = 0.05) -> Test:
    """Mann-Kendall test whose variance allows for serial correlation: s, var, z, p, each of shape (...).

    ``series`` (..., t), evenly spaced, NaN for no data. var is multiplied by
    1 + 2 / (n(n-1)(n-2)) sum over lags i of (n-i)(n-i-1)(n-i-2) r_i, with r_i the autocorrelation of the ranks of the
    series less its Theil-Sen line, where abs(r_i) is significant at ``alpha``. A correction that leaves no positive
    variance gives NaN in z and p unless s is 0; fewer than three values give NaN.

    >>> s, var, z, p = hamed_rao([1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 8.0, 7.0])
    >>> float(s), round(float(p), 4)
    (22.0, 0.0094)
    """
    rows, shape = _rows(series)
    bound = _quantile(1 - alpha)
    out = np.full((4, len(rows)), np.nan, rows.dtype)
    for part in _blocks(rows):
        columns = np.asarray(rows[part].T, np.float64)
        score, var = _score(columns)
        var = var * _variance_ratio(_rank_offsets(_detrended(columns)[0]), bound)
        var[np.count_nonzero(columns == columns, axis=0) < 3] = np.nan
        score = np.where(np.isnan(var), np.nan, score)
        out[:, part] = score, var, *_significance(score, var)
    return _four(out, shape)


def trend_free_prewhitening(series: ArrayLike) -> Test:
    """Mann-Kendall test of the series freed of its lag-1 autocorrelation: s, var, z, p, each of shape (...).

    ``series`` (..., t), evenly spaced, NaN for no data. The Theil-Sen line is taken off, x_t - r_1 x_(t-1) formed from
    neighbours that are both present, the line put back, and the rest tested; fewer than two such pairs give NaN.

    >>> s, var, z, p = trend_free_prewhitening([1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 8.0, 7.0])
    >>> float(s)
    17.0
    """
    rows, shape = _rows(series)
    out = np.full((4, len(rows)), np.nan, rows.dtype)
    for part in _blocks(rows):
        residual, slope = _detrended(np.asarray(rows[part].T, np.float64))
        white = residual[1:] - residual[:-1] * _first_autocorrelation(residual)
        white += np.arange(1, len(residual))[:, None] * slope
        score, var = _score(white)
        out[:, part] = score, var, *_significance(score, var)
    return _four(out, shape)


def _rows(series: ArrayLike) -> tuple[Array, tuple[int, ...]]:
    """The series as (pixels, t) in float32 or float64, and the shape of the pixels."""
    values = np.asarray(series)
    if values.ndim == 0 or values.dtype.kind not in "fiub":
        raise ValueError(f"series has shape {values.shape} and dtype {values.dtype}; give numbers of shape (..., t)")
    values = values if values.dtype in (np.float32, np.float64) else values.astype(np.float64)
    shape = values.shape[:-1]
    return values.reshape(int(np.prod(shape, dtype=int)), values.shape[-1]), shape


def _increasing(years: ArrayLike, length: int) -> Array:
    times = np.asarray(years, np.float64)
    if times.shape != (length,):
        raise ValueError(f"years has shape {times.shape}; the series has {length} steps")
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise ValueError(f"years must be finite and increase: {times}")
    return times


def _quantile(confidence: float) -> float:
    """Half-width, in standard deviations, of the central interval of a normal law."""
    if not 0 < confidence < 1:
        raise ValueError(f"a probability of {confidence} was given; it lies between 0 and 1")
    return float(ndtri((1 + confidence) / 2))


def _blocks(rows: Array) -> Iterator[slice]:
    """Slices of pixels whose series fit the cache; none where a series is too short for a pair."""
    size = max(1, BLOCK // max(1, rows.shape[1]))
    return (slice(start, start + size) for start in range(0, len(rows) if rows.shape[1] > 1 else 0, size))


def _four(out: Array, shape: tuple[int, ...]) -> Test:
    score, var, z, p = out.reshape(4, *shape)
    return score, var, z, p


def _line(columns: Array, times: Array, spread: Array) -> Array:
    """Slope, intercept and bounds, (4, pixels), of columns (t, pixels); ``spread`` [pairs] sets the bounds apart."""
    count = np.count_nonzero(columns == columns, axis=0)
    pairs = count * (count - 1) // 2
    half = np.where(count < 2, 0, spread)
    low = np.maximum(np.round((pairs - half) / 2).astype(int) - 1, 0)
    high = np.minimum(np.round((pairs + half) / 2).astype(int), pairs - 1)
    lower, upper, low, high = _slopes_of_rank(columns, times, np.stack([(pairs - 1) // 2, pairs // 2, low, high]))
    slope = (lower + upper) / 2
    present = np.where(np.isnan(columns), np.nan, times[:, None])
    line = np.stack([slope, _median(columns, count) - _median(present, count) * slope, low, high])
    line[:, count < 2] = np.nan
    return line


def _slopes_of_rank(columns: Array, times: Array, ranks: NDArray[np.intp]) -> Array:
    """The pair slopes that hold the given ranks (k, pixels) from 0 in ascending order; pairs with a gap come last."""
    steps, pixels = columns.shape
    pairs = steps * (steps - 1) // 2
    spans = np.concatenate([times[lag:] - times[:-lag] for lag in range(1, steps)]).astype(columns.dtype)
    size = max(1, BLOCK // 2 // pairs)
    by_lag, by_pixel = np.empty((pairs, size), columns.dtype), np.empty((size, pairs), columns.dtype)
    out = np.empty(ranks.shape)
    for start in range(0, pixels, size):
        part = columns[:, start : start + size]
        rise, slopes = by_lag[:, : part.shape[1]], by_pixel[: part.shape[1]]
        first = 0
        for lag in range(1, steps):
            with np.errstate(invalid="ignore", over="ignore"):
                np.subtract(part[lag:], part[:-lag], out=rise[first : first + steps - lag])
            first += steps - lag
        np.divide(rise.T, spans, out=slopes)
        slopes.sort(axis=1)
        index = np.clip(ranks[:, start : start + size], 0, pairs - 1)
        out[:, start : start + size] = np.take_along_axis(slopes, index.T, axis=1).T
    return out


def _median(columns: Array, count: NDArray[np.intp]) -> Array:
    """Median of each column's ``count`` values; NaN for none."""
    ascending = np.sort(columns.T, axis=1)
    middle = np.maximum(np.stack([(count - 1) // 2, count // 2], axis=1), 0)
    median: Array = np.take_along_axis(ascending, middle, axis=1).mean(axis=1, dtype=np.float64)
    return median


def _score(columns: Array) -> tuple[Array, Array]:
    """Kendall's S and its tie-corrected variance of the columns of (t, pixels); NaN for fewer than two values."""
    up, down = np.zeros((2, columns.shape[1]), np.int64)
    for lag in range(1, len(columns)):
        up += _count(columns[lag:] > columns[:-lag])
        down += _count(columns[lag:] < columns[:-lag])
    n = _count(columns == columns)
    ties = np.zeros_like(n)
    tied = np.flatnonzero(up + down < n * (n - 1) // 2)
    if tied.size:
        ties[tied] = _tie_sum(columns[:, tied])
    score = np.where(n < 2, np.nan, up - down)
    return score, np.where(n < 2, np.nan, (n * (n - 1) * (2 * n + 5) - ties) / 18)


def _count(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """True values a column; as bytes, 127 at a time, which adds up in vector registers."""
    parts = (flags[start : start + 127].view(np.int8) for start in range(0, len(flags), 127))
    total = np.zeros(flags.shape[1], np.int64)
    for part in parts:
        total += np.add.reduce(part, axis=0, dtype=np.int8)
    return total


def _tie_sum(columns: Array) -> NDArray[np.int64]:
    """Sum over groups of m equal values of m(m-1)(2m+5), counted value by value."""
    same = np.zeros(columns.shape, np.int64)
    for lag in range(1, len(columns)):
        equal = columns[lag:] == columns[:-lag]
        same[lag:] += equal
        same[:-lag] += equal
    ties: NDArray[np.int64] = np.sum(same * (2 * same + 7), axis=0)
    return ties


def _significance(score: Array, var: Array) -> tuple[Array, Array]:
    """Standard score with continuity correction, and its two-sided probability."""
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(score == 0, 0.0, (score - np.sign(score)) / np.sqrt(var))
    return z, 2 * ndtr(-np.abs(z))


def _untied(count: NDArray[np.intp], var: Array) -> NDArray[np.bool_]:
    return np.asarray(np.rint(var * 18) == count * (count - 1) * (2 * count + 5))


def _exact_p(score: Array, count: NDArray[np.intp]) -> Array:
    """P(abs(S) >= abs(score)) over all orders of ``count`` untied values; 1 beyond the table."""
    table = np.ones((EXACT_LENGTH + 1, EXACT_LENGTH * (EXACT_LENGTH - 1) // 2 + 1))
    orders = np.ones(1)  # orders[k]: how many orders have k inversions
    for n in range(2, EXACT_LENGTH + 1):
        orders = np.convolve(orders, np.ones(n))
        scores = np.abs(len(orders) - 1 - 2 * np.arange(len(orders)))
        at_least = [orders[scores >= s].sum() / orders.sum() for s in range(len(orders))]
        table[n, : len(orders)] = at_least
    size = np.nan_to_num(np.abs(score)).astype(int)
    return np.asarray(table[np.minimum(count, EXACT_LENGTH), np.minimum(size, table.shape[1] - 1)])


def _detrended(columns: Array) -> tuple[Array, Array]:
    """The columns less their Theil-Sen line through the origin, and its slope a step."""
    step = np.arange(1.0, len(columns) + 1)
    count = np.count_nonzero(columns == columns, axis=0)
    pairs = count * (count - 1) // 2
    slope = _slopes_of_rank(columns, step, np.stack([(pairs - 1) // 2, pairs // 2])).mean(axis=0)
    return columns - step[:, None] * slope, slope


def _rank_offsets(columns: Array) -> Array:
    """Twice the rank less the mean rank: sum over j of sign(x_i - x_j); exact, ties at their mid-rank, gaps 0."""
    offset = np.zeros(columns.shape, np.int64)
    for lag in range(1, len(columns)):
        later, earlier = columns[lag:], columns[:-lag]
        sign = (later > earlier).astype(np.int8) - (later < earlier)
        offset[lag:] += sign
        offset[:-lag] -= sign
    return np.where(np.isnan(columns), np.nan, offset)


def _variance_ratio(offsets: Array, bound: float) -> Array:
    """Hamed and Rao's n / n*: how much serial correlation of the ranks widens the variance of S."""
    n = np.count_nonzero(offsets == offsets, axis=0).astype(float)
    centred = np.nan_to_num(offsets)
    power = np.sum(centred**2, axis=0)
    total = np.zeros_like(n)
    with np.errstate(invalid="ignore", divide="ignore"):
        for lag in range(1, len(offsets)):
            r = np.sum(centred[lag:] * centred[:-lag], axis=0) / power
            weight = np.maximum(n - lag, 0) * np.maximum(n - lag - 1, 0) * (n - lag - 2)
            total += np.where(np.abs(r) > bound / np.sqrt(n), weight * r, 0)
        return np.asarray(1 + 2 / (n * (n - 1) * (n - 2)) * total)


def _first_autocorrelation(columns: Array) -> Array:
    """Lag-1 autocorrelation over neighbours that are both present; 0 where nothing varies."""
    count = np.maximum(np.count_nonzero(columns == columns, axis=0), 1)
    centred = np.nan_to_num(columns - np.nansum(columns, axis=0) / count)
    power = np.sum(centred**2, axis=0)
    return np.asarray(np.sum(centred[1:] * centred[:-1], axis=0) / np.where(power > 0, power, 1))


def _decimal_years(labels: NDArray[Any]) -> Array:
    """Dates, date strings or whole years as years with fractions."""
    if labels.dtype.kind in "iu":
        return labels.astype(float)
    dates = pd.DatetimeIndex(labels)
    return np.asarray(dates.year + (dates.dayofyear - 1) / np.where(dates.is_leap_year, 366, 365), float)


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """Trend of a cube (t, bands = 1, y, x) along t: (bands, y, x).

    Bands: slope, intercept, low, high (slope per ``unit``, intercept at year 0), s, z, p, count of values present.
    Context: unit "year" (default) or "decade"; confidence of the interval (0.95); exact (false): Kendall's own p for at
    most 10 values; autocorrelation (false): also the bands p_hamed_rao and p_prewhitened, which take t as even.
    """
    unit = context.get("unit", "year")
    if unit not in YEARS_PER_UNIT:
        raise ValueError(f"unit is {unit!r}; give one of {sorted(YEARS_PER_UNIT)}")
    if "bands" in cube.dims and cube.sizes["bands"] != 1:
        raise ValueError(f"the cube has {cube.sizes['bands']} bands; a trend is taken of one")
    cube = cube.squeeze("bands", drop=True) if "bands" in cube.dims else cube
    series = cube.transpose("y", "x", "t").values
    years = _decimal_years(cube["t"].values) / YEARS_PER_UNIT[unit]
    line = theil_sen(series, years, confidence=context.get("confidence", 0.95))
    score, _, z, p = mann_kendall(series, exact=bool(context.get("exact", False)))
    layers = [*line, score, z, p, np.count_nonzero(series == series, axis=-1)]
    names = list(BANDS)
    if context.get("autocorrelation", False):
        layers += [hamed_rao(series)[3], trend_free_prewhitening(series)[3]]
        names += AWARE_BANDS
    coords = {"bands": names} | {dim: cube[dim] for dim in ("y", "x") if dim in cube.coords}
    return xr.DataArray(np.stack(layers).astype(np.float32), dims=("bands", "y", "x"), coords=coords)
