"""Fine pixels on any day: what a coarse daily sensor saw, and the difference to it that the fine sensor saw near by.

After EFAST (Senty et al. 2024, doi:10.3390/rs16111833): with F_i and C_i the fine and the smoothed coarse image
on the fine dates t_i, and s_i in 0..1 how far a pixel is from cloud,

    fused(t) = C(t) + sum_i w_i (F_i - C_i) / sum_i w_i,      w_i = exp(-(t - t_i)^2 / (2 sigma^2)) s_i

Unlike STARFM and its kin it needs no similar neighbours, so that every pixel stands for itself. Index first,
blend then: the images are of one vegetation index.
"""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]

DAY = np.timedelta64(1, "D")
FARTHEST = 4.0  # standard deviations; beyond it a weight is 0
ACCURACY = ("bias", "rmse", "r", "left_out")


def smoothed(coarse: ArrayLike, days: ArrayLike, at: ArrayLike, *, sigma: float) -> Array:
    """The coarse series (t, ...) of the ``days`` (t,), averaged with weights exp(-dt^2 / (2 sigma^2)) around ``at``.

    ``at`` (d,) [days]; NaN for no data, and where no value lies within 4 sigma. Returns (d, ...).

    >>> smoothed([[0.2], [0.4]], [0, 10], [5, 0, 99], sigma=5).round(4).ravel().tolist()
    [0.3, 0.2238, nan]
    """
    values, dtype = _floats(coarse)
    weights = _weights(days, at, sigma)
    known = ~np.isnan(values)
    return _mean(weights, np.where(known, values, 0), known.astype(np.float64)).astype(dtype)


def fuse(
    fine: ArrayLike,
    coarse: ArrayLike,
    days: ArrayLike,
    at: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    sigma: float = 20.0,
    smoothing: float = 10.0,
) -> Array:
    """The fused series (d, ...) on the days ``at`` (d,).

    ``fine`` and ``coarse`` (t, ...) on the same ``days`` (t,) [days], NaN where a sensor has no value; ``weight``
    (t, ...), s_i of the fine images, 1 by default. ``sigma`` and ``smoothing`` [days] of the weights of the fine and of
    the coarse images. NaN where no fine image lies within 4 sigma, or no coarse one.

    >>> found = fuse([[0.5], [np.nan], [0.7]], [[0.3], [0.4], [0.5]], [0, 30, 60], [30], sigma=20, smoothing=1)
    >>> found.round(3).tolist()
    [[0.6]]
    """
    (high, dtype), (low, _) = _floats(fine), _floats(coarse)
    moments, wanted = np.asarray(days, np.float64), np.asarray(at, np.float64)
    if high.shape != low.shape or moments.shape != high.shape[:1]:
        raise ValueError(
            f"fine {high.shape} and coarse {low.shape} must have one shape (t, ...), and days {len(moments)}"
        )
    difference, share = _differences(high, low, moments, weight, smoothing)
    background = smoothed(low, moments, wanted, sigma=smoothing)
    return (background + _mean(_weights(moments, wanted, sigma), difference * share, share)).astype(dtype)


def accuracy(
    fine: ArrayLike,
    coarse: ArrayLike,
    days: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    sigma: float = 20.0,
    smoothing: float = 10.0,
) -> dict[str, Array]:
    """How well each fine image is told from all others (leave one out), pixel by pixel; arguments as of `fuse`.

    Returns arrays (...): ``bias`` (fused less observed) and ``rmse`` in units of the index, ``r``, and ``left_out``,
    the number of images compared; NaN where there are fewer than 1 (bias, rmse) or 3 (r).
    """
    (high, dtype), (low, _) = _floats(fine), _floats(coarse)
    moments = np.asarray(days, np.float64)
    difference, share = _differences(high, low, moments, weight, smoothing)
    weights = _weights(moments, moments, sigma)
    np.fill_diagonal(weights, 0)
    told = smoothed(low, moments, moments, sigma=smoothing) + _mean(weights, difference * share, share)
    both = np.isfinite(told) & np.isfinite(high) & (share > 0)
    count = both.sum(axis=0)
    a, b = (np.where(both, values, 0) for values in (told, high))
    with np.errstate(invalid="ignore", divide="ignore"):
        bias = (a - b).sum(axis=0) / count
        rmse = np.sqrt(((a - b) ** 2).sum(axis=0) / count)
        da, db = (np.where(both, values - values.sum(axis=0) / count, 0) for values in (a, b))
        r = (da * db).sum(axis=0) / np.sqrt((da**2).sum(axis=0) * (db**2).sum(axis=0))
    found = (bias, rmse, np.where(count < 3, np.nan, r), count)
    return {name: values.astype(dtype) for name, values in zip(ACCURACY, found, strict=True)}


def _differences(
    high: Array, low: Array, days: Array, weight: ArrayLike | None, smoothing: float
) -> tuple[Array, Array]:
    """Fine less smoothed coarse (0 where unknown), and the share with which each counts (0 where unknown)."""
    near = np.flatnonzero(np.isfinite(high).reshape(len(high), -1).any(axis=1))
    difference = np.full(high.shape, np.nan)
    difference[near] = high[near] - smoothed(low, days, days[near], sigma=smoothing)
    share = np.isfinite(difference).astype(np.float64)
    if weight is not None:
        share *= np.clip(np.nan_to_num(np.asarray(weight, np.float64)), 0, 1)
    return np.where(share > 0, difference, 0.0), share


def _weights(days: ArrayLike, at: ArrayLike, sigma: float) -> Array:
    """(d, t): of each day for each moment wanted."""
    if not sigma > 0:
        raise ValueError(f"sigma must be a number of days above 0, not {sigma!r}")
    apart = (np.asarray(at, np.float64)[:, np.newaxis] - np.asarray(days, np.float64)) / sigma
    weights: Array = np.where(np.abs(apart) <= FARTHEST, np.exp(-(apart**2) / 2), 0.0)
    return weights


def _mean(weights: Array, total: Array, share: Array) -> Array:
    """sum of weights x total over sum of weights x share, along the first axis; NaN where nothing counts."""
    above, below = (np.tensordot(weights, values, axes=(1, 0)) for values in (total, share))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = np.where(below > 0, above / below, np.nan)
    return mean


def _floats(series: ArrayLike) -> tuple[Array, np.dtype[Any]]:
    """float64 values, and the type of the results: float32 if the series is, else float64."""
    array = np.asarray(series)
    if array.ndim == 0 or array.dtype.kind not in "fiu":
        raise ValueError(f"a series must be numbers of the shape (t, ...), not {array.dtype} {array.shape}")
    narrow = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    return array.astype(np.float64, copy=False), np.dtype(np.float32 if narrow else np.float64)


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """A cube (t, bands, y, x) with the bands ``fine``, ``coarse`` and, if any, ``weight``, fused.

    Context: sigma (20), smoothing (10) [days]; ``dates`` (ISO 8601) gives (t, bands = ["fused"], y, x) on those dates,
    ``accuracy`` true gives (bands, y, x): bias, rmse, r, left_out.
    """
    labels = [str(label) for label in cube["bands"].values]
    if not {"fine", "coarse"} <= set(labels):
        raise ValueError(f"the bands must include 'fine' and 'coarse', not {labels}")
    values = cube.transpose("bands", "t", "y", "x").values
    fine, coarse = (values[labels.index(name)] for name in ("fine", "coarse"))
    days = pd.DatetimeIndex(cube["t"].values).to_numpy()
    origin = days.min()
    options: dict[str, Any] = {name: float(context[name]) for name in ("sigma", "smoothing") if name in context}
    options["weight"] = values[labels.index("weight")] if "weight" in labels else None
    place = {axis: cube[axis] for axis in ("y", "x") if axis in cube.coords}
    if context.get("accuracy", False):
        found = accuracy(fine, coarse, (days - origin) / DAY, **options)
        bands = np.stack([layer.astype(np.float32) for layer in found.values()])
        return xr.DataArray(bands, dims=("bands", "y", "x"), coords={"bands": list(found)} | place)
    if not context.get("dates"):
        raise ValueError(f"the context must hold 'dates' or 'accuracy'; it has {sorted(context)}")
    dates = pd.DatetimeIndex([pd.Timestamp(text).tz_localize(None) for text in context["dates"]])
    fused = fuse(fine, coarse, (days - origin) / DAY, (dates.to_numpy() - origin) / DAY, **options)
    coords = {"t": dates, "bands": ["fused"]} | place
    return xr.DataArray(fused[:, np.newaxis].astype(np.float32), dims=("t", "bands", "y", "x"), coords=coords)
