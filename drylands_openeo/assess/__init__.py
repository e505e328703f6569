"""One TOML file -> the whole chain of degradation products, tables of areas, and how far the methods agree."""

from drylands_openeo.assess.run import CLASSES, Outcome, assess
from drylands_openeo.assess.settings import Settings

__all__ = ["CLASSES", "Outcome", "Settings", "assess"]
