"""How good predictions are, and what that means in plain words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LARGE_DROP = 0.1
"""How much less R2 in space than at random is worth a warning."""


@dataclass(frozen=True)
class Metrics:
    """Of out-of-fold predictions. ``bias``: mean of predicted - observed; ``rpd``: sd(observed) / RMSE."""

    r2: float
    rmse: float
    mae: float
    bias: float
    rpd: float
    count: int

    @classmethod
    def of(cls, observed: ArrayLike, predicted: ArrayLike) -> "Metrics":
        """All folds pooled; R2 = 1 - SSE / SST.

        >>> found = Metrics.of([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
        >>> found.r2, round(found.rmse, 4), round(found.bias, 4), round(found.rpd, 4)   # errors 0, 0, 1
        (0.5, 0.5774, 0.3333, 1.7321)
        """
        truth, found = np.asarray(observed, float), np.asarray(predicted, float)
        error = found - truth
        rmse = float(np.sqrt(np.mean(error**2)))
        spread = float(np.sum((truth - truth.mean()) ** 2))
        r2 = 1 - float(np.sum(error**2)) / spread if spread else float("nan")
        rpd = float(truth.std(ddof=1)) / rmse if rmse else float("inf")
        return cls(r2, rmse, float(np.abs(error).mean()), float(error.mean()), rpd, len(truth))

    @property
    def fails(self) -> bool:
        """Whether the mean of the training data would do as well."""
        return not (self.r2 > 0 and self.rpd >= 1)


def findings(random: Metrics, spatial: Metrics | None) -> list[str]:
    """What must be said about a model, the gravest first."""
    if spatial is None:
        return [
            "NOT VALIDATED IN SPACE: the samples have neither positions nor groups. Random folds flatter a model whose "
            "samples lie close together; do not quote their R2 for a map."
        ]
    said = []
    if spatial.fails:
        said.append(
            f"FAILS UNDER SPATIAL VALIDATION: R2 = {spatial.r2:.2f}, RPD = {spatial.rpd:.2f}. Away from its "
            "samples the model is no better than their mean. Do not make a map with it."
        )
    if random.r2 - spatial.r2 > LARGE_DROP:
        said.append(
            f"Random folds flatter: R2 = {random.r2:.2f} at random, {spatial.r2:.2f} in space. The second is "
            "what a map between and beyond the samples can be expected to reach."
        )
    return said
