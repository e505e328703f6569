"""What is to be computed at a back-end: a graph with every value in it, and how its result is called."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from drylands_openeo.area import Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.flatgraph import is_callback, is_reference
from drylands_openeo.product import OutputBand
from drylands_openeo.specifications import specification

Graph = Mapping[str, Any]
EXTENT = "spatial_extent"


@dataclass(frozen=True)
class Request:
    """One result: the files ``name``.*.

    ``graph``: flat, without open parameters. ``arguments``: what it was made with. ``bands``: described where somebody
    did. ``options``: job options of the back-end. ``format``: GTiff or netCDF, where the graph does not say.
    """

    graph: Graph
    name: str
    title: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bands: Sequence[OutputBand] = ()
    options: Mapping[str, Any] | None = None
    format: str = "GTiff"

    def on(self, extent: Mapping[str, Any], part: str) -> "Request":
        """The same on another extent; ``part`` names it in the title."""
        graph = {name: _placed(node, extent) for name, node in self.graph.items()}
        return replace(self, graph=graph, title=f"{self.title} {part}")

    @property
    def saved(self) -> dict[str, Any]:
        """The graph, with its result saved as ``format`` unless it saves something itself."""
        if any(node["process_id"] == "save_result" for node in self.graph.values()):
            return dict(self.graph)
        last = next(name for name, node in self.graph.items() if node.get("result"))
        bare = {name: {key: node[key] for key in node if key != "result"} for name, node in self.graph.items()}
        name = next(f"save{number}" for number in range(1, 99) if f"save{number}" not in bare)
        arguments = {"data": {"from_node": last}, "format": self.format}
        return {**bare, name: {"process_id": "save_result", "arguments": arguments, "result": True}}

    @property
    def period(self) -> Period | None:
        """From the first to the last date that the graph loads; None where a load is open to a side."""
        found = [node["arguments"].get("temporal_extent") for node in self.graph.values()]
        pairs = [pair for pair in found if isinstance(pair, list) and len(pair) == 2 and all(pair)]
        if not pairs:
            return None
        periods = [Period.of(pair) for pair in pairs]
        return Period(min(one.start for one in periods), max(one.end for one in periods))

    @property
    def text(self) -> str:
        """As JSON, the same for the same request."""
        return json.dumps(asdict(self), sort_keys=True, indent=1)


def bound(process: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The flat graph of a user-defined process (or a flat graph) with its parameters replaced by their values.

    >>> load = {"process_id": "load_collection", "arguments": {"id": {"from_parameter": "of"}}, "result": True}
    >>> process = {"parameters": [{"name": "of", "schema": {}, "default": "A"}], "process_graph": {"load": load}}
    >>> bound(process, {})["load"]["arguments"], bound(process, {"of": "B"})["load"]["arguments"]
    ({'id': 'A'}, {'id': 'B'})
    """
    graph = process["process_graph"] if is_callback(process) else process
    declared = {one["name"]: one for one in process.get("parameters") or ()} if is_callback(process) else {}
    foreign = sorted(set(arguments) - set(declared))
    if foreign:
        raise DrylandsError(f"the graph has no parameter {foreign[0]!r}; it has: {', '.join(declared) or 'none'}")
    values = {name: one["default"] for name, one in declared.items() if "default" in one} | dict(arguments)
    missing = [name for name in declared if name not in values]
    if missing:
        raise DrylandsError(f"the graph needs its parameter {missing[0]!r}")
    if not all(isinstance(node, Mapping) and isinstance(node.get("arguments"), Mapping) for node in graph.values()):
        raise DrylandsError("this is no process graph: each node has a process_id and arguments")
    return {name: _filled_node(node, values) for name, node in graph.items()}


def _filled_node(node: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    own = _callback_parameters(node["process_id"])
    inner = {name: value for name, value in values.items() if name not in own}
    return {**node, "arguments": {key: _filled(value, values, inner) for key, value in node["arguments"].items()}}


def _filled(value: Any, values: Mapping[str, Any], inner: Mapping[str, Any]) -> Any:
    """The value with its parameters replaced; ``inner``: those that a callback of this node sees."""
    if is_reference(value, "from_parameter"):
        return values.get(value["from_parameter"], value)
    if is_callback(value):
        graph = {name: _filled_node(node, inner) for name, node in value["process_graph"].items()}
        return {**value, "process_graph": graph}
    if isinstance(value, Mapping):
        return {key: _filled(item, values, inner) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values, inner) for item in value]
    return value


def _callback_parameters(process_id: str) -> frozenset[str]:
    """The parameters that a process gives to its callbacks: they hide those of the same name around it."""
    found: list[str] = []
    pending = [parameter["schema"] for parameter in (specification(process_id) or {"parameters": ()})["parameters"]]
    while pending:
        schema = pending.pop()
        if isinstance(schema, list):
            pending += schema
        elif isinstance(schema, Mapping) and schema.get("subtype") == "process-graph":
            found += [parameter["name"] for parameter in schema.get("parameters", ())]
        elif isinstance(schema, Mapping):
            pending += schema.values()
    return frozenset(found)


def _placed(node: Mapping[str, Any], extent: Mapping[str, Any]) -> dict[str, Any]:
    if node["arguments"].get(EXTENT) is None:
        return dict(node)
    return {**node, "arguments": {**node["arguments"], EXTENT: dict(extent)}}
