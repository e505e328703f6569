"""The official cases on our engine: each case is a graph of one node."""

from typing import Any

from cases import Case, Decoder, differs

from drylands_openeo.engine import Environment, Plan, Program
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
    return differs(found, expected if datetimes else KEEP_DATES(expected, case.folder), case)


KEEP_DATES = Decoder(datetime=lambda text: {"type": "datetime", "value": text})


def _evaluate(case: Case) -> Any:
    """Callbacks stay in the graph; every other argument comes in as a parameter, decoded."""
    callbacks = {
        name: value for name, value in case.arguments.items() if isinstance(value, dict) and "process_graph" in value
    }
    values = {name: DECODE(value, case.folder) for name, value in case.arguments.items() if name not in callbacks}
    arguments = {**callbacks, **{name: {"from_parameter": name} for name in values}}
    graph = {"case": {"process_id": case.process, "arguments": arguments, "result": True}}
    return Plan(Program.parse(graph), Environment(), values).evaluate()
