"""Which samples are held back together: at random, by blocks of ground, or by groups that are given."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from drylands_openeo.errors import DrylandsError

Folds = NDArray[np.intp]
"""The fold (0, 1, ...) of each sample."""


def random_folds(count: int, folds: int, *, seed: int = 0) -> Folds:
    """Folds of equal size, to one, in random order.

    >>> np.bincount(random_folds(10, 3)).tolist()
    [4, 3, 3]
    """
    _check(count, folds)
    return np.asarray(np.random.default_rng(seed).permutation(np.arange(count) % folds), np.intp)


def group_folds(groups: NDArray[Any], folds: int) -> Folds:
    """Whole groups, the largest first, each into the fold that is the smallest so far.

    >>> group_folds(np.array(["a", "a", "a", "b", "b", "c"]), 2).tolist()
    [0, 0, 0, 1, 1, 1]
    """
    names, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise DrylandsError(f"{len(names)} group of samples; validation by groups needs at least two")
    load, fold_of = np.zeros(min(folds, len(names)), int), np.empty(len(names), np.intp)
    for group in np.argsort(-sizes, kind="stable"):
        fold_of[group] = int(np.argmin(load))
        load[fold_of[group]] += sizes[group]
    return fold_of[codes]


def spatial_folds(metres: NDArray[np.float64], folds: int, *, block: float | None = None, seed: int = 0) -> Folds:
    """Folds of ground: square blocks with an edge of ``block`` [m], else ``folds`` compact clusters of the positions.

    >>> spatial_folds(np.array([[0.0, 0.0], [10.0, 0.0], [990.0, 0.0], [1000.0, 0.0]]), 2, block=500).tolist()
    [0, 0, 1, 1]
    """
    if block is not None:
        if block <= 0:
            raise DrylandsError(f"block: {block} [m]; it must be above 0")
        cells = np.floor((metres - metres.min(axis=0)) / block).astype(int)
        return group_folds(np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1), folds)
    distinct = len(np.unique(metres, axis=0))
    if distinct < 2:
        raise DrylandsError("all samples lie at one place; validation in space needs at least two")
    clusters = KMeans(min(folds, distinct), n_init=5, random_state=seed).fit_predict(metres)
    return np.asarray(clusters, np.intp)


def splits(folds: Folds) -> list[tuple[Folds, Folds]]:
    """(training indices, test indices) of every fold."""
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in np.unique(folds)]


def _check(count: int, folds: int) -> None:
    if not 2 <= folds <= count:
        raise DrylandsError(f"folds: {folds} of {count} samples; 2 to {count} are possible")
