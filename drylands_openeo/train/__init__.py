"""Regressions of soil carbon, biomass and their like: samples, honest validation, and models as data."""

from drylands_openeo.train.estimators import MODELS
from drylands_openeo.train.fit import Trained, train
from drylands_openeo.train.metrics import Metrics
from drylands_openeo.train.table import Samples, read_table, samples_of

__all__ = ["MODELS", "Metrics", "Samples", "Trained", "read_table", "samples_of", "train"]
