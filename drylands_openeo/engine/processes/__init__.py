"""openEO processes as functions; importing this package registers them all."""

from drylands_openeo.engine.processes import load, math, neighborhood, resample, save, udf

__all__ = ["load", "math", "neighborhood", "resample", "save", "udf"]
