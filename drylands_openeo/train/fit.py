"""From samples to a model that can be put on a map, with what must be known about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drylands_openeo.model import checked
from drylands_openeo.samples import Samples
from drylands_openeo.train.applicability import area_of_applicability, half_width
from drylands_openeo.train.card import card, text
from drylands_openeo.train.estimators import estimator
from drylands_openeo.train.export import exported
from drylands_openeo.train.folds import Folds, group_folds, random_folds, spatial_folds
from drylands_openeo.train.importance import permutation_importance, twins, variance_inflation, weights
from drylands_openeo.train.metrics import findings
from drylands_openeo.train.validation import Validation, tuned, validate


@dataclass(frozen=True)
class Trained:
    """The ``document`` that products take, the ``card``, the validations (random first), and scikit-learn's model."""

    document: Mapping[str, Any]
    card: Mapping[str, Any]
    validations: tuple[Validation, ...]
    fitted: Any

    def save(self, folder: Path | str, name: str) -> dict[str, Path]:
        """Write ``name``.model.json, ``name``.card.json and ``name``.card.md; the paths by what they are."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        contents = {
            "model": json.dumps(self.document),
            "card": json.dumps(self.card, indent=2),
            "text": text(self.card),
        }
        endings = {"model": "model.json", "card": "card.json", "text": "card.md"}
        paths = {what: folder / f"{name}.{ending}" for what, ending in endings.items()}
        for what, path in paths.items():
            path.write_text(contents[what], "utf-8")
        return paths


def train(
    samples: Samples,
    *,
    target: str,
    unit: str = "1",
    model: str = "rf",
    log: bool = False,
    folds: int = 10,
    block: float | None = None,
    level: float = 0.9,
    trees: int = 200,
    seed: int = 0,
) -> Trained:
    """Validate by random folds and, by groups or positions, in space; then fit all samples.

    ``samples.target`` is on the model's scale already (``log``). Space comes from given groups, else from ``block`` [m]
    or compact clusters. Importance, area of applicability and intervals rest on the folds in space where there are any.
    """
    names = [str(name) for name in samples.predictors.columns]
    values = samples.predictors.to_numpy(np.float32).astype(np.float64)  # as pixels will be
    chosen, grid = estimator(model, trees=trees, seed=seed)
    schemes = _schemes(samples, folds, block, seed)
    validations = tuple(
        validate(values, samples.target, scheme, kind=kind, estimator=chosen, grid=grid, grouped=kind != "random")
        for kind, scheme in schemes.items()
    )
    last = validations[-1]
    fitted = tuned(values, samples.target, last.folds if len(schemes) > 1 else None, chosen, grid)
    importance = permutation_importance(last.models, last.folds, values, samples.target, names, seed=seed)
    document = checked(
        {
            **exported(model, fitted, values),
            "target": target,
            "unit": unit,
            "predictors": names,
            "log": log,
            "interval": half_width(last.residuals, level),
            "level": level,
            "applicability": area_of_applicability(values, weights(importance, names), last.folds),
        }
    )
    said = findings(validations[0].metrics, validations[1].metrics if len(validations) > 1 else None)
    described = card(
        samples,
        model=model,
        settings=_settings(fitted, grid),
        document=document,
        validations=validations,
        importance=importance,
        inflation=dict(zip(names, variance_inflation(values).tolist(), strict=True)),
        findings=[*said, *twins(values, names)],
    )
    return Trained(document, described, validations, fitted)


def _schemes(samples: Samples, folds: int, block: float | None, seed: int) -> dict[str, Folds]:
    schemes = {"random": random_folds(len(samples), min(folds, len(samples)), seed=seed)}
    positions: NDArray[np.float64] | None = samples.metres
    if samples.groups is not None:
        schemes["groups"] = group_folds(samples.groups, folds)
    elif positions is not None:
        kind = "spatial clusters" if block is None else f"blocks of {block:g} m"
        schemes[kind] = spatial_folds(positions, folds, block=block, seed=seed)
    return schemes


def _settings(fitted: Any, grid: Mapping[str, Any]) -> dict[str, Any]:
    parameters = fitted.get_params()
    return {name: parameters[name] for name in (*grid, *(("n_estimators",) if "n_estimators" in parameters else ()))}
