"""openEO process graphs, evaluated on this machine tile by tile."""

from drylands_openeo.engine import processes
from drylands_openeo.engine.environment import Environment
from drylands_openeo.engine.graph import Graph, Program
from drylands_openeo.engine.plan import Plan
from drylands_openeo.engine.source import Extent, Layer, Source

__all__ = ["Environment", "Extent", "Graph", "Layer", "Plan", "Program", "Source", "processes"]
