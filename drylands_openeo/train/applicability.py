"""Where the training data speak for a prediction: the area of applicability, and intervals from held-back errors."""

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from drylands_openeo.errors import DrylandsError
from drylands_openeo.train.folds import Folds

Floats = NDArray[np.float64]


def area_of_applicability(predictors: Floats, weights: Floats, folds: Folds) -> dict[str, Any]:
    """What ``dissimilarity`` in udf/regression.py needs, by Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650.

    Predictors (n, p) are centred, divided by their standard deviation (n - 1) and multiplied by their weights. Each
    training sample's index is its distance to the nearest sample of another fold over the mean of all samples' mean
    distances; the threshold is the upper quartile + 1.5 interquartile ranges of these, at most their maximum.
    """
    mean, spread = predictors.mean(axis=0), predictors.std(axis=0, ddof=1)
    scale = np.divide(weights, spread, out=np.zeros_like(spread), where=spread > 0)
    train = (predictors - mean) * scale
    distance = cdist(train, train)
    np.fill_diagonal(distance, np.nan)
    average = float(np.nanmean(distance))
    if not average > 0:
        raise DrylandsError("all samples have the same predictors: there is nothing to tell places apart by")
    others = np.where(folds[:, None] == folds[None, :], np.nan, distance)
    index = np.nanmin(others, axis=1) / average
    low, high = np.quantile(index, [0.25, 0.75])
    threshold = min(high + 1.5 * (high - low), index.max())
    return {
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "train": base64.b64encode(train.astype("<f4").tobytes()).decode(),
        "distance": average,
        "threshold": float(threshold),
    }


def half_width(residuals: Floats, level: float) -> float:
    """Half the width of the interval that holds ``level`` of new values: a quantile of held-back absolute errors.

    The ceil((n + 1) level)-th smallest of n, the largest where there are too few. With the model refitted on all
    samples this is cross-conformal in its simplest form (after Barber et al. 2021,
    doi:10.1214/20-AOS1965): it covers about ``level`` of places that are as far from the samples as the folds are from
    each other; there is no guarantee.

    >>> half_width(np.array([0.1, -0.2, 0.3, -0.4]), 0.6)
    0.3
    """
    if not 0 < level < 1:
        raise DrylandsError(f"level: {level}; it must lie between 0 and 1")
    errors = np.sort(np.abs(residuals))
    return float(errors[min(math.ceil((len(errors) + 1) * level), len(errors)) - 1])
