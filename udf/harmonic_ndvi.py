"""Harmonic fit of a vegetation-index series, pixel by pixel.

    y(t) = c0 [+ trend t] + sum_k [ sin_k sin(2 pi k t) + cos_k cos(2 pi k t) ],    t in years

Fitted to the valid samples by least squares (``ols``), by Huber's M-estimator (``huber``), or by least squares without
the samples below the curve (``hants``), which suits NDVI because clouds only ever lower it. Phase is that of a sine:
A sin(2 pi t + phase), phase = atan2(cos, sin); t being 0 on a 1st of January, phase 0 peaks in April, pi/2 in January.

References: P. J. Huber 1964, doi:10.1214/aoms/1177703732. G. J. Roerink, M. Menenti, W. Verhoef 2000 (HANTS),
doi:10.1080/014311600209814.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

DAYS_A_YEAR = 365.2425
EPOCH = pd.Timestamp("2000-01-01", tz="UTC")
METHODS = ("ols", "huber", "hants")
DEFAULTS = {"harmonics": 1, "trend": False, "method": "ols", "dates": None}
PIVOT = 1e-6  # of the number of dates; below it the valid samples do not determine the model
HUBER_K = 1.345  # residuals beyond it [robust standard deviations] lose weight: 95 % efficiency for normal errors
NORMAL_MAD = 0.6744897501960817  # median absolute deviation of the standard normal distribution
HUBER_STEPS, HUBER_STEP = 50, 1e-7  # iterations at most; a smaller step [robust standard deviations] ends them
FET, DOD = 0.05, 5  # HANTS: how far below the curve a sample may lie [index]; samples kept beyond the unknowns
SOLVE_BLOCK, EXACT_BLOCK, PEAK_BLOCK = 32768, 512, 1024  # pixels at a time
SUM_DATES, SUM_PIXELS = 40, 4096  # at a time: blocks that stay in the cache, rows long enough to read fast
WEAK, CANCELLED = 0.05, 1e-3  # worse-conditioned pixels and closer fits than these are done again, exactly
PEAK_GRID = 128  # points a year on which a curve of several harmonics is searched for its peak

Array = npt.NDArray[Any]
Fit = tuple[Array, Array, Array]  # of n pixels: coefficients on the columns of a basis (p, n), rmse, valid samples
Estimator = Callable[[Array, Array, "Basis"], tuple[Array, Array]]  # values, which are valid: coefficients, which used


def outputs(harmonics: int, trend: bool) -> list[str]:
    """Names of what ``fit`` returns, in its order.

    Coefficients first [index; trend index/year]; ``mean`` [index]: the constant, with a trend the value of the trend
    line in the middle between first and last date; ``amplitude`` [index], ``phase`` [rad, -pi..pi], of each harmonic
    if several; ``peak_day`` [day of year, 1..366.2425] of the highest point of all harmonics together, trend left out;
    ``rmse`` [index]: root mean square residual of the samples used (``hants``: kept); ``count``: valid samples.

    >>> outputs(1, trend=False)
    ['c0', 'sin1', 'cos1', 'mean', 'amplitude', 'phase', 'peak_day', 'rmse', 'count']
    >>> outputs(2, trend=True)
    ['c0', 'trend', 'sin1', 'cos1', 'sin2', 'cos2',
     'mean', 'amplitude1', 'phase1', 'amplitude2', 'phase2', 'peak_day', 'rmse', 'count']
    """
    numbers = [str(k) for k in range(1, _whole(harmonics) + 1)]
    waves = [name + k for k in numbers for name in ("sin", "cos")]
    polar = [name + k for k in (numbers if harmonics > 1 else [""]) for name in ("amplitude", "phase")]
    return ["c0", *(["trend"] if trend else []), *waves, "mean", *polar, "peak_day", "rmse", "count"]


def decimal_years(times: Any) -> Array:
    """Years of 365.2425 days since 2000-01-01, float64 (t,), of datetime64 values or a ``DatetimeIndex``.

    >>> decimal_years(np.array(["2000-01-01", "2000-07-01T12:00"], "datetime64[s]")).round(4)
    array([0.    , 0.4997])
    """
    if np.asarray(times).dtype.kind in "biufc":
        raise ValueError(f"times must be dates (datetime64 or a DatetimeIndex), not numbers: {times!r}")
    days = (pd.DatetimeIndex(pd.to_datetime(times, utc=True)) - EPOCH) / pd.Timedelta(days=1)
    return np.asarray(days, float) / DAYS_A_YEAR


def design_matrix(years: Array, harmonics: int, trend: bool) -> Array:
    """Columns of the model on the dates: 1, [t,] then a sine and a cosine per harmonic; (t, p), float64.

    >>> design_matrix(np.array([0.0, 0.25]), 1, trend=True).round(3) + 0.0
    array([[1.  , 0.  , 0.  , 1.  ],
           [1.  , 0.25, 1.  , 0.  ]])
    """
    angles = 2 * np.pi * np.outer(years, np.arange(1, harmonics + 1))
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(len(years), 2 * harmonics)
    return np.column_stack([np.ones_like(years), *([years] if trend else []), waves])


def fit(series: Array, years: Array, *, harmonics: int = 1, trend: bool = False, method: str = "ols") -> Array:
    """Model of every pixel's series: (..., t) -> (..., k) in the order of ``outputs(harmonics, trend)``.

    series : (..., t), any real dtype; NaN and infinity are no data
    years : (t,), decimal, in any order; c0 is the value of the trend line at years = 0
    method : ``ols``, ``huber`` (iteratively reweighted, scale by the median absolute residual) or ``hants``
        (least squares; while a sample lies more than FET below the curve, those beyond half the largest such distance
        are dropped and the rest is fitted anew, as long as DOD more than the unknowns are left)
    returns float32, or float64 for float64 and wide integers. A pixel whose samples do not determine the model (fewer
        than unknowns, or too unevenly spread) is NaN in all but its count.

    >>> years = np.arange(12) / 12
    >>> series = 0.3 + 0.1 * np.sin(2 * np.pi * years)     # highest a quarter of a year after 1 January
    >>> dict(zip(outputs(1, False), fit(series, years).round(3).tolist()))["peak_day"]
    92.311
    """
    harmonics, names, (series, years) = _whole(harmonics), outputs(harmonics, trend), _checked(series, years)
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    robust = {"huber": _huber, "hants": _hants}.get(method)
    lead = series.shape[:-1]
    dtype = np.dtype(np.float32 if np.can_cast(series.dtype, np.float32) else np.float64)
    pixels = series.reshape(math.prod(lead), years.size).T  # a view, both for (..., t) and for (t, ...) in memory
    basis = make_basis(years, harmonics, trend)
    table = np.empty((len(names), pixels.shape[1]), dtype)
    for start in range(0, pixels.shape[1], SOLVE_BLOCK):
        part = slice(start, start + SOLVE_BLOCK)
        with np.errstate(all="ignore"):  # pixels without data divide by zero
            some = pixels[:, part]
            found = _fit_exactly(some, basis, robust) if robust else _fit_quickly(some, basis, dtype)
            _describe(found, basis, harmonics, table[:, part])
    return np.moveaxis(table.reshape(len(names), *lead), 0, -1)


def fitted(coefficients: Array, years: Array, *, harmonics: int, trend: bool) -> Array:
    """Values of fitted curves on given dates: (..., k) and (t,) -> (..., t), in the coefficients' dtype.

    coefficients : (..., k), result of ``fit``, of which only the coefficients proper are read

    >>> fitted(np.array([0.3, 0.1, 0.0]), np.array([0.0, 0.25, 0.75]), harmonics=1, trend=False).round(3)
    array([0.3, 0.4, 0.2])
    """
    coefficients, design = np.asarray(coefficients), design_matrix(np.asarray(years, float), harmonics, trend)
    unknowns = design.shape[1]
    if coefficients.shape[-1:] < (unknowns,):
        raise ValueError(f"coefficients must have {unknowns} or more values on the last axis: {coefficients.shape}")
    curve = np.tensordot(design, np.moveaxis(coefficients[..., :unknowns], -1, 0), 1)
    return np.moveaxis(curve.astype(np.result_type(coefficients, np.float32), copy=False), 0, -1)


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """(t, bands=1, y, x) -> (bands, y, x), bands as ``outputs``; with ``dates`` (t, bands = its own and count, y, x).

    context : ``harmonics`` (1), ``trend`` (false), ``method`` ("ols"), ``dates`` (none; ISO 8601): all optional
    """
    options, dates = _options(context or {})
    if set(cube.dims) != {"t", "bands", "y", "x"} or cube.sizes["bands"] != 1:
        raise ValueError(f"the cube must have the dimensions t, bands (one band), y, x; it has {dict(cube.sizes)}")
    series, years = cube.transpose("bands", "y", "x", "t").values[0], decimal_years(cube["t"].values)
    model = {name: options[name] for name in ("harmonics", "trend")}
    found = fit(series, years, **options)
    place: dict[str, Any] = {name: cube[name].values for name in ("y", "x") if name in cube.coords}
    result = found if dates is None else fitted(found, decimal_years(dates), **model)
    values = np.moveaxis(result, -1, 0).astype(np.float32, copy=False)
    if dates is None:
        return xr.DataArray(values, dims=("bands", "y", "x"), coords=place | {"bands": outputs(**model)})
    place |= {"t": dates, "bands": [*cube["bands"].values, "count"]}
    values = np.stack([values, np.broadcast_to(found[..., -1], values.shape)], axis=1)
    return xr.DataArray(values, dims=("t", "bands", "y", "x"), coords=place)


class Basis(NamedTuple):
    """The model on the dates with orthogonal columns of mean square 1, on which sums in float32 stay safe."""

    columns: Array  # (t, p), the first of them 1
    products: Array  # (p (p + 1) / 2, t), each column times itself and those before: products @ mask = normal matrix
    to_named: Array  # (p + 1, p), from coefficients on these columns to c0, [trend], sin, cos, ..., mean
    floor: float  # the least pivot of a determined pixel; infinite if not even all dates determine the model


def make_basis(years: Array, harmonics: int, trend: bool) -> Basis:
    """The orthogonal form of the model on (t,) decimal years."""
    first, last = (years.min(), years.max()) if years.size else (0.0, 0.0)
    middle, half = (first + last) / 2, (last - first) / 2 or 1.0
    design = design_matrix(years, harmonics, trend)
    if trend:
        design[:, 1] = (years - middle) / half
    dates, unknowns = design.shape
    q, r = np.linalg.qr(np.pad(design, ((0, max(unknowns - dates, 0)), (0, 0))))
    scale = np.copysign(math.sqrt(dates), np.diag(r))
    floor = PIVOT * dates if (np.diag(r) ** 2 > PIVOT * dates).all() else math.inf
    columns = (q * scale)[:dates]
    columns[:, 0] = 1.0  # it is, but for rounding: products @ mask then counts exactly
    products = np.stack([columns[:, i] * columns[:, j] for i in range(unknowns) for j in range(i + 1)])
    back = np.linalg.inv(r) * scale if floor < math.inf else np.zeros_like(r)
    to_named = np.vstack([back, back[0]])
    if trend:
        to_named[1] /= half
        to_named[0] -= middle * to_named[1]
    return Basis(columns, products, to_named, floor)


def _fit_quickly(series: Array, basis: Basis, dtype: np.dtype[Any]) -> Fit:
    """Least squares of (t, n) from three sums a pixel, in ``dtype``; the few pixels this is too coarse for, exactly."""
    some = series[:, :: max(1, series.shape[1] // 32)]  # near their level fewer digits cancel in the misfit
    finite = np.isfinite(some)
    level = dtype.type(np.sum(some, where=finite, dtype=float) / max(np.count_nonzero(finite), 1))
    gram, moments, squares = _sums(series, level, basis)
    count = gram[0]
    coefficients, pivot = _solve(gram, moments)
    misfit = squares - np.einsum("ij,ij->j", coefficients, moments)
    coefficients[0] += level
    rmse = np.sqrt(np.maximum(misfit, 0) / count)
    enough = count >= len(moments)
    undetermined = ~(enough & (pivot > basis.floor))
    coefficients[:, undetermined] = rmse[undetermined] = np.nan
    again = np.flatnonzero(enough & ~((pivot >= WEAK * count) & (misfit >= CANCELLED * squares)))
    if again.size:
        coefficients[:, again], rmse[again], _ = _fit_exactly(series[:, again], basis, _least_squares)
    return coefficients, rmse, count


def _sums(series: Array, level: np.floating[Any], basis: Basis) -> tuple[Array, Array, Array]:
    """Over the valid samples of (t, n), less ``level``: products (q, n), columns times values (p, n), squares (n,)."""
    (dates, pixels), dtype = series.shape, level.dtype
    bits = np.dtype(f"i{dtype.itemsize}")
    one = np.ones((), dtype).view(bits)
    products, columns = basis.products.astype(dtype), basis.columns.T.astype(dtype)
    gram, moments = np.zeros((len(products), pixels), dtype), np.zeros((len(columns), pixels), dtype)
    squares = np.zeros(pixels, dtype)
    values, masks = np.empty((SUM_DATES, SUM_PIXELS), dtype), np.empty((SUM_DATES, SUM_PIXELS), bits)
    for date, pixel in itertools.product(range(0, dates, SUM_DATES), range(0, pixels, SUM_PIXELS)):
        when, where = slice(date, date + SUM_DATES), slice(pixel, pixel + SUM_PIXELS)
        far = series[when, where]
        value, mask = values[: far.shape[0], : far.shape[1]], masks[: far.shape[0], : far.shape[1]]
        np.subtract(far, level, out=value, casting="unsafe")  # the only reading of far memory, of whatever form
        np.copyto(mask, np.isfinite(value))  # as bits, all or none: AND is several times faster than an index or where
        np.negative(mask, out=mask)
        np.bitwise_and(value.view(bits), mask, out=value.view(bits))
        np.bitwise_and(mask, one, out=mask)
        gram[:, where] += products[:, when] @ mask.view(dtype)
        moments[:, where] += columns[:, when] @ value
        squares[where] += np.einsum("ij,ij->j", value, value)
    return gram, moments, squares


def _solve(gram: Array, moments: Array) -> tuple[Array, Array]:
    """Solve the p x p normal equations of n pixels: coefficients (p, n) and the least pivot (n,).

    LDL' written out over rows of n pixels; ``gram`` (p (p + 1) / 2, n) holds the lower triangle row by row.
    """
    unknowns = len(moments)
    rest: dict[tuple[int, int], Array] = {}
    lower: dict[tuple[int, int], Array] = {}
    for j in range(unknowns):
        for i in range(j, unknowns):
            rest[i, j] = gram[i * (i + 1) // 2 + j]
            for k in range(j):
                rest[i, j] = rest[i, j] - lower[j, k] * rest[i, k]
            if i > j:
                lower[i, j] = rest[i, j] / rest[j, j]
    found = moments.copy()
    for i in range(unknowns):
        for k in range(i):
            found[i] -= lower[i, k] * found[k]
    for i in reversed(range(unknowns)):
        found[i] /= rest[i, i]
        for k in range(i + 1, unknowns):
            found[i] -= lower[k, i] * found[k]
    return found, np.min([rest[i, i] for i in range(unknowns)], axis=0)


def _fit_exactly(series: Array, basis: Basis, estimator: Estimator) -> Fit:
    """Fit (t, n) in float64, with rmse from the residuals themselves; held as (n, t): quick to pick and to sort."""
    pixels = series.shape[1]
    found, rmse, count = np.empty((basis.columns.shape[1], pixels)), np.empty(pixels), np.empty(pixels)
    for start in range(0, pixels, EXACT_BLOCK):
        part = slice(start, start + EXACT_BLOCK)
        values = series[:, part].T.astype(float, order="C")
        valid = np.isfinite(values)
        values[~valid] = 0
        found[:, part], used = estimator(values, valid, basis)
        residuals = (values - found[:, part].T @ basis.columns.T) * used
        rmse[part] = np.sqrt(np.einsum("ij,ij->i", residuals, residuals) / used.sum(1))
        count[part] = valid.sum(1)
    return found, rmse, count


def _weighted(values: Array, weights: Array, basis: Basis) -> Array:
    """Weighted least squares of (n, t): (p, n); NaN where the weights leave the model undetermined."""
    weights = weights.astype(float, copy=False)
    coefficients, pivot = _solve(basis.products @ weights.T, basis.columns.T @ (weights * values).T)
    coefficients[:, ~(pivot > basis.floor)] = np.nan
    return coefficients


def _least_squares(values: Array, valid: Array, basis: Basis) -> tuple[Array, Array]:
    return _weighted(values, valid, basis), valid


def _huber(values: Array, valid: Array, basis: Basis) -> tuple[Array, Array]:
    """Huber's M-estimate by reweighting, the scale renewed at each step.

    A pixel leaves when it has converged, or when the weights would leave it undetermined: few samples, fitted exactly.
    """
    coefficients = _weighted(values, valid, basis)
    moving = np.flatnonzero(np.isfinite(coefficients[0]))
    for _ in range(HUBER_STEPS):
        if not moving.size:
            break
        before, here, there = coefficients[:, moving], values[moving], valid[moving]
        size = np.abs(here - before.T @ basis.columns.T)
        scale = _median(size, there) / NORMAL_MAD
        weights = np.fmin(1, HUBER_K * scale[:, np.newaxis] / size) * there  # fmin: 0 / 0 is weight 1
        after = _weighted(here, weights, basis)
        coefficients[:, moving] = np.where(np.isfinite(after), after, before)
        moving = moving[np.abs(after - before).max(0) > HUBER_STEP * scale + 1e-14 * np.abs(after).max(0)]
    return coefficients, valid


def _median(values: Array, valid: Array) -> Array:
    """Median along t of the valid samples of (n, t), of which each pixel has one or more: (n,)."""
    order = np.sort(np.where(valid, values, np.inf), axis=1)
    count, pixel = valid.sum(1), np.arange(len(order))
    return np.asarray(order[pixel, (count - 1) // 2] + order[pixel, count // 2]) / 2


def _hants(values: Array, valid: Array, basis: Basis) -> tuple[Array, Array]:
    """Least squares without the samples that lie below the curve, worst half first; which were kept comes too."""
    kept = valid.copy()
    coefficients = np.empty((basis.columns.shape[1], len(values)))
    fewest = len(coefficients) + DOD
    active = np.arange(len(values))
    while active.size:
        here, still = values[active], kept[active]
        now = coefficients[:, active] = _weighted(here, still, basis)
        below = np.where(still, now.T @ basis.columns.T - here, -np.inf)
        worst, count = below.max(axis=1, initial=-np.inf), still.sum(1)
        going = (worst > FET) & (count > fewest)
        if not going.any():
            break
        active, still, below, worst, count = active[going], still[going], below[going], worst[going], count[going]
        drop = below > worst[:, np.newaxis] / 2
        over = np.flatnonzero(count - drop.sum(1) < fewest)  # so close to the limit only the worst goes
        drop[over] = np.arange(below.shape[1]) == below[over].argmax(1)[:, np.newaxis]
        kept[active] = still & ~drop
    return coefficients, kept


def _describe(found: Fit, basis: Basis, harmonics: int, table: Array) -> None:
    """Fill (k, n) with what ``outputs`` names."""
    coefficients, table[-2], table[-1] = found
    unknowns = len(coefficients)
    table[: unknowns + 1] = named = basis.to_named.astype(coefficients.dtype) @ coefficients
    waves, polar = named[unknowns - 2 * harmonics : unknowns], table[unknowns + 1 : -3]
    sines, cosines = waves[0::2], waves[1::2]
    polar[0::2] = np.sqrt(sines**2 + cosines**2)
    polar[1::2] = np.arctan2(cosines, sines)
    peak = 0.25 - polar[1] / (2 * np.pi) if harmonics == 1 else _peak(waves, harmonics)
    table[-3] = 1 + DAYS_A_YEAR * (peak - np.floor(peak))


def _peak(waves: Array, harmonics: int) -> Array:
    """When the curve of (2 harmonics, n) waves is highest [fraction of a year]: best of a grid, then a parabola."""
    grid = design_matrix(np.arange(PEAK_GRID) / PEAK_GRID, harmonics, trend=False)[:, 1:].astype(waves.dtype)
    peak = np.empty(waves.shape[1], waves.dtype)
    for start in range(0, len(peak), PEAK_BLOCK):
        part = slice(start, start + PEAK_BLOCK)
        curve = waves[:, part].T @ grid.T
        best, pixel = curve.argmax(axis=1), np.arange(len(curve))
        before, top, after = (curve[pixel, (best + step) % PEAK_GRID] for step in (-1, 0, 1))
        bend = before - 2 * top + after
        shift = np.where(bend == 0, 0, (before - after) / (2 * bend))
        peak[part] = (best + shift) / PEAK_GRID
    return peak


def _checked(series: Array, years: Array) -> tuple[Array, Array]:
    series, years = np.asarray(series), np.asarray(years, float)
    if series.dtype.kind not in "biuf":
        raise ValueError(f"series must hold real numbers, not {series.dtype}")
    if years.ndim != 1 or series.shape[-1:] != years.shape:
        raise ValueError(f"series (..., t) and years (t,) must agree in t: {series.shape} and {years.shape}")
    if not np.isfinite(years).all():
        raise ValueError(f"years must be finite: {years}")
    return series, years


def _whole(harmonics: Any) -> int:
    """The number of harmonics as an int; JSON's 2.0 is 2."""
    number = type(harmonics) in (int, float) or isinstance(harmonics, np.integer)
    if not (number and harmonics >= 1 and harmonics % 1 == 0):
        raise ValueError(f"harmonics must be a whole number of 1 or more, not {harmonics!r}")
    return int(harmonics)


def _options(context: dict[str, Any]) -> tuple[dict[str, Any], pd.DatetimeIndex | None]:
    """The context, checked: arguments of ``fit``, and the dates or None."""
    unknown = sorted(set(context) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"unknown context {', '.join(unknown)}; known are {', '.join(DEFAULTS)}")
    given = DEFAULTS | {name: value for name, value in context.items() if value is not None}
    if not isinstance(given["trend"], bool):
        raise ValueError(f"trend must be true or false, not {given['trend']!r}")
    given["harmonics"] = _whole(given["harmonics"])
    dates = given.pop("dates")
    return given, None if dates is None else _dates(dates)


def _dates(texts: Any) -> pd.DatetimeIndex:
    """ISO 8601 texts as times, in UTC where they name a zone."""
    try:
        return pd.DatetimeIndex(pd.to_datetime(list(texts), utc=True, format="ISO8601")).tz_localize(None)
    except (TypeError, ValueError) as error:
        raise ValueError(f"dates must be a list of ISO 8601 dates, not {texts!r}") from error
