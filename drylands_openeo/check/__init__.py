"""What a graph gets wrong, known before it is sent and costs credits.

>>> from drylands_openeo.profiles import get_profile
>>> graph = {"mean1": {"process_id": "mean", "arguments": {"dta": [1, 2]}, "result": True}}
>>> for finding in check(graph, get_profile("cdse")):
...     print(finding)
error mean1: 'mean' has no argument 'dta' [argument.unknown]
error mean1: 'mean' misses 'data' [argument.missing]
"""

from collections.abc import Mapping
from typing import Any

from drylands_openeo.check import arguments, cubes, loads, neighborhood, processes, size, structure, udf, values
from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.scopes import read
from drylands_openeo.check.size import Load, Size
from drylands_openeo.profiles import Profile

__all__ = ["RULES", "Finding", "Load", "Rule", "Size", "check", "size_of"]

_PARTS = (structure, processes, arguments, loads, cubes, values, udf, neighborhood, size)

RULES: Mapping[str, Rule] = {rule.id: rule for part in _PARTS for rule in part.RULES}
"""Everything that is looked for."""

_CHECKS = (
    structure.check_structure,
    processes.check_processes,
    arguments.check_arguments,
    loads.check_loads,
    cubes.check_cubes,
    udf.check_udfs,
    neighborhood.check_neighborhoods,
    size.check_size,
)


def check(graph: Mapping[str, Any], profile: Profile) -> list[Finding]:
    """What is wrong with a flat graph, a user-defined process or the body of a job, errors first.

    Nothing is sent anywhere and no part of the graph is run, its functions' texts neither.
    """
    subject = read(graph, profile)
    found = [finding for part in _CHECKS for finding in part(subject)]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.severity == "warning")


def size_of(graph: Mapping[str, Any], profile: Profile) -> Size:
    """How many pixels a graph reads at the back-end, and what that costs."""
    return size.estimate(read(graph, profile))
