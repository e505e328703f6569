"""Rain-use efficiency and its trends: the observed quantities of 2dRUE, by pixel.

Sources: G. del Barrio et al. 2010, Remote Sens. Environ. 114:1817-1832, doi:10.1016/j.rse.2010.03.009;
the stepwise regression follows Sokal & Rohlf, Biometry. Aridity is PET / P here: a larger number is drier.

A missing value is never filled: a gap in the vegetation index anywhere in the run, or in the rain (PET) anywhere in
the run and the months before it (but for the last month, which no window can hold), makes the extreme quantities of
that pixel NaN; a gap in the run makes the means NaN; a gap in a year makes the pixel's response undetermined.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

MONTHS = 12
BLOCK = 1 << 17  # values of one block and variable: large beside a call's overhead, small beside the cache
NEVER = 1e-12  # a spread or an unexplained share below this is rounding, not variation
TIME, ARIDITY, BOTH, NONE, UNDETERMINED = 1, 2, 3, 4, 0


def observed(
    vi: ArrayLike,
    rain: ArrayLike,
    pet: ArrayLike,
    *,
    start: tuple[int, int],
    first_year: int,
    last_year: int,
    hydrological_month: int,
    antecedent: int = 6,
    compatible: bool = False,
) -> dict[str, NDArray[Any]]:
    """Observed rain-use efficiency and aridity, at the scale of the mean year and of the strongest month.

    ``vi`` [any linear scale], ``rain`` and ``pet`` [mm month-1] are monthly, of one shape (..., t), and begin in the
    month ``start`` = (year, month). Hydrological years begin in ``hydrological_month`` and bear the number of the
    calendar year in which they begin; the run is first_year..last_year, both included. Returns arrays (...):

    - ``rue_mean`` [VI mm-1]: mean over the years of (sum12 VI / 12) / sum12 P
    - ``rue_extreme`` [VI mm-1]: VI of the strongest month of the run (the last of equals), over W = the rain of the
      ``antecedent`` months before it, itself excluded; 0 where VI is always negative
    - ``aridity_mean``: mean over the years of sum12 PET / sum12 P; ``aridity_extreme``: the same ratio over W
      (NaN where VI is always negative: no month is the strongest; 0 if ``compatible`` with the original program)
    - ``guarded_years``: in how many years a rain sum of 0 was taken as 1 mm (integer). Such a year rules the mean.

    Sums are of float64; results are float32 if all three inputs are, else float64. Raises ValueError for shapes that
    differ or a run that the series do not cover.

    >>> vi, rain, pet = [2.0] * 11 + [6.0], [5.0] * 12, [10.0] * 12
    >>> found = observed(vi, rain, pet, start=(2001, 1), first_year=2001, last_year=2001, hydrological_month=1,
    ...                  antecedent=0)
    Traceback (most recent call last):
    ValueError: antecedent must be a whole number of months from 1, not 0
    >>> found = observed([2.0] + vi, [5.0] + rain, [10.0] + pet, start=(2000, 12), first_year=2001, last_year=2001,
    ...                  hydrological_month=1, antecedent=1)
    >>> [round(float(found[name]), 6) for name in ("rue_mean", "rue_extreme", "aridity_mean", "aridity_extreme")]
    [0.038889, 1.2, 2.0, 2.0]
    """
    series, dtype = _same_shape(vi=vi, rain=rain, pet=pet)
    if antecedent != int(antecedent) or antecedent < 1:
        raise ValueError(f"antecedent must be a whole number of months from 1, not {antecedent!r}")
    ahead = int(antecedent)
    length = series[0].shape[-1]
    run = _run(length, start, first_year, last_year, hydrological_month, ahead)
    leading = series[0].shape[:-1]
    pixels = [array.reshape(-1, length) for array in series]
    results = np.empty((5, len(pixels[0])))
    size = max(1, BLOCK // length)
    for begin in range(0, len(pixels[0]), size):
        block = slice(begin, begin + size)
        v = np.asarray(pixels[0][block, run], dtype=np.float64)
        r, e = (np.asarray(array[block, run.start - ahead : run.stop], dtype=np.float64) for array in pixels[1:])
        with np.errstate(invalid="ignore"):
            results[:, block] = _observe(v, r, e, 0.0 if compatible else np.nan)
    results = results.reshape(5, *leading)
    names = ("rue_mean", "rue_extreme", "aridity_mean", "aridity_extreme", "guarded_years")
    return {
        name: row.astype(np.int16 if name == "guarded_years" else dtype)
        for name, row in zip(names, results, strict=True)
    }


def annual(
    vi: ArrayLike,
    rain: ArrayLike,
    pet: ArrayLike,
    *,
    start: tuple[int, int],
    first_year: int,
    last_year: int,
    hydrological_month: int,
) -> tuple[Array, Array]:
    """Mean VI and aridity (sum PET / sum P, a rain sum of 0 taken as 1 mm) of each hydrological year: (..., years).

    The arguments are those of `observed`; what comes out is what `stepwise` wants.

    >>> vegetation, aridity = annual([3.0] * 12, [5.0] * 12, [10.0] * 12, start=(2001, 4), first_year=2001,
    ...                              last_year=2001, hydrological_month=4)
    >>> vegetation.tolist(), aridity.tolist()
    ([3.0], [2.0])
    """
    (v, r, e), dtype = _same_shape(vi=vi, rain=rain, pet=pet)
    run = _run(v.shape[-1], start, first_year, last_year, hydrological_month, 0)
    with np.errstate(invalid="ignore"):
        vegetation = _year_sums(v[..., run]) / MONTHS
        aridity = _year_sums(e[..., run]) / _guarded(_year_sums(r[..., run]))
    return vegetation.astype(dtype), aridity.astype(dtype)


def stepwise(
    vegetation: ArrayLike,
    aridity: ArrayLike,
    years: Sequence[float] | NDArray[Any],
    *,
    alpha: float = 0.10,
    compatible: bool = False,
) -> dict[str, NDArray[Any]]:
    """Effects of time and of aridity on the vegetation, by stepwise regression of standardised annual series.

    ``vegetation`` and ``aridity`` have the shape (..., years), at least four of them. With the correlations
    r_ta, r_tv, r_av: b_t = (r_tv - r_av r_ta) / (1 - r_ta^2), b_a likewise, R2 = r_tv b_t + r_av b_a. Returns

    - ``response``: 3 both, if the model (F of 2 and n-3) and what the second variable adds (F of 1 and n-3) have
      p <= alpha; one variable, 1 time or 2 aridity, if only the model has (the better correlated one) or if the model
      has not but that variable alone (t of n-2; time is asked first); 4 none; 0 undetermined
    - ``effect_time``, ``effect_aridity`` [standard deviations per standard deviation]: b_t and b_a for 3, the
      correlation for 1 or 2, else 0

    Undetermined (effects NaN) are pixels with a gap, with constant vegetation or aridity, or with aridity collinear
    with time. With ``compatible`` the last three get what the original program leaves there, -1, -1 and 3 ("both").
    Where one variable explains everything, it alone is the answer.

    >>> found = stepwise([1.0, 2.0, 3.0, 4.0, 5.5], [2.0, 1.0, 3.0, 1.0, 2.0], range(2001, 2006))
    >>> int(found["response"]), round(float(found["effect_time"]), 4), float(found["effect_aridity"])
    (1, 0.9959, 0.0)
    """
    (v, a), dtype = _same_shape(vegetation=vegetation, aridity=aridity)
    t = np.asarray(years, dtype=np.float64)
    n = v.shape[-1]
    if t.shape != (n,) or not np.all(np.diff(t) > 0):
        raise ValueError(f"years must be {n} rising numbers, one for each value of vegetation, not {years!r}")
    if n < 4:
        raise ValueError(f"vegetation and aridity must have at least 4 years, not {n}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, not {alpha!r}")
    leading = v.shape[:-1]
    v, a = v.reshape(-1, n), a.reshape(-1, n)
    results = np.empty((3, len(v)))
    size = max(1, BLOCK // n)
    for begin in range(0, len(v), size):
        block = slice(begin, begin + size)
        results[:, block] = _regress(v[block].T, a[block].T, t, alpha, compatible)
    effect_time, effect_aridity, response = results.reshape(3, *leading)
    return {
        "effect_time": effect_time.astype(dtype),
        "effect_aridity": effect_aridity.astype(dtype),
        "response": response.astype(np.int8),
    }


def _regress(vegetation: Array, aridity: Array, t: Array, alpha: float, compatible: bool) -> Array:
    """Effects of time and aridity and the response, (3, pixels), of series (years, pixels)."""
    n = len(t)
    t = t - t.mean()
    t /= np.sqrt(t @ t)
    with np.errstate(invalid="ignore", divide="ignore"):
        v, flat_v = _standardised(vegetation)
        a, flat_a = _standardised(aridity)
        r_tv, r_ta, r_av = t @ v, t @ a, np.einsum("tp,tp->p", a, v)
        b_t = (r_tv - r_av * r_ta) / (1 - r_ta**2)
        b_a = (r_av - r_tv * r_ta) / (1 - r_ta**2)
        response = _respond(r_tv, r_av, r_tv * b_t + r_av * b_a, n, alpha, compatible)
        degenerate: Flags = flat_v | flat_a | (1 - r_ta**2 <= NEVER)
    gap = np.isnan(r_tv + r_av) & ~degenerate
    effect_time = np.select([response == BOTH, response == TIME], [b_t, r_tv], 0.0)
    effect_aridity = np.select([response == BOTH, response == ARIDITY], [b_a, r_av], 0.0)
    results = np.stack([effect_time, effect_aridity, response])
    results[:, degenerate] = [[-1], [-1], [BOTH]] if compatible else [[np.nan], [np.nan], [UNDETERMINED]]
    results[:, gap] = [[np.nan], [np.nan], [UNDETERMINED]]
    return results


def _respond(r_tv: Array, r_av: Array, r2: Array, n: int, alpha: float, compatible: bool) -> NDArray[np.intp]:
    """1 time, 2 aridity, 3 both or 4 none, from the correlations and the R2 of the model with both.

    F >= its critical value is asked with the denominator 1 - R2 on the other side: a perfect fit divides by nothing.
    """
    first = np.maximum(r_tv**2, r_av**2)
    model = (n - 3) / 2 * r2 >= stats.f.isf(alpha, 2, n - 3) * (1 - r2)
    both = model & ((n - 3) * (r2 - first) >= stats.f.isf(alpha, 1, n - 3) * (1 - r2))
    if not compatible:
        both &= 1 - first > NEVER
    alone = stats.t.isf(alpha / 2, n - 2) ** 2
    time_alone, aridity_alone = ((n - 2) * r**2 >= alone * (1 - r**2) for r in (r_tv, r_av))
    time = np.where(model, np.abs(r_tv) > np.abs(r_av), time_alone)
    return np.where(both, BOTH, np.where(time, TIME, np.where(model | aridity_alone, ARIDITY, NONE)))


def _standardised(series: Array) -> tuple[Array, Flags]:
    """Series (years, pixels) less their mean, of unit norm, in float64; and which of them are constant."""
    low, high = series.min(axis=0), series.max(axis=0)
    flat = high - low <= NEVER * np.maximum(np.abs(low), np.abs(high))
    centred = np.asarray(series - series.mean(axis=0, dtype=np.float64), dtype=np.float64)
    centred /= np.sqrt(np.einsum("tp,tp->p", centred, centred))
    return centred, flat


def _observe(v: Array, r: Array, e: Array, without_peak: float) -> Array:
    """The five quantities, (5, pixels); ``r`` and ``e`` begin the antecedent months before ``v``."""
    ahead = r.shape[1] - v.shape[1]
    rain = _year_sums(r[:, ahead:])
    dry = rain == 0
    np.copyto(rain, 1.0, where=dry)
    rue = np.einsum("py->p", _year_sums(v) / rain) / (MONTHS * rain.shape[1])
    aridity = np.einsum("py->p", _year_sums(e[:, ahead:]) / rain) / rain.shape[1]
    extremes = _extremes(v, r, e, without_peak)
    before = np.einsum("pt->p", r[:, :ahead]) + np.einsum("pt->p", e[:, :ahead])
    rows = np.flatnonzero(np.isnan(rue + aridity + before))
    gap_vi, gap_rain, gap_pet = (np.isnan(series[rows]).any(axis=1) for series in (v, r[:, :-1], e[:, :-1]))
    extremes[0, rows[gap_vi | gap_rain]] = np.nan
    extremes[1, rows[gap_vi | gap_rain | gap_pet]] = np.nan
    return np.stack([rue, extremes[0], aridity, extremes[1], np.count_nonzero(dry, axis=1)])


def _extremes(v: Array, r: Array, e: Array, without_peak: float) -> Array:
    """rue_extreme and aridity_extreme, (2, pixels), of pixels without gaps."""
    peak = v.max(axis=1)
    # The last month that attains it. NumPy's argmax gives the first, and is slow where time is not contiguous.
    rank = np.arange(1, v.shape[1] + 1, dtype=np.uint16)
    month = ((v == peak[:, np.newaxis]) * rank).max(axis=1).astype(np.intp) - 1
    antecedent = r.shape[1] - v.shape[1]
    rain = _guarded(_window_sums(r, month, antecedent))
    ratio = _window_sums(e, month, antecedent) / rain
    return np.stack([np.maximum(peak, 0) / rain, np.where(peak < 0, without_peak, ratio)])


def _window_sums(series: Array, first: NDArray[np.intp], length: int) -> Array:
    """Sum of the ``length`` values of each row from its index ``first`` on."""
    windows = np.lib.stride_tricks.sliding_window_view(series, length, axis=1)
    sums: Array = np.einsum("pw->p", windows[np.arange(len(series)), first])
    return sums


def _year_sums(series: Array) -> Array:
    sums: Array = np.einsum("...ym->...y", series.reshape(*series.shape[:-1], -1, MONTHS), dtype=np.float64)
    return sums


def _guarded(rain: Array) -> Array:
    return np.where(rain == 0, 1.0, rain)


def _same_shape(**series: ArrayLike) -> tuple[list[Array], np.dtype[Any]]:
    """The arrays, and the type of the results: float32 if all are no wider, else float64."""
    arrays = [np.asarray(value) for value in series.values()]
    if len({array.shape for array in arrays}) != 1 or arrays[0].ndim == 0:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(series, arrays, strict=True))
        raise ValueError(f"the series must have one shape (..., t), not {shapes}")
    narrow = all(array.dtype.kind == "f" and array.dtype.itemsize <= 4 for array in arrays)
    return arrays, np.dtype(np.float32 if narrow else np.float64)


def _run(
    length: int, start: tuple[int, int], first_year: int, last_year: int, hydrological_month: int, ahead: int
) -> slice:
    """The months of the hydrological years first_year..last_year in a series of ``length`` that begins at ``start``."""
    year, month = start
    for name, value in (("start month", month), ("hydrological_month", hydrological_month)):
        if not 1 <= value <= MONTHS:
            raise ValueError(f"{name} must lie in 1..12, not {value!r}")
    if last_year < first_year:
        raise ValueError(f"last_year must not lie before first_year {first_year}, not {last_year}")
    first = (int(first_year) - int(year)) * MONTHS + int(hydrological_month) - int(month)
    stop = first + (int(last_year) - int(first_year) + 1) * MONTHS
    if first < ahead or stop > length:
        raise ValueError(
            f"the years {first_year}..{last_year} from month {hydrological_month} and {ahead} months before them need "
            f"the months {first - ahead}..{stop - 1} of the series (0 is {year}-{month:02}), which has 0..{length - 1}"
        )
    return slice(first, stop)


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """Observed quantities and stepwise response of a monthly cube (t, bands, y, x) -> (bands, y, x).

    Bands in: ``vi`` (or ``vegetation``), ``rain``, ``pet``. The context holds first_year, last_year,
    hydrological_month and, if not 6 and 0.10, antecedent and alpha. Bands out: rue_mean, rue_extreme, aridity_mean,
    aridity_extreme, guarded_years (NaN where aridity_mean is), effect_time, effect_aridity, response.
    """
    missing = [key for key in ("first_year", "last_year", "hydrological_month") if key not in context]
    if missing:
        raise ValueError(f"the context must hold {missing}; it has {sorted(context)}")
    series, start = _monthly(cube)
    first, last, month = (int(context[key]) for key in ("first_year", "last_year", "hydrological_month"))
    antecedent, alpha = int(context.get("antecedent", 6)), float(context.get("alpha", 0.10))
    found = observed(
        *series, start=start, first_year=first, last_year=last, hydrological_month=month, antecedent=antecedent
    )
    found["guarded_years"] = np.where(np.isnan(found["aridity_mean"]), np.nan, found["guarded_years"])
    vegetation, aridity = annual(*series, start=start, first_year=first, last_year=last, hydrological_month=month)
    found |= stepwise(vegetation, aridity, range(first, last + 1), alpha=alpha)
    names = ["rue_mean", "rue_extreme", "aridity_mean", "aridity_extreme", "guarded_years"]
    names += ["effect_time", "effect_aridity", "response"]
    bands = np.stack([found[name].astype(np.float32) for name in names])
    coords = {"bands": names} | {axis: cube[axis] for axis in ("y", "x") if axis in cube.coords}
    return xr.DataArray(bands, dims=("bands", "y", "x"), coords=coords)


def _monthly(cube: xr.DataArray) -> tuple[tuple[Array, Array, Array], tuple[int, int]]:
    """VI, rain and PET (y, x, t) of a cube, and its first (year, month)."""
    labels = [str(label) for label in cube["bands"].values]
    vi = "vegetation" if "vegetation" in labels else "vi"
    if not {vi, "rain", "pet"} <= set(labels):
        raise ValueError(f"the bands must include 'vi' (or 'vegetation'), 'rain' and 'pet', not {labels}")
    months = pd.DatetimeIndex(cube["t"].values)
    number = MONTHS * months.year.to_numpy() + months.month.to_numpy()
    if not np.all(np.diff(number) == 1):
        raise ValueError(f"t must hold every month once, in order, not {[f'{month:%Y-%m}' for month in months]}")
    values = cube.transpose("bands", "y", "x", "t").values
    vegetation, rain, pet = (values[labels.index(label)] for label in (vi, "rain", "pet"))
    return (vegetation, rain, pet), (int(months[0].year), int(months[0].month))
