"""What a trend of vegetation is ascribed to: the share that a model of the climate explains, and the share that it does
not, by the signs of three slopes (the six-case rule, held as data in the project's table `drivers`).

residual = observed - predicted; some papers have it the other way round. What the climate does not explain is not
therefore human: carbon dioxide, fire, pests, neighbours and the error of the model are in it too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtrc

Array = NDArray[np.floating[Any]]

BLOCK = 1 << 15  # pixels
FLAT = 1e-12  # a share of a sum of squares below this is rounding
NO_TREND, IMPOSSIBLE, INDETERMINATE = 0, 7, 8
SLOPES = ("slope_observed", "slope_predicted", "slope_residual")


def predict(observed: ArrayLike, climate: Sequence[ArrayLike]) -> dict[str, Array]:
    """What the climate explains of a series, by least squares with an intercept, pixel by pixel.

    ``observed`` (..., years) and each of ``climate``, of the same shape; NaN for no data: a year counts where all are
    known. Predictors that do not vary, or that others make up, explain nothing more. Returns ``predicted``
    (..., years), NaN where a year does not count, ``r2`` and ``p`` (...), the F test of all predictors together. Fewer
    years than predictors and 2 are NaN.

    >>> found = predict([1.0, 3.0, 2.0, 5.0], [[1.0, 2.0, 1.0, 3.0]])
    >>> found["predicted"].round(3).tolist(), round(float(found["r2"]), 3)
    ([1.455, 3.182, 1.455, 4.909], 0.938)
    """
    y, dtype = _floats(observed)
    x = np.stack([np.broadcast_to(_floats(one)[0], y.shape) for one in climate], axis=-2)
    known = ~(np.isnan(y) | np.isnan(x).any(axis=-2))
    shape, count = y.shape[:-1], x.shape[-2]
    years = known.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        dy, dx = _centred(y, known), _centred(x, known[..., np.newaxis, :])
        spread = np.sqrt((dx**2).sum(axis=-1, keepdims=True))
        level = np.abs(np.where(known[..., np.newaxis, :], x, 0)).max(axis=-1, keepdims=True)
        dx = np.where(spread > FLAT * level, dx / spread, 0.0)
        gram = dx @ np.swapaxes(dx, -1, -2)
        weights = np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ (dx @ dy[..., np.newaxis])
        fitted = (weights * dx).sum(axis=-2)
        total, left = (dy**2).sum(axis=-1), ((dy - fitted) ** 2).sum(axis=-1)
        explained = np.where(total > 0, 1 - left / total, 0.0)
        free = years - count - 1
        p = fdtrc(count, free, np.maximum(explained, 0) / count * free / np.maximum(1 - explained, FLAT))
        mean = np.where(known, y, 0).sum(axis=-1, keepdims=True) / years[..., np.newaxis]
    enough = free > 0
    predicted = np.where(known & enough[..., np.newaxis], mean + fitted, np.nan)
    r2, p = (np.where(enough, values, np.nan).reshape(shape) for values in (explained, np.where(total > 0, p, 1.0)))
    return {"predicted": predicted.astype(dtype), "r2": r2.astype(dtype), "p": p.astype(dtype)}


def attribute(
    observed: ArrayLike, predicted: ArrayLike, years: ArrayLike, table: Mapping[str, Any], *, alpha: float = 0.05
) -> dict[str, NDArray[Any]]:
    """To what the trend of ``observed`` is ascribed, given what was ``predicted``; both (..., years), NaN for no data.

    Slopes are of least squares over the years in which both are known, so that those of the predicted and of the
    residual add up to that of the observed. ``table`` holds ``drivers``: rows {"value", "observed", "predicted",
    "residual": sign, "climate": percent or "share"}. Returns arrays (...):

    - ``slope_observed``, ``slope_predicted``, ``slope_residual`` [units year-1]; ``p``: t test of the observed slope
    - ``driver``: the value of the row of the three signs (a slope of 0 is of the other sign than the observed one);
      0 where the trend is not significant at ``alpha``, 7 where the signs are in no row; -1 for fewer than 3 years
    - ``climate``, ``unexplained`` [%]: they add up to 100; NaN where no row holds

    >>> table = {"drivers": [{"value": 4, "observed": -1, "predicted": -1, "residual": -1, "climate": "share"}]}
    >>> found = attribute([9.0, 7.0, 5.0, 3.1], [5.0, 4.5, 4.0, 3.5], range(2001, 2005), table)
    >>> int(found["driver"]), float(found["climate"].round(1)), float(found["unexplained"].round(1))
    (4, 25.4, 74.6)
    """
    (y, dtype), (model, _) = _floats(observed), _floats(predicted)
    time = np.asarray(years, dtype=np.float64)
    if y.shape != model.shape or time.shape != y.shape[-1:]:
        raise ValueError(
            f"observed {y.shape} and predicted {model.shape} must have one shape (..., years), and years {time.shape} "
            "one value each"
        )
    known = ~(np.isnan(y) | np.isnan(model))
    count = known.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = _centred(np.broadcast_to(time, y.shape), known)
        power = (t**2).sum(axis=-1)
        so, sp = ((t * np.where(known, series, 0)).sum(axis=-1) / power for series in (y, model))
        dy = _centred(y, known)
        total = (dy**2).sum(axis=-1)
        left = np.maximum(total - so**2 * power, 0)
        free = count - 2
        p = np.where(total > 0, fdtrc(1, free, so**2 * power * free / np.maximum(left, FLAT * total)), 1.0)
        sr = so - sp
        driver, climate = _judge(so, sp, sr, table)
        driver = np.where(p > alpha, NO_TREND, driver)
        climate = np.where(p > alpha, np.nan, climate)
    few = count < 3
    found = dict(zip((*SLOPES, "p", "climate", "unexplained"), (so, sp, sr, p, climate, 100 - climate), strict=True))
    maps: dict[str, NDArray[Any]] = {name: np.where(few, np.nan, value).astype(dtype) for name, value in found.items()}
    return maps | {"driver": np.where(few, -1, driver).astype(np.int8)}


def _judge(so: Array, sp: Array, sr: Array, table: Mapping[str, Any]) -> tuple[NDArray[Any], Array]:
    """Row of the table and percent of the climate, whatever the significance."""
    signs = [np.where(slope == 0, -np.sign(so), np.sign(slope)) for slope in (so, sp, sr)]
    driver, climate = np.full(so.shape, IMPOSSIBLE), np.full(so.shape, np.nan)
    for row in table["drivers"]:
        names = ("observed", "predicted", "residual")
        here = np.logical_and.reduce([sign == row[name] for sign, name in zip(signs, names, strict=True)])
        driver = np.where(here, row["value"], driver)
        climate = np.where(here, 100 * sp / so if row["climate"] == "share" else float(row["climate"]), climate)
    return driver, climate


def _centred(series: Array, known: NDArray[np.bool_]) -> Array:
    """Less its mean over the years known; 0 in the others."""
    mean = np.where(known, series, 0).sum(axis=-1, keepdims=True) / known.sum(axis=-1, keepdims=True)
    centred: Array = np.where(known, series - mean, 0.0)
    return centred


def _floats(series: ArrayLike) -> tuple[Array, np.dtype[Any]]:
    """float64 values, and the type of the results: float32 if the series is, else float64."""
    array = np.asarray(series)
    if array.ndim == 0 or array.dtype.kind not in "fiu":
        raise ValueError(f"a series must be numbers of the shape (..., years), not {array.dtype} {array.shape}")
    narrow = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    return array.astype(np.float64, copy=False), np.dtype(np.float32 if narrow else np.float64)


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """Drivers of an annual cube (t, bands, y, x) -> (bands, y, x).

    Band ``observed`` (the first, whatever its name); ``predicted``, where somebody else's model is given; otherwise all
    other bands are predictors. Context: table, alpha (0.05), model_alpha (0.05). Bands out: driver (8 where the model
    is not significant), climate, unexplained, the three slopes, p, model_r2, model_p (1 and 0 of a model given).
    """
    if "table" not in context:
        raise ValueError(f"the context must hold the table of drivers as 'table'; it has {sorted(context)}")
    labels = [str(label) for label in cube["bands"].values]
    if len(labels) < 2:
        raise ValueError(f"the bands must be the observed one and a predictor at least, not {labels}")
    values = cube.transpose("bands", "y", "x", "t").values
    if "predicted" in labels:
        model = values[labels.index("predicted")]
        quality = {"model_r2": np.ones(model.shape[:-1]), "model_p": np.zeros(model.shape[:-1])}
    else:
        fitted = predict(values[0], list(values[1:]))
        model, quality = fitted["predicted"], {"model_r2": fitted["r2"], "model_p": fitted["p"]}
    years = pd.DatetimeIndex(cube["t"].values).year.to_numpy()
    found = attribute(values[0], model, years, context["table"], alpha=float(context.get("alpha", 0.05)))
    driver, failed = found.pop("driver").astype(float), quality["model_p"] > float(context.get("model_alpha", 0.05))
    driver = np.where(failed & (driver != NO_TREND), INDETERMINATE, driver)
    maps = {"driver": np.where(np.isnan(found["slope_observed"]), np.nan, driver)}
    for name in ("climate", "unexplained"):
        maps[name] = np.where(driver == INDETERMINATE, np.nan, found[name])
    maps |= {name: found[name] for name in (*SLOPES, "p")} | quality
    bands = np.stack([layer.astype(np.float32) for layer in maps.values()])
    coords = {"bands": list(maps)} | {axis: cube[axis] for axis in ("y", "x") if axis in cube.coords}
    return xr.DataArray(bands, dims=("bands", "y", "x"), coords=coords)
