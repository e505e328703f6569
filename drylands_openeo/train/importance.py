"""Which predictors matter, those that carry the same news taken together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from drylands_openeo.train.folds import Folds, splits

Floats = NDArray[np.float64]

ALIKE = 0.9
"""Rank correlation from which predictors are permuted together."""

SAME = 1 - 1e-6
"""Correlation from which two predictors are one."""

REPEATS = 5


@dataclass(frozen=True)
class Group:
    """Predictors of one group and how much RMSE grows (in its own unit) when they are shuffled together."""

    predictors: tuple[str, ...]
    increase: float


def collinear_groups(predictors: Floats, *, threshold: float = ALIKE) -> list[list[int]]:
    """Columns whose mean rank correlation (of either sign) reaches the threshold; a constant one stands alone.

    >>> x = np.arange(20.0); other = np.tile([0.0, 1.0], 10)
    >>> collinear_groups(np.column_stack([x, x**2, other]))
    [[0, 1], [2]]
    """
    columns = predictors.shape[1]
    if columns == 1:
        return [[0]]
    distance = 1 - np.abs(_correlation(rankdata(predictors, axis=0)))
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(np.maximum(distance, 0), checks=False), "average")
    labels = fcluster(tree, 1 - threshold, "distance")
    return sorted([np.flatnonzero(labels == label).tolist() for label in np.unique(labels)])


def permutation_importance(
    models: Sequence[Any], folds: Folds, predictors: Floats, target: Floats, names: Sequence[str], *, seed: int = 0
) -> list[Group]:
    """Groups by the increase of RMSE on held-back samples, the greatest first."""
    random = np.random.default_rng(seed)
    groups = collinear_groups(predictors)
    squared, base = np.zeros(len(groups)), 0.0
    for model, (_, test) in zip(models, splits(folds), strict=True):
        base += float(np.sum((model.predict(predictors[test]) - target[test]) ** 2))
        for number, group in enumerate(groups):
            for _ in range(REPEATS):
                shuffled = predictors[test].copy()
                shuffled[:, group] = shuffled[random.permutation(len(test))][:, group]
                squared[number] += float(np.sum((model.predict(shuffled) - target[test]) ** 2)) / REPEATS
    count = len(target)
    increases = np.sqrt(squared / count) - np.sqrt(base / count)
    found = [
        Group(tuple(names[column] for column in group), float(increase))
        for group, increase in zip(groups, increases, strict=True)
    ]
    return sorted(found, key=lambda group: -group.increase)


def weights(groups: Sequence[Group], names: Sequence[str]) -> Floats:
    """A weight (p,) >= 0 for each predictor: its share of its group's increase; all 1 where none helps.

    >>> weights([Group(("a", "b"), 0.4), Group(("c",), -0.1)], ["a", "b", "c"]).tolist()
    [0.2, 0.2, 0.0]
    """
    of = {name: max(group.increase, 0.0) / len(group.predictors) for group in groups for name in group.predictors}
    found = np.array([of[name] for name in names])
    return found if found.any() else np.ones(len(names))


def variance_inflation(predictors: Floats) -> Floats:
    """1 / (1 - R2) of each column regressed on the others; infinite where these determine it.

    >>> x = np.arange(6.0); y = np.array([1.0, -1.0, 1.0, 1.0, -1.0, 2.0])
    >>> variance_inflation(np.column_stack([x, 2 * x + 1, y])).round(2).tolist()[:2]
    [inf, inf]
    """
    found = np.empty(predictors.shape[1])
    for column in range(predictors.shape[1]):
        others = np.column_stack([np.ones(len(predictors)), np.delete(predictors, column, axis=1)])
        spread = others.std(axis=0)
        spread[spread == 0] = 1
        value = predictors[:, column]
        fit, *_ = np.linalg.lstsq(others / spread, value, rcond=None)
        left, total = np.sum((value - others / spread @ fit) ** 2), np.sum((value - value.mean()) ** 2)
        found[column] = np.inf if left <= 1e-9 * total else total / left
    return found


def twins(predictors: Floats, names: Sequence[str]) -> list[str]:
    """Sentences about predictors that are one variable on two scales."""
    same = np.abs(_correlation(predictors)) >= SAME
    said = []
    for first, second in zip(*np.nonzero(np.triu(same, 1)), strict=True):
        pair = {names[first], names[second]}
        because = (
            ": reip = 704.1 + 1.04 (s2rep - 705) by definition"
            if {name.split("_")[-1] for name in pair} == {"reip", "s2rep"}
            else ""
        )
        said.append(f"{names[first]} and {names[second]} are the same variable{because}. Leave one out.")
    return said


def _correlation(values: Floats) -> Floats:
    centred = values - values.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    norm[norm == 0] = np.inf
    return np.asarray((centred / norm).T @ (centred / norm))
