"""openEO processes as functions; importing this package registers them all."""

from drylands_openeo.engine.processes import math

__all__ = ["math"]
