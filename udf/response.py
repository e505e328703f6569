"""Response of vegetation to drought: their correlation, season and trend removed, at the lag where it is highest.

Source of the effective sample size: Bretherton et al. 1999, doi 10.1175/1520-0442(1999)012<1990:TENOSD>2.0.CO;2.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

Array = NDArray[np.floating[Any]]

BLOCK = 1 << 17  # values of one working array
BANDS = ("lag", "r", "p", "p_any", "effective", "count")
LARGEST_LAG = 12
FEWEST = 24  # months that a correlation needs
CLOSEST = 0.99  # product of two autocorrelations, at most


def response(
    vegetation: ArrayLike,
    drought: ArrayLike,
    month: ArrayLike,
    *,
    largest_lag: int = LARGEST_LAG,
    season: ArrayLike | None = None,
    fewest: int = FEWEST,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Lag, r, p, p_any, effective and count of the strongest response, each of shape (...).

    ``vegetation`` and ``drought`` (..., t), monthly without a step left out, NaN for no data; ``month`` (t,) 1..12.
    Of the vegetation only the months of the ``season`` count (all unless given). Both lose the mean of each calendar
    month and their linear trend. For every lag 0..``largest_lag`` [months] the vegetation is correlated with the
    drought index ``lag`` months before; the lag of the highest r is kept (a drought has a low index, so that vegetation
    that suffers has r > 0).

        effective = n (1 - a b) / (1 + a b), a and b the lag-1 autocorrelations, a b held within 0 and 0.99
        t = r sqrt((effective - 2) / (1 - r^2)), two-sided p with effective - 2 degrees of freedom
        p_any = 1 - (1 - p)^(largest_lag + 1): allows for the choice among the lags

    A lag with fewer than ``fewest`` common months counts not; a pixel without any is NaN. All float32: float32.

    >>> index = np.sin(np.arange(120.0) ** 1.5)
    >>> greenness = 0.3 + 0.1 * np.roll(index, 2) + 0.05 * np.cos(np.pi * np.arange(120) / 6)
    >>> lag, r, *_ = response(greenness, index, np.arange(120) % 12 + 1)
    >>> int(lag), bool(r > 0.9)
    (2, True)
    """
    green, dry = (np.asarray(field) for field in (vegetation, drought))
    if green.shape != dry.shape or green.ndim == 0 or any(field.dtype.kind not in "fiu" for field in (green, dry)):
        raise ValueError(f"vegetation {green.shape} and drought {dry.shape}; give numbers of one shape (..., t)")
    steps, shape = green.shape[-1], green.shape[:-1]
    months = _months(month, steps)
    if not 0 <= largest_lag < max(steps, 1):
        raise ValueError(f"largest_lag is {largest_lag}; give 0 to less than the {steps} months of the record")
    kept = np.ones(steps, bool) if season is None else np.isin(months, np.atleast_1d(np.asarray(season)))
    dtype = np.float32 if green.dtype == dry.dtype == np.float32 else np.float64
    pixels = int(np.prod(shape, dtype=int))
    green_rows, dry_rows = (field.reshape(pixels, steps) for field in (green, dry))
    out = np.full((len(BANDS), pixels), np.nan, dtype)
    for part in _blocks(pixels, steps):
        seen = np.where(kept[:, None], np.asarray(green_rows[part].T, np.float64), np.nan)
        before = np.asarray(dry_rows[part].T, np.float64)
        out[:, part] = _strongest(_anomaly(seen, months), _anomaly(before, months), largest_lag, fewest)
    lag, r, p, p_any, effective, count = out.reshape(len(BANDS), *shape)
    return lag, r, p, p_any, effective, count


def _months(month: ArrayLike, steps: int) -> NDArray[np.intp]:
    months = np.asarray(month)
    if months.shape != (steps,) or not np.isin(months, np.arange(1, 13)).all():
        raise ValueError(f"month is {months} for {steps} steps; give one calendar month 1..12 for each")
    return months.astype(np.intp)


def _blocks(pixels: int, steps: int) -> Iterator[slice]:
    size = max(1, BLOCK // max(1, steps))
    return (slice(start, start + size) for start in range(0, pixels if steps else 0, size))


def _mean(columns: Array, present: NDArray[np.bool_]) -> Array:
    """Mean over t of what is present; 0 for nothing."""
    total: Array = np.where(present, columns, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return total


def _anomaly(columns: Array, months: NDArray[np.intp]) -> Array:
    """Columns (t, pixels) without the mean of each calendar month, then without their linear trend."""
    columns = np.where(np.isfinite(columns), columns, np.nan)
    for number in range(1, 13):
        here = months == number
        columns[here] -= _mean(columns[here], ~np.isnan(columns[here]))
    present = ~np.isnan(columns)
    time = np.arange(float(len(columns)))[:, None] - _mean(
        np.broadcast_to(np.arange(float(len(columns)))[:, None], columns.shape), present
    )
    level = columns - _mean(columns, present)
    spread = np.where(present, time**2, 0).sum(axis=0)
    slope = np.where(present, time * level, 0).sum(axis=0) / np.where(spread > 0, spread, 1)
    return np.asarray(level - slope * time)


def _correlation(one: Array, other: Array, used: NDArray[np.bool_]) -> tuple[Array, NDArray[np.intp]]:
    """Pearson's r over the months used, and their number; NaN where one of the two does not vary."""
    count = used.sum(axis=0)
    first, second = (np.where(used, field - _mean(field, used), 0) for field in (one, other))
    power = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    scale = np.sqrt(np.where(used, one**2, 0).sum(axis=0) * np.where(used, other**2, 0).sum(axis=0))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(power > 1e-12 * np.maximum(scale, 1e-300), (first * second).sum(axis=0) / power, np.nan)
    return np.clip(r, -1, 1), count


def _strongest(green: Array, dry: Array, largest_lag: int, fewest: int) -> Array:
    """The rows of BANDS for one block of anomalies (t, pixels)."""
    every = ~np.isnan(green)
    tried = np.full((largest_lag + 1, green.shape[1]), np.nan)
    counts = np.zeros(tried.shape, np.intp)
    for lag in range(largest_lag + 1):
        now, before = green[lag:], dry[: len(dry) - lag]
        tried[lag], counts[lag] = _correlation(now, before, every[lag:] & ~np.isnan(before))
    tried[counts < fewest] = np.nan
    known = ~np.isnan(tried).all(axis=0)
    best = np.where(np.isnan(tried), -np.inf, tried).argmax(axis=0)
    place = (best, np.arange(tried.shape[1]))
    r, count = tried[place], counts[place]
    memory = np.clip(_persistence(green) * _persistence(dry), 0, CLOSEST)
    effective = count * (1 - memory) / (1 + memory)
    p = _two_sided(r, effective)
    rows = np.stack([best, r, p, -np.expm1((largest_lag + 1) * np.log1p(-p)), effective, count]).astype(np.float64)
    rows[:, ~known] = np.nan
    return rows


def _persistence(columns: Array) -> Array:
    """Lag-1 autocorrelation; 0 where it is not known."""
    r, _ = _correlation(columns[1:], columns[:-1], ~np.isnan(columns[1:]) & ~np.isnan(columns[:-1]))
    return np.nan_to_num(r)


def _two_sided(r: Array, effective: Array) -> Array:
    """P(abs(R) >= abs(r)) of no correlation by Student's law; NaN for two effective months or fewer."""
    freedom = np.where(effective > 2, effective - 2, np.nan)
    with np.errstate(invalid="ignore"):
        return np.asarray(betainc(freedom / 2, 0.5, 1 - r**2))


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """Response of a monthly cube (t, bands, y, x) along t: (bands = lag, r, p, p_any, effective, count, y, x).

    Context: vegetation, drought: names of the two bands ("vegetation", "drought"); largest_lag [months] (12); season:
    list of the vegetation's calendar months (all); fewest common months (24). t holds every month once, in order.
    """
    names = [context.get(name, name) for name in ("vegetation", "drought")]
    missing = [name for name in names if name not in cube["bands"].values]
    if missing:
        raise ValueError(f"the bands {missing} are missing; the cube has {list(cube['bands'].values)}")
    dates = pd.DatetimeIndex(cube["t"].values)
    if (np.diff(dates.year * 12 + dates.month) != 1).any():
        raise ValueError(f"t runs {dates[0]}..{dates[-1]} with {len(dates)} steps; give every month once, in order")
    fields = [cube.sel(bands=name).transpose("y", "x", "t").values for name in names]
    rows = response(
        fields[0],
        fields[1],
        dates.month.to_numpy(),
        largest_lag=int(context.get("largest_lag", LARGEST_LAG)),
        season=context.get("season"),
        fewest=int(context.get("fewest", FEWEST)),
    )
    coords = {"bands": list(BANDS)} | {dim: cube[dim] for dim in ("y", "x") if dim in cube.coords}
    return xr.DataArray(np.stack(rows).astype(np.float32), dims=("bands", "y", "x"), coords=coords)
