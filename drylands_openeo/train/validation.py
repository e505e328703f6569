"""Cross-validation with the tuning inside: what is held back is never seen, not even to choose settings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from drylands_openeo.train.estimators import Grid
from drylands_openeo.train.folds import Folds, group_folds, random_folds, splits
from drylands_openeo.train.metrics import Metrics

Floats = NDArray[np.float64]

INNER = 3
"""Folds inside a training set, for tuning."""


@dataclass(frozen=True)
class Validation:
    """Out-of-fold ``predicted`` (n,) and ``residuals`` (observed - predicted), and the model of each fold."""

    kind: str
    folds: Folds
    predicted: Floats
    residuals: Floats
    metrics: Metrics
    models: tuple[Any, ...]


def validate(
    predictors: Floats, target: Floats, folds: Folds, *, kind: str, estimator: Any, grid: Grid, grouped: bool
) -> Validation:
    """Each fold predicted by a model that was tuned and fitted on the others.

    ``grouped``: tuning too keeps the folds' samples together, as it must where these are what a map is made beyond.
    """
    predicted, models = np.empty(len(target)), []
    for train, test in splits(folds):
        model = tuned(predictors[train], target[train], folds[train] if grouped else None, estimator, grid)
        predicted[test] = model.predict(predictors[test])
        models.append(model)
    metrics = Metrics.of(target, predicted)
    return Validation(kind, folds, predicted, target - predicted, metrics, tuple(models))


def tuned(predictors: Floats, target: Floats, groups: Folds | None, estimator: Any, grid: Grid) -> Any:
    """The estimator fitted with the settings of the grid that predict best in inner folds."""
    model = clone(estimator)
    if not grid:
        return model.fit(predictors, target)
    many = groups is not None and len(np.unique(groups)) > 1
    inner = group_folds(groups, INNER) if groups is not None and many else random_folds(len(target), INNER)
    search = GridSearchCV(model, dict(grid), scoring="neg_mean_squared_error", cv=splits(inner))
    return search.fit(predictors, target).best_estimator_
