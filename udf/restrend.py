"""Residual trends: the change of vegetation that rain does not explain, segmented where there is a break.

Follows TSS-RESTREND (Burrell et al. 2017, doi:10.1016/j.rse.2017.05.018): the yearly maximum of the vegetation index
against the rain of the months before it (the vegetation-precipitation relation, VPR), then the trend of the residuals.
Two things differ from the R package. Breaks are sought in the annual residuals themselves, at every year, and the
largest Chow F is held against its own distribution under white noise instead of that of a break known beforehand:
BFAST is not needed. A year is twelve months from the first of the series on: where the vegetation peaks around new
year, let the series begin in another month (the package mends calendar years instead). Years may be missing.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc

Array = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]
Index = NDArray[np.intp]

MONTHS = 12
LEAST_MONTHS = 6  # of a year, for its maximum to count
LEAST_YEARS = 10  # of a series, for a relation with a break in it to be thinkable
BLOCK = 256  # pixels
DRAWS = 10_000  # of white noise, for the distribution of the largest F
FLAT = 1e-12  # a spread, or a share of a sum of squares, below this is rounding
NO_DATA, RESTREND, SEGMENTED_RESTREND, SEGMENTED_VPR, INDETERMINATE, NEGATIVE = range(6)
FLOATS = ("vpr_slope", "vpr_r2", "vpr_p", "residual_slope", "residual_p", "total_change", "break_height")
COUNTS = ("method", "accumulation", "offset", "break_index")


class Rule(NamedTuple):
    """The options of `restrend`; ``least`` years must lie on either side of a break."""

    max_accumulation: int
    max_offset: int
    alpha: float
    change_alpha: float
    least: int


class Line(NamedTuple):
    """Least squares of y on x over the years that count; one value a pixel."""

    slope: Array
    intercept: Array
    residual: Array  # sums of squares
    total: Array
    years: Array
    lever: Array  # variance of the intercept, over that of the errors


class Break(NamedTuple):
    """A model of two lines and what it says of the change; one value a pixel."""

    change: Array
    change_p: Array
    height: Array
    height_p: Array


def restrend(
    vi: ArrayLike,
    rain: ArrayLike,
    *,
    max_accumulation: int = 12,
    max_offset: int = 4,
    alpha: float = 0.05,
    trim: float = 0.15,
    change_alpha: float = 0.10,
) -> dict[str, NDArray[Any]]:
    """How the vegetation changed beside what rain explains, and by which model that was found.

    ``vi`` (..., 12 n) is monthly, of n whole years; ``rain`` [mm month-1] (..., m), m >= 12 n, ends in the same month
    and may begin earlier. A year counts if 6 of its months have VI and the rain of the max_offset + max_accumulation
    months up to its maximum is known. For offsets 0..max_offset and accumulations 1..max_accumulation [months], the
    rain of the months maximum - offset - accumulation + 1 .. maximum - offset is tried; the VPR with the best r2 of a
    rising slope is taken. Returns arrays (...); VI units are those of ``vi``, NaN where there is no such number:

    - ``method``: 0 no data (fewer than 10 years count); 1 RESTREND; 2 segmented RESTREND, a break in the residuals
      alone; 3 segmented VPR, a break in the relation also, whether or not the VPR of all years is significant;
      4 indeterminate, it is not (p > ``alpha``); 5 the same, but the best relation of all falls with rain and is
      significant, as where it is irrigated
    - ``accumulation``, ``offset`` [months], ``vpr_slope`` [VI mm-1], ``vpr_r2``, ``vpr_p``: the VPR of all years
    - ``residual_slope`` [VI year-1]: of the line through the VPR residuals; ``residual_p``: of the residual model,
      which for 2 and 3 is a line on each side of the break
    - ``break_index``: years before the break, 0 for none; at least ``trim`` of the years, and 4, lie on either side
    - ``break_height`` [VI], method 3: how much higher, at mean rain, the relation lies after the break. Each side has
      its own best accumulation then, standardised over all years
    - ``total_change`` [VI]: last less first value of the residual model if its p <= ``change_alpha``, plus the height
      of the break if its p is; 0 if neither; NaN for methods 0, 4 and 5

    p of the VPR is that of the chosen accumulation alone: choosing the best of many makes it smaller than it should be.
    Results are float32 if both inputs are, else float64; the counts are integers. Raises ValueError for other shapes.

    >>> random = np.random.default_rng(0)
    >>> rain = random.gamma(2.0, 20.0, 12 * 22)
    >>> season = np.tile([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], 20)
    >>> total = np.convolve(rain, np.ones(3))[24:264]    # of the month and the two before it
    >>> found = restrend(season * (0.2 + 0.002 * total - 0.005 * np.repeat(np.arange(20), 12)), rain)
    >>> int(found["method"]), int(found["accumulation"]), int(found["offset"])
    (1, 3, 0)
    """
    series, weather, dtype = _checked(vi, rain, max_accumulation, max_offset)
    n, leading = series.shape[-1] // MONTHS, series.shape[:-1]
    weather = weather.reshape(-1, weather.shape[-1])
    series = series.reshape(-1, series.shape[-1])
    floats, counts = np.empty((len(FLOATS), len(series))), np.zeros((len(COUNTS), len(series)), dtype=np.int16)
    rule = Rule(max_accumulation, max_offset, alpha, change_alpha, max(4, int(np.ceil(trim * n))))
    for begin in range(0, len(series), BLOCK):
        part = slice(begin, begin + BLOCK)
        with np.errstate(all="ignore"):
            y, sums, w = _yearly(series[part], weather[part], max_accumulation + max_offset)
            floats[:, part], counts[:, part] = _solve(y, sums, w, rule)
    found: dict[str, NDArray[Any]] = dict(zip(FLOATS, floats.astype(dtype).reshape(len(FLOATS), *leading), strict=True))
    return found | dict(zip(COUNTS, counts.reshape(len(COUNTS), *leading), strict=True))


def _checked(vi: ArrayLike, rain: ArrayLike, longest: int, latest: int) -> tuple[Array, Array, np.dtype[Any]]:
    series, weather = np.asarray(vi), np.asarray(rain)
    if series.ndim == 0 or series.shape[-1] % MONTHS or series.shape[-1] == 0:
        raise ValueError(f"vi must have the shape (..., 12 n), whole years, not {series.shape}")
    if weather.shape[:-1] != series.shape[:-1] or weather.shape[-1] < series.shape[-1]:
        raise ValueError(f"rain must have the pixels of vi {series.shape} and at least its months, not {weather.shape}")
    if longest < 1 or latest < 0:
        raise ValueError(f"max_accumulation must be at least 1 and max_offset 0, not {longest!r} and {latest!r}")
    narrow = all(array.dtype.kind == "f" and array.dtype.itemsize <= 4 for array in (series, weather))
    return series, weather, np.dtype(np.float32 if narrow else np.float64)


def _yearly(vi: Array, rain: Array, reach: int) -> tuple[Array, Array, Array]:
    """Yearly maxima (years, pixels), running rain sums backwards from them (reach + 1, years, pixels), and which count.

    What does not count is 0 in all three.
    """
    peak, month, enough = _peaks(vi.astype(np.float64))
    lead = rain.shape[1] - vi.shape[1]
    padding = np.full((len(rain), max(0, reach - lead)), np.nan)
    weather = np.concatenate([padding, rain], axis=1)
    when = month + weather.shape[1] - vi.shape[1]
    sums = np.zeros((reach + 1, *peak.shape))
    for back in range(reach):
        np.add(sums[back], weather[np.arange(len(weather)), when - back], out=sums[back + 1])
    counts = enough & np.isfinite(sums[-1]) & np.isfinite(peak)
    return np.where(counts, peak, 0.0), np.where(counts, sums, 0.0), counts.astype(np.float64)


def _peaks(vi: Array) -> tuple[Array, Index, Flags]:
    """Yearly maximum, its month counted from the first, and whether the year has months enough: (years, pixels)."""
    years = vi.reshape(len(vi), -1, MONTHS).transpose(1, 2, 0)
    enough = np.count_nonzero(~np.isnan(years), axis=1) >= LEAST_MONTHS
    months = np.where(np.isnan(years), -np.inf, years)
    return months.max(axis=1), months.argmax(axis=1) + MONTHS * np.arange(len(months))[:, np.newaxis], enough


def _solve(y: Array, sums: Array, w: Array, rule: Rule) -> tuple[Array, Index]:
    """FLOATS and COUNTS of a block."""
    years, time = w.sum(axis=0), np.arange(float(len(y)))[:, np.newaxis] + 0 * y
    y = _centred(y, w)
    offset, accumulation, falling = _best(sums, y, w, rule)
    rain = _between(sums, offset, accumulation)
    vpr = _line(rain, y, w)
    residual = _left(vpr, rain, y, w)
    trend = _line(time, residual, w)
    p, trend_p = _p(vpr, 1), _p(trend, 1)
    sound = (p <= rule.alpha) & (vpr.slope > 0)
    after, broken, in_vpr = _find_break(_chow(time, residual, w, rule), _chow(rain, y, w, rule), years, rule)
    method = np.select(
        [years < LEAST_YEARS, broken & in_vpr, broken & sound, sound, falling <= rule.alpha],
        [NO_DATA, SEGMENTED_VPR, SEGMENTED_RESTREND, RESTREND, NEGATIVE],
        INDETERMINATE,
    )
    first, last = w.argmax(axis=0), len(w) - 1 - w[::-1].argmax(axis=0)
    change, height = trend.slope * (last - first), np.full(len(years), np.nan)
    change *= trend_p <= rule.change_alpha
    for kind in (SEGMENTED_RESTREND, SEGMENTED_VPR):
        at = np.flatnonzero(method == kind)
        before = np.arange(len(w))[:, np.newaxis] < after[at]
        sides = w[:, at] * before, w[:, at] * ~before
        if kind == SEGMENTED_VPR:
            found = _segmented_vpr(y[:, at], sums[:, :, at], sides, rule)
            height[at] = found.height
        else:
            found = _segmented(time[:, at], residual[:, at], sides)
        trend_p[at] = found.change_p
        change[at] = found.change * (found.change_p <= rule.change_alpha)
        change[at] += np.where(found.height_p <= rule.change_alpha, found.height, 0)
    change[(method == NO_DATA) | (method >= INDETERMINATE)] = np.nan
    after = np.where((method == SEGMENTED_RESTREND) | (method == SEGMENTED_VPR), after, 0)
    floats = np.stack([vpr.slope, 1 - vpr.residual / vpr.total, p, trend.slope, trend_p, change, height])
    floats[:, method == NO_DATA] = np.nan
    counts = np.stack([method, accumulation, offset, after])
    counts[:, method == NO_DATA] = 0
    return floats, counts


def _centred(y: Array, w: Array) -> Array:
    """y less its mean; 0 where it is constant but for rounding."""
    offset = y - (w * y).sum(axis=0) / w.sum(axis=0)
    flat = np.abs(w * offset).max(axis=0) <= FLAT * np.abs(y).max(axis=0)
    centred: Array = np.where(flat | (w == 0), 0.0, offset)
    return centred


def _line(x: Array, y: Array, w: Array) -> Line:
    """Line through the years of weight 1; x and y (years, pixels)."""
    years = w.sum(axis=0)
    mean_x, mean_y = (np.einsum("tp,tp->p", w, values) / years for values in (x, y))
    dx, dy = w * (x - mean_x), w * (y - mean_y)
    sxx, sxy, syy = (np.einsum("tp,tp->p", a, b) for a, b in ((dx, dx), (dx, dy), (dy, dy)))
    slope = np.where(sxx > 0, sxy / sxx, 0.0)
    residual = np.maximum(syy - slope * sxy, 0.0)
    return Line(slope, mean_y - slope * mean_x, residual, syy, years, 1 / years + mean_x**2 / sxx)


def _left(line: Line, x: Array, y: Array, w: Array) -> Array:
    """What the line leaves of y: exactly nothing where that is rounding."""
    left = w * (y - line.intercept - line.slope * x)
    return np.where(line.residual <= FLAT * line.total, 0.0, left)


def _p(line: Line, terms: int) -> Array:
    """p of the F test of a model of so many terms beside the mean; 1 where there is nothing to explain."""
    free = line.years - 1 - terms
    f = np.where(line.total > 0, (line.total - line.residual) / terms * free / line.residual, 0.0)
    p: Array = np.where(np.isinf(f), 0.0, fdtrc(terms, free, f))
    return p


def _between(sums: Array, offset: Index, accumulation: Index) -> Array:
    """Rain (years, pixels) of each pixel's own accumulation and offset."""
    upper, lower = (
        np.take_along_axis(sums, at[np.newaxis, np.newaxis], 0)[0] for at in (offset + accumulation, offset)
    )
    difference: Array = upper - lower
    return difference


def _best(sums: Array, y: Array, w: Array, rule: Rule) -> tuple[Index, Index, Array]:
    """Offset and accumulation of the best r2 with a rising slope, if any; p of a falling slope that is better still."""
    rising, falling = np.zeros(y.shape[1]), np.zeros(y.shape[1])
    chosen, other = np.zeros(y.shape[1], dtype=np.intp), np.zeros(y.shape[1], dtype=np.intp)
    years = w.sum(axis=0)
    dy = w * (y - np.einsum("tp,tp->p", w, y) / years)
    syy = np.einsum("tp,tp->p", dy, dy)
    pairs = [(o, a) for o in range(rule.max_offset + 1) for a in range(1, rule.max_accumulation + 1)]
    for number, (offset, accumulation) in enumerate(pairs):
        x = sums[offset + accumulation] - sums[offset]
        dx = w * (x - np.einsum("tp,tp->p", w, x) / years)
        sxy = np.einsum("tp,tp->p", dx, dy)
        signed = sxy * np.abs(sxy) / (np.einsum("tp,tp->p", dx, dx) * syy)
        better, worse = signed > rising, signed < falling
        rising[better], chosen[better] = signed[better], number
        falling[worse], other[worse] = signed[worse], number
    best = np.array(pairs, dtype=np.intp)[np.where(rising > 0, chosen, other)]
    r2 = np.where(-falling > rising, -falling, 0.0)
    return best[:, 0], best[:, 1], fdtrc(1, years - 2, r2 / (1 - r2) * (years - 2))


def _chow(x: Array, y: Array, w: Array, rule: Rule) -> Array:
    """Chow's F for a break before the year of each row (years, pixels); NaN where a side has too few years."""
    x = w * (x - np.einsum("tp,tp->p", w, x) / w.sum(axis=0))
    moments = np.stack([w, x, y, x * x, x * y, y * y]).cumsum(axis=1)
    whole = moments[:, -1:]
    before = np.concatenate([0 * whole, moments[:, :-1]], axis=1)
    rest = _unexplained(before) + _unexplained(whole - before)
    free = whole[0] - 4
    f = (_unexplained(whole) - rest) / 2 * free / np.maximum(rest, 0)
    enough = (before[0] >= rule.least) & (whole[0] - before[0] >= rule.least)
    # the same years before and after a gap: the break is put at its end
    return np.where(enough & (w > 0), f, np.nan)


def _unexplained(moments: Array) -> Array:
    """Residual sum of squares of a line, from the sums of 1, x, y, xx, xy, yy."""
    n, x, y, xx, xy, yy = moments
    with np.errstate(all="ignore"):
        sxx, sxy = xx - x * x / n, xy - x * y / n
        explained = np.where(sxx > FLAT * xx, sxy * sxy / sxx, 0.0)
        left: Array = yy - y * y / n - explained
    return left


def _find_break(f_residual: Array, f_vpr: Array, years: Array, rule: Rule) -> tuple[Index, Flags, Flags]:
    """First year after the likeliest break of the residuals; whether it is significant; whether the VPR has it too."""
    known = np.where(np.isnan(f_residual), -1.0, f_residual)
    after, largest = known.argmax(axis=0), known.max(axis=0)
    limit = np.full(len(years), np.inf)
    for count in np.unique(years[years >= max(LEAST_YEARS, 2 * rule.least)]):
        limit[years == count] = _critical(int(count), rule)
    f = np.take_along_axis(f_vpr, after[np.newaxis], axis=0)[0]
    return after, largest > limit, fdtrc(2, years - 4, f) <= rule.alpha


@lru_cache(maxsize=256)
def _critical(years: int, rule: Rule) -> float:
    """The largest F over all years of a line in time that white noise exceeds with the probability alpha."""
    y = np.random.default_rng(years).normal(size=(years, DRAWS))
    time = np.arange(float(years))[:, np.newaxis] + 0 * y
    largest = np.fmax.reduce(_chow(time, y, np.ones_like(y), rule), axis=0)
    return float(np.quantile(largest, 1 - rule.alpha))


def _segmented(time: Array, residual: Array, sides: tuple[Array, Array]) -> Break:
    """A line of the residuals on each side of the break."""
    w = sides[0] + sides[1]
    two = [_line(time, residual, side) for side in sides]
    whole = _line(time, residual, w)._replace(residual=two[0].residual + two[1].residual)
    first, last = w.argmax(axis=0), len(w) - 1 - w[::-1].argmax(axis=0)
    change = two[1].intercept + two[1].slope * last - two[0].intercept - two[0].slope * first
    return Break(change, _p(whole, 3), np.zeros(len(change)), np.ones(len(change)))


def _segmented_vpr(y: Array, sums: Array, sides: tuple[Array, Array], rule: Rule) -> Break:
    """A relation on each side, each with its own standardised rain, and then a line of what they leave."""
    w = sides[0] + sides[1]
    lines, left = [], np.zeros_like(y)
    for side in sides:
        rain = _between(sums, *_best(sums, y, side, rule)[:2])
        off = w * (rain - (w * rain).sum(axis=0) / w.sum(axis=0))
        standard = off / np.sqrt((off**2).sum(axis=0) / (w.sum(axis=0) - 1))
        lines.append(_line(standard, y, side))
        left += _left(lines[-1], standard, y, side)
    height = lines[1].intercept - lines[0].intercept
    free = w.sum(axis=0) - 4
    variance = (lines[0].residual + lines[1].residual) / free * (lines[0].lever + lines[1].lever)
    time = np.arange(float(len(y)))[:, np.newaxis] + 0 * y
    return _segmented(time, left, sides)._replace(height=height, height_p=fdtrc(1, free, height**2 / variance))


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """Residual trends of a monthly cube (t, bands, y, x) -> (bands, y, x).

    Bands in: ``vi`` (or ``vegetation``) and ``rain``; t ends with a whole year. Years begin in the month
    ``first_month`` of the context (1); VI before ``first_year``, if given, is left out, so that its rain can serve the
    first year. Other context: max_accumulation, max_offset, alpha, trim, change_alpha. Bands out: method,
    accumulation, offset, vpr_slope, vpr_r2, vpr_p, residual_slope, residual_p, total_change, break_height and
    break_year, the first year after the break (NaN for none).
    """
    vi, rain, first_year = _whole_years(cube, int(context.get("first_month", 1)), context.get("first_year"))
    options = {key: context[key] for key in ("alpha", "trim", "change_alpha") if key in context}
    options |= {key: int(context[key]) for key in ("max_accumulation", "max_offset") if key in context}
    found = restrend(vi, rain, **options)
    index = found.pop("break_index")
    found["break_year"] = np.where(index > 0, first_year + index, np.nan)
    bands = np.stack([values.astype(np.float32) for values in found.values()])
    coords = {"bands": list(found)} | {axis: cube[axis] for axis in ("y", "x") if axis in cube.coords}
    return xr.DataArray(bands, dims=("bands", "y", "x"), coords=coords)


def _whole_years(cube: xr.DataArray, first_month: int, first_year: int | None) -> tuple[Array, Array, int]:
    """VI (y, x, whole years) and rain (y, x, t) that end together, and the number of the first year."""
    labels = [str(label) for label in cube["bands"].values]
    label = "vegetation" if "vegetation" in labels else "vi"
    if not {label, "rain"} <= set(labels):
        raise ValueError(f"the bands must include 'vi' (or 'vegetation') and 'rain', not {labels}")
    months = pd.DatetimeIndex(cube["t"].values)
    number = MONTHS * months.year.to_numpy() + months.month.to_numpy() - first_month
    if not np.all(np.diff(number) == 1) or (number[-1] + 1) % MONTHS:
        raise ValueError(f"t must hold every month once and end a year that begins in month {first_month}: {months}")
    start = max(int(np.ceil(number[0] / MONTHS)), -(2**31) if first_year is None else int(first_year))
    if start * MONTHS > number[-1]:
        raise ValueError(
            f"no whole year from first_year {first_year!r} on lies in {months[0]:%Y-%m}..{months[-1]:%Y-%m}"
        )
    values = cube.transpose("bands", "y", "x", "t").values
    vi, rain = values[labels.index(label)], values[labels.index("rain")]
    return vi[..., start * MONTHS - number[0] :], rain, start
