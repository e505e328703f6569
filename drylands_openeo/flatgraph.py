"""What refers to what inside the JSON of a flat process graph."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Any


def is_reference(value: Json, kind: str) -> bool:
    """Whether a JSON value is ``{kind: name}``, kind being from_node or from_parameter."""
    return isinstance(value, Mapping) and len(value) == 1 and isinstance(value.get(kind), str)


def is_callback(value: Json) -> bool:
    """Whether a JSON value is a process graph to be called by a process."""
    return isinstance(value, Mapping) and isinstance(value.get("process_graph"), Mapping)


def references(value: Json, kind: str) -> Iterator[str]:
    """The names that a value refers to; callbacks refer to nodes of their own and are not entered.

    >>> list(references([{"from_node": "load1"}, 2, {"a": {"from_node": "add1"}}], "from_node"))
    ['load1', 'add1']
    """
    if is_reference(value, kind):
        yield value[kind]
    elif is_callback(value):
        return
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from references(inner, kind)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from references(inner, kind)


def calls(graph: Mapping[str, Json], inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Every process that a sound graph calls, with whether it is called in a callback.

    >>> list(calls({"apply1": {"process_id": "apply", "arguments": {
    ...     "process": {"process_graph": {"ln1": {"process_id": "ln", "arguments": {}}}}}}}))
    [('apply', False), ('ln', True)]
    """
    for node in graph.values():
        yield node["process_id"], inside
        for callback in callbacks(node["arguments"]):
            yield from calls(callback, inside=True)


def callbacks(value: Json) -> Iterator[Mapping[str, Json]]:
    """The process graphs given in arguments, one level deep."""
    if is_callback(value):
        yield value["process_graph"]
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from callbacks(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from callbacks(inner)


def parameters_used(graph: Mapping[str, Json]) -> set[str]:
    """Names of parameters that the graph refers to, in callbacks too (their own among them).

    >>> sorted(parameters_used({"a": {"arguments": {"x": {"from_parameter": "p"}, "f": {"process_graph": {
    ...     "b": {"arguments": {"y": {"from_parameter": "q"}}}}}}}}))
    ['p', 'q']
    """
    found: set[str] = set()
    for node in graph.values():
        found |= set(references(dict(node["arguments"]), "from_parameter"))
        for callback in callbacks(node["arguments"]):
            found |= parameters_used(callback)
    return found
