"""Regressions of soil carbon, biomass and their like: honest validation, and models as data. Needs scikit-learn."""

from drylands_openeo.train.estimators import MODELS
from drylands_openeo.train.fit import Trained, train
from drylands_openeo.train.metrics import Metrics

__all__ = ["MODELS", "Metrics", "Trained", "train"]
