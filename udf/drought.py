# /// script
# dependencies = ["climate-indices>=3.1,<3.2"]
# ///
"""Drought by month: self-calibrated Palmer index (scPDSI), standardised precipitation (SPI) and water balance (SPEI).

Sources: Palmer 1965, Meteorological Drought; Wells et al. 2004, doi 10.1175/1520-0442(2004)017<2335:ASPDSI>2.0.CO;2;
McKee et al. 1993 (SPI); Vicente-Serrano et al. 2010, doi 10.1175/2009JCLI2909.1 (SPEI); Thom 1958 (gamma);
Hosking and Wallis 1997, doi 10.1017/CBO9780511529443 (L-moments). The Palmer index runs on the native kernels of
climate-indices 3.1 (BSD-3-Clause), which repeat the published C++ of Wells et al.; SPI and SPEI need SciPy only.
"""

import logging
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.special import gammainc, ndtr, ndtri, poch

Array = NDArray[np.floating[Any]]
Years = tuple[int, int]

BLOCK = 1 << 17  # values of one working array
PALMER = ("scpdsi", "phdi", "wplm", "z")
DISTRIBUTIONS = ("gamma", "pearson3", "log-logistic")
MM_PER_INCH = 25.4  # the Palmer kernels count in inches
SHORTEST_PALMER = 5  # calibration years: the second percentile of fewer months does not exist
FEWEST_VALUES = 4  # of one calendar month, to fit a distribution
LARGEST = 3.09  # SPI and SPEI are cut here: one month in a thousand
OFFSET = 1000.0  # mm a month, makes the water balance positive for the gamma law
PEARSON_NEAR = (0.2906, 0.1882, 0.0442)  # Hosking's rational approximations of the shape from the L-skewness
PEARSON_FAR = (0.36067, -0.59567, 0.25361, -2.78861, 2.56096, -0.77045)


def scpdsi(
    precipitation: ArrayLike, pet: ArrayLike, awc: ArrayLike, *, start_year: int, calibration: Years
) -> dict[str, Array]:
    """Self-calibrated Palmer drought severity index and its kin: ``scpdsi``, ``phdi``, ``wplm``, ``z``, each (..., t).

    ``precipitation`` and ``pet`` [mm/month] (..., t), monthly from January of ``start_year``; ``awc`` available water
    capacity of the soil [mm], scalar or (...), at least 25.4 (less counts as 25.4); ``calibration`` = (first, last
    year), whole years within the record, at least five. Negative precipitation counts as 0.

    A pixel is NaN throughout where a month is missing (NaN in either field) before its last month, or within the
    calibration, or where the calibration finds no answer: no rain at all, or the same in every year. Months missing at
    the end are NaN and change nothing else. The newest months are provisional: the next may end an open spell.

    Raises ValueError for a calibration outside the record, fields of different shape, and a missing native kernel.
    """
    (rain, demand), shape = _rows(precipitation, pet)
    soil = np.asarray(awc, np.float64)
    if soil.ndim and soil.shape != shape[:-1]:
        raise ValueError(f"awc has shape {soil.shape}; give a number or the pixels' shape {shape[:-1]}")
    soil = np.broadcast_to(soil.ravel(), len(rain))
    out = np.full((len(PALMER), *rain.shape), np.nan, _result_dtype(precipitation, pet))
    _palmer(out, rain, demand, soil, _calibration(start_year, calibration, shape[-1], SHORTEST_PALMER))
    return dict(zip(PALMER, out.reshape(len(PALMER), *shape), strict=True))


def spi(
    precipitation: ArrayLike, months: int, *, distribution: str = "gamma", start_year: int, calibration: Years
) -> Array:
    """Standardised precipitation index, (..., t), cut at +-3.09.

    ``precipitation`` (..., t), monthly from January of ``start_year``, any unit of depth; ``months`` to sum over;
    ``distribution`` "gamma" (Thom's fit to the positive sums), "pearson3" or "log-logistic" (L-moments of all sums),
    fitted for each calendar month to the years ``calibration`` = (first, last). With q the share of zero sums:

        SPI = inverse normal of q + (1 - q) F(sum);  a zero sum has F = 0

    A sum over a missing month is NaN, as are the first ``months`` - 1. A calendar month with fewer than four (gamma:
    four positive) calibration sums, or all alike, is NaN.

    >>> rain = np.tile(np.arange(1.0, 31), (12, 1)).T.ravel()    # every month of year k has k mm, 30 years
    >>> spi(rain, 1, start_year=1991, calibration=(1991, 2020))[[0, 12 * 14, -1]].round(2)
    array([-2.52,  0.18,  1.3 ])
    """
    (rain,), shape = _rows(precipitation)
    out = np.full(rain.shape, np.nan, _result_dtype(precipitation))
    years = _calibration(start_year, calibration, shape[-1], 1)
    _standardise(out, lambda part: _supply(rain, None, part), months, distribution, years)
    return out.reshape(shape)


def spei(
    precipitation: ArrayLike,
    pet: ArrayLike,
    months: int,
    *,
    distribution: str = "log-logistic",
    start_year: int,
    calibration: Years,
) -> Array:
    """Standardised precipitation-evapotranspiration index, (..., t), cut at +-3.09.

    As ``spi`` for the sums of ``precipitation`` - ``pet`` [mm/month], (..., t). The gamma law is fitted to the sums of
    P - PET + 1000 mm, so that they are positive; the other laws do not depend on such an offset.

    >>> rain = np.tile(np.arange(1.0, 31), (12, 1)).T.ravel()
    >>> spei(rain, np.full(360, 50.0), 1, start_year=1991, calibration=(1991, 2020))[[0, 12 * 14, -1]].round(2)
    array([-1.58, -0.06,  1.58])
    """
    (rain, demand), shape = _rows(precipitation, pet)
    out = np.full(rain.shape, np.nan, _result_dtype(precipitation, pet))
    years = _calibration(start_year, calibration, shape[-1], 1)
    _standardise(out, lambda part: _supply(rain, demand, part), months, distribution, years)
    return out.reshape(shape)


def _rows(*fields: ArrayLike) -> tuple[list[NDArray[Any]], tuple[int, ...]]:
    """The fields as (pixels, t), uncopied where their layout allows, and their shape (..., t)."""
    arrays = [np.asarray(field) for field in fields]
    shape = arrays[0].shape
    if not shape or any(array.shape != shape or array.dtype.kind not in "fiu" for array in arrays):
        raise ValueError(f"fields of shapes {[array.shape for array in arrays]}; give numbers of one shape (..., t)")
    return [array.reshape(int(np.prod(shape[:-1], dtype=int)), shape[-1]) for array in arrays], shape


def _result_dtype(*fields: ArrayLike) -> DTypeLike:
    """float32 where every field is float32, else float64; the arithmetic is float64 throughout."""
    return np.float32 if all(np.asarray(field).dtype == np.float32 for field in fields) else np.float64


def _calibration(start_year: int, years: Years, steps: int, shortest: int) -> Years:
    """Calibration years as positions (first, stop) in the record."""
    first, last = (int(year) for year in years)
    final = start_year + steps // 12 - 1
    if not start_year <= first <= last <= final:
        raise ValueError(f"calibration is {first}-{last}; the whole years of the record are {start_year}-{final}")
    if last - first + 1 < shortest:
        raise ValueError(f"calibration is {first}-{last}; give at least {shortest} years")
    return first - start_year, last - start_year + 1


def _blocks(rows: Array) -> Iterator[slice]:
    """Slices of pixels whose working arrays are small; none for an empty record."""
    pixels, steps = rows.shape[-2:]
    size = max(1, BLOCK // max(1, steps))
    return (slice(start, start + size) for start in range(0, pixels if steps else 0, size))


def _by_year(block: Array) -> Array:
    """(pixels, t) as (pixels, years, 12), the last year filled up with NaN."""
    lacking = -block.shape[1] % 12
    filled = np.pad(block, ((0, 0), (0, lacking)), constant_values=np.nan) if lacking else block
    return filled.reshape(len(block), -1, 12)


def _standardise(
    out: Array, supply: Callable[[slice], Array], months: int, distribution: str, calibration: Years
) -> None:
    """Write the standardised sums of ``supply`` over some months into ``out``, (pixels, t)."""
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution is {distribution!r}; give one of {DISTRIBUTIONS}")
    if not 1 <= months <= out.shape[-1]:
        raise ValueError(f"months is {months}; give a number from 1 to the length of the record, {out.shape[-1]}")
    law = {"gamma": _gamma, "pearson3": _pearson3, "log-logistic": _log_logistic}[distribution]
    for part in _blocks(out):
        sums = _by_year(_running_sum(supply(part), months))
        sample = sums[:, slice(*calibration)]
        with np.errstate(all="ignore"):
            zero = _count(sample == 0) / _count(~np.isnan(sample))
            chance = zero + (1 - zero) * np.where(sums == 0, 0, law(sums, sample))
            index = np.clip(ndtri(chance), -LARGEST, LARGEST)
            index[np.broadcast_to(~_fittable(sample, distribution), index.shape)] = np.nan
        out[part] = index.reshape(len(index), -1)[:, : out.shape[-1]]


def _supply(rain: NDArray[Any], demand: NDArray[Any] | None, part: slice) -> Array:
    """What is summed, (pixels, t): rain, or the water balance of a month moved above zero."""
    water = np.maximum(np.asarray(rain[part], np.float64), 0)
    return water if demand is None else water - demand[part] + OFFSET


def _running_sum(block: Array, months: int) -> Array:
    """Sum of each month and those before it; NaN where one of them is missing or before the record."""
    sums = block.copy()
    for lag in range(1, months):
        sums[:, lag:] += block[:, :-lag]
    sums[:, : months - 1] = np.nan
    return sums


def _count(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    """True values over the years, (pixels, 1, 12)."""
    return np.asarray(np.count_nonzero(flags, axis=1, keepdims=True))


def _fittable(sample: Array, distribution: str) -> NDArray[np.bool_]:
    """Calendar months with enough values that are not all alike, (pixels, 1, 12)."""
    used = np.where(sample > 0, sample, np.nan) if distribution == "gamma" else sample
    enough = _count(~np.isnan(used)) >= FEWEST_VALUES
    varied = np.fmax.reduce(used, axis=1, keepdims=True) > np.fmin.reduce(used, axis=1, keepdims=True)
    return np.asarray(enough & varied)


def _gamma(values: Array, sample: Array) -> Array:
    """Cumulative gamma law, fitted to the positive sample by Thom's approximation."""
    positive = sample > 0
    mean = np.where(positive, sample, 0).sum(axis=1, keepdims=True) / _count(positive)
    spread = np.log(mean) - np.log(np.where(positive, sample, 1)).sum(axis=1, keepdims=True) / _count(positive)
    shape = (1 + np.sqrt(1 + 4 * spread / 3)) / (4 * spread)
    return np.asarray(gammainc(shape, np.maximum(values, 0) * shape / mean))


def _l_moments(sample: Array) -> tuple[Array, Array, Array]:
    """First two L-moments and the L-skewness over axis 1, gaps left out."""
    ascending = np.sort(sample, axis=1)  # NaN last
    present = ~np.isnan(ascending)
    n = _count(present)
    rank = np.arange(sample.shape[1])[:, None]
    ascending = np.where(present, ascending, 0)
    mean = np.sum(ascending, axis=1, keepdims=True) / n
    once = np.sum(ascending * rank, axis=1, keepdims=True) / (n * (n - 1))
    twice = np.sum(ascending * rank * (rank - 1), axis=1, keepdims=True) / (n * (n - 1) * (n - 2))
    second = 2 * once - mean
    return mean, second, (6 * twice - 6 * once + mean) / second


def _pearson3(values: Array, sample: Array) -> Array:
    """Cumulative Pearson III law, fitted by L-moments (Hosking and Wallis 1997, appendix A.9)."""
    mean, second, skewness = _l_moments(sample)
    size = np.abs(skewness)
    near, far = 3 * np.pi * size**2, 1 - size
    a, b, c = PEARSON_NEAR
    shape = (1 + a * near) / (near + b * near**2 + c * near**3)
    a, b, c, d, e, f = PEARSON_FAR
    distant = (a * far + b * far**2 + c * far**3) / (1 + d * far + e * far**2 + f * far**3)
    shape = np.where(size < 1 / 3, shape, distant)
    deviation = np.sqrt(np.pi * shape) * second / poch(shape, 0.5)
    standard = (values - mean) / deviation
    lower = gammainc(shape, np.maximum(shape + np.copysign(np.sqrt(shape), skewness) * standard, 0))
    skewed = np.where(skewness < 0, 1 - lower, lower)
    return np.asarray(np.where(size <= 1e-6, ndtr((values - mean) / (second * np.sqrt(np.pi))), skewed))


def _log_logistic(values: Array, sample: Array) -> Array:
    """Cumulative generalised logistic law, fitted by L-moments (Hosking and Wallis 1997, appendix A.7)."""
    mean, second, skewness = _l_moments(sample)
    shape = np.where(np.abs(skewness) <= 1e-6, 1e-6, -skewness)
    stretch = shape * np.pi / np.sin(shape * np.pi)
    scale = second / stretch
    centre = mean - scale * (1 - stretch) / shape
    odds = np.log(np.maximum(1 - shape * (values - centre) / scale, 0)) / shape
    return np.asarray(1 / (1 + np.exp(odds)))


def _palmer(out: Array, rain: Array, demand: Array, soil: Array, calibration: Years) -> None:
    """Write the four Palmer series into ``out``, (4, pixels, t), all NaN before."""
    native = _native_kernels()
    for part in _blocks(out):
        block = [np.asarray(field[part], np.float64) for field in (rain, demand)]
        missing = ~(np.isfinite(block[0]) & np.isfinite(block[1]))
        length = np.where(missing.any(axis=1), missing.argmax(axis=1), missing.shape[1])
        whole = np.count_nonzero(~missing, axis=1) == length  # nothing is missing but at the end
        years = _by_year(block[0])[:, slice(*calibration)]
        varied = (years.max(axis=1) > years.min(axis=1)).any(
            axis=1
        )  # else the scaling would blow rounding up to droughts
        good = np.flatnonzero(whole & (length >= 12 * calibration[1]) & varied & ~np.isnan(soil[part]))
        if good.size:
            inches = [np.where(missing[good], np.nan, field[good]) / MM_PER_INCH for field in block]
            capacity = np.maximum(soil[part][good] / MM_PER_INCH, 1)
            anomaly = _moisture_anomaly(native, np.maximum(inches[0], 0), inches[1], capacity, calibration)
            for pixel, series in zip(part.start + good, anomaly, strict=True):
                out[:, pixel] = _spells(native, series, calibration)[:, : out.shape[-1]]


def _native_kernels() -> ModuleType:
    """The compiled kernels; the library's import takes over the root logger, which is put back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        from climate_indices import _native
    except ImportError as error:
        raise ValueError(
            "scPDSI needs climate-indices 3.1 with native kernels: pip install 'climate-indices>=3.1,<3.2'"
        ) from error
    finally:
        root.handlers = handlers
        root.setLevel(level)
    return _native


def _moisture_anomaly(native: ModuleType, rain: Array, demand: Array, capacity: Array, calibration: Years) -> Array:
    """Palmer's Z before scaling, (pixels, months of whole years): water balance, CAFEC coefficients, weights K'."""
    fields = [np.ascontiguousarray(_by_year(field).transpose(1, 2, 0)) for field in (rain, demand)]
    first, last = calibration[0], calibration[1] - 1
    with np.errstate(all="ignore"):
        monthly, sums = native.palmer_water_balance(*fields, capacity, first, last)
        storage, loss, recharge = monthly[:3]
        p, sp, pe, pl, pr, r, tl, et, ro = sums
        coefficients = [_ratio(et, pe, 1), _ratio(r, pr, 1), _ratio(ro, sp, 1), _ratio(tl, pl, 0)]
        operands = (*fields, recharge, storage, loss, *coefficients)
        supply = p + tl
        stress = np.where(supply == 0, 0, (pe + r + ro) / supply)
        departure, weight = native.palmer_k_prime(*operands, stress, first, last)
        weight = np.where(departure == 0, 0.5, weight)
        anomaly = native.palmer_raw_zindex(*operands, weight)
    return np.ascontiguousarray(anomaly.reshape(-1, len(capacity)).T)


def _ratio(part: Array, whole: Array, both_zero: float) -> Array:
    return np.where(whole == 0, np.where(part == 0, both_zero, 0), part / whole)


def _spells(native: ModuleType, anomaly: Array, calibration: Years) -> Array:
    """scPDSI, PHDI, WPLM and the scaled Z of one pixel, (4, months); NaN where the calibration finds no answer."""
    months = slice(12 * calibration[0], 12 * calibration[1])
    nothing = np.full((len(PALMER), len(anomaly)), np.nan)
    try:
        wet_slope, wet_start = native.scpdsi_duration_factors(anomaly[months], 1)
        dry_slope, dry_start = native.scpdsi_duration_factors(anomaly[months], -1)
        wet, dry, cross = wet_slope + wet_start, dry_slope + dry_start, dry_slope + wet_start
        if not (wet > 0 and dry > 0 and cross != 0):
            return nothing
        decay = (1 - wet_slope / wet, 1 - dry_slope / cross, 1 - dry_slope / dry)  # the cross term is Wells' own
        if not max(abs(c) for c in decay) < 1:
            return nothing
        factors = (wet_slope, wet_start, dry_slope, dry_start, wet, dry, *decay)
        indices = native.palmer_wells(anomaly, *factors)
        for _ in range(3):  # passes of Wells' scaling to -4 and 4, not an iteration to a limit
            low, high = _percentiles(indices[0][months])
            if not low < 0 < high:
                return nothing
            anomaly = np.where(anomaly < 0, anomaly * (-4 / low), anomaly * (4 / high))
            indices = native.palmer_wells(anomaly, *factors)
    except native.NoConvergenceError:
        return nothing
    return np.stack([*indices, anomaly])


def _percentiles(index: Array) -> tuple[float, float]:
    """The 2nd and 98th percentile, as order statistics of truncated rank."""
    ascending = np.sort(index)
    low, high = (float(ascending[int(share * len(index)) - 1]) for share in (0.02, 0.98))
    return low, high


def _band(cube: xr.DataArray, name: str) -> NDArray[Any]:
    """One band of (t, bands, y, x) as a view (pixels, t)."""
    if name not in cube["bands"].values:
        raise ValueError(f"the band {name!r} is missing; the cube has {list(cube['bands'].values)}")
    steps, height, width = cube.sizes["t"], cube.sizes["y"], cube.sizes["x"]
    return np.asarray(cube.sel(bands=name).values).transpose(1, 2, 0).reshape(height * width, steps)


def _soil(cube: xr.DataArray, context: dict[str, Any]) -> Array:
    """Available water capacity [mm] of each pixel: a band that does not change, or a number of the context."""
    pixels = cube.sizes["y"] * cube.sizes["x"]
    if "awc" in cube["bands"].values:
        return _band(cube, "awc")[:, 0].astype(np.float64)
    if "awc" not in context:
        raise ValueError(f"awc is neither a band of {list(cube['bands'].values)} nor in the context")
    return np.full(pixels, float(context["awc"]))


def _first_january(dates: pd.DatetimeIndex) -> int:
    """The year in which a gapless monthly record begins, in January."""
    month = dates.year * 12 + dates.month - 1
    if len(dates) == 0 or month[0] % 12 or (np.diff(month) != 1).any():
        raise ValueError(
            f"t runs {dates[:1].tolist()}..{dates[-1:].tolist()}; give every month from a January on, once"
        )
    return int(dates.year[0])


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """Drought index of a monthly cube (t, bands, y, x), from a January on without a step left out: (t, bands, y, x).

    Context: index "scpdsi" (bands precipitation, pet [mm/month]; awc [mm] a band or a number in the context; gives the
    bands scpdsi, phdi, wplm, z), "spi" (precipitation) or "spei" (precipitation, pet); months to sum over (1) and
    distribution for these two; calibration [first year, last year], all whole years of the record unless given.
    """
    index = context.get("index", "scpdsi")
    if index not in ("scpdsi", "spi", "spei"):
        raise ValueError(f"index is {index!r}; give 'scpdsi', 'spi' or 'spei'")
    cube = cube.transpose("t", "bands", "y", "x")
    steps, _, height, width = cube.shape
    start_year = _first_january(pd.DatetimeIndex(cube["t"].values))
    calibration = context.get("calibration", (start_year, start_year + steps // 12 - 1))
    names = PALMER if index == "scpdsi" else (index,)
    result = np.full((steps, len(names), height, width), np.nan, np.float32)
    out = result.transpose(1, 2, 3, 0).reshape(len(names), height * width, steps)  # a view: the cube is written once
    rain = _band(cube, "precipitation")
    if index == "scpdsi":
        soil = _soil(cube, context)
        _palmer(out, rain, _band(cube, "pet"), soil, _calibration(start_year, calibration, steps, SHORTEST_PALMER))
    else:
        demand = _band(cube, "pet") if index == "spei" else None
        law = context.get("distribution", "log-logistic" if index == "spei" else "gamma")
        years = _calibration(start_year, calibration, steps, 1)
        _standardise(out[0], lambda part: _supply(rain, demand, part), int(context.get("months", 1)), law, years)
    coords = {"bands": list(names)} | {dim: cube[dim] for dim in ("t", "y", "x") if dim in cube.coords}
    return xr.DataArray(result, dims=("t", "bands", "y", "x"), coords=coords)
