"""The official cases on our engine: each case is a graph of one node."""

from typing import Any

import xarray as xr
from cases import Case, Decoder, differs

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.processes.labels import kind
from drylands_openeo.errors import GraphError

DECODE = Decoder()


def run(case: Case) -> str | None:
    """What is wrong with our result of a case, or None."""
    throws, returns = case.expected.get("throws"), "returns" in case.expected
    try:
        found = _evaluate(case)
    except FileNotFoundError as error:
        return f"the case needs {error.filename}"
    except GraphError as error:
        if throws is True or (throws and throws == error.code):
            return None
        return f"raises {error.code}: {error}"
    if not returns:
        return f"{found!r} instead of {throws}"
    expected = case.expected["returns"]
    datetimes = isinstance(expected, dict) and expected.get("type") == "datetime"
    decoded = expected if datetimes else KEEP_DATES(expected, case.folder)
    return differs(found, decoded, case) or _kinds_differ(found, decoded)


KEEP_DATES = Decoder(datetime=lambda text: {"type": "datetime", "value": text})


def _kinds_differ(found: Any, expected: Any) -> str | None:
    """Cubes: the types of the dimensions, too."""
    if not isinstance(expected, xr.DataArray):
        return None
    wanted = {name: expected.coords[name].attrs["type"] for name in expected.dims}
    kinds = {name: kind(found, str(name)) for name in found.dims}
    return None if kinds == wanted else f"dimension types {kinds} instead of {wanted}"


def _evaluate(case: Case) -> Any:
    """Callbacks stay in the graph; every other argument comes in as a parameter, decoded."""
    callbacks = {
        name: value for name, value in case.arguments.items() if isinstance(value, dict) and "process_graph" in value
    }
    values = {name: DECODE(value, case.folder) for name, value in case.arguments.items() if name not in callbacks}
    arguments = {**callbacks, **{name: {"from_parameter": name} for name in values}}
    graph = {"case": {"process_id": case.process, "arguments": arguments, "result": True}}
    return Plan(Program.parse(graph), Environment(), values).evaluate()
