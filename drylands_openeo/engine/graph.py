"""Flat process graphs: parsed, ordered, and their parameters declared, with errors that name the node."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from drylands_openeo.errors import GraphError
from drylands_openeo.flatgraph import Json, is_callback, is_reference, references

__all__ = ["Declared", "Graph", "Json", "Node", "Program", "is_callback", "is_reference", "references"]


@dataclass(frozen=True)
class Node:
    """One call of one process; ``namespace`` says where a process of someone's own is defined."""

    id: str
    process_id: str
    arguments: Mapping[str, Json]
    namespace: str | None = None

    @cached_property
    def fixed(self) -> frozenset[str]:
        """The arguments that stand in the graph as they are, without a reference or a callback: a kernel, say."""
        return frozenset(name for name, value in self.arguments.items() if _is_fixed(value))


@dataclass(frozen=True)
class Graph:
    """Nodes by id, the id of the result, and an order in which every node follows what it uses."""

    nodes: Mapping[str, Node]
    result: str
    order: tuple[str, ...]
    uses: Mapping[str, int]

    @classmethod
    def parse(cls, flat: Mapping[str, Json]) -> "Graph":
        """From openEO's flat JSON form.

        Raises :class:`GraphError` for a node that is no process call, a reference to a node that is not there,
        a cycle, and none or several results.

        >>> graph = Graph.parse({"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}})
        >>> graph.result, graph.order
        ('sum', ('sum',))
        """
        if not isinstance(flat, Mapping) or not flat:
            raise GraphError("a process graph is an object of at least one node", code="ProcessGraphMissing")
        nodes = {name: _node(name, some) for name, some in flat.items()}
        needed = {name: list(_needed(node, nodes)) for name, node in nodes.items()}
        return cls(nodes, _result(flat), _order(needed), _uses(needed))


@dataclass(frozen=True)
class Declared:
    """A parameter of a process; ``default`` counts only where ``optional``."""

    name: str
    optional: bool = False
    default: Json = None


@dataclass(frozen=True)
class Program:
    """A process graph with its declared parameters: what a user-defined process is."""

    graph: Graph
    parameters: tuple[Declared, ...] = ()
    id: str | None = None

    @classmethod
    def parse(cls, some: Mapping[str, Json]) -> "Program":
        """From a flat graph, a user-defined process, or the body of a job."""
        if isinstance(some.get("process"), Mapping):
            some = some["process"]
        if "process_graph" not in some:
            return cls(Graph.parse(some))
        declared = tuple(
            Declared(parameter["name"], bool(parameter.get("optional", False)), parameter.get("default"))
            for parameter in some.get("parameters") or ()
        )
        return cls(Graph.parse(some["process_graph"]), declared, some.get("id"))

    def bind(self, arguments: Mapping[str, Json], *, node: str | None = None) -> dict[str, Json]:
        """Every parameter's value: the given one, else the default.

        A program without declared parameters (a bare flat graph) takes any.
        """
        known = {parameter.name for parameter in self.parameters}
        unknown = [name for name in arguments if name not in known]
        if self.parameters and unknown:
            raise GraphError(
                f"process {self.id!r} has no parameter {unknown[0]!r}; it has {', '.join(sorted(known))}",
                node=node,
                code="ProcessParameterUnsupported",
            )
        values = dict(arguments)
        for parameter in self.parameters:
            if parameter.name not in values:
                if not parameter.optional:
                    raise GraphError(
                        f"parameter {parameter.name!r} has no value and no default",
                        node=node,
                        code="ProcessParameterRequired",
                    )
                values[parameter.name] = parameter.default
        return values


def _is_fixed(value: Json) -> bool:
    if is_reference(value, "from_node") or is_reference(value, "from_parameter") or is_callback(value):
        return False
    if isinstance(value, Mapping):
        return all(_is_fixed(inner) for inner in value.values())
    return all(_is_fixed(inner) for inner in value) if isinstance(value, list | tuple) else True


def _node(name: str, some: Json) -> Node:
    if not isinstance(some, Mapping) or not isinstance(some.get("process_id"), str):
        raise GraphError("is not a process call: it has no 'process_id'", node=name, code="ProcessGraphInvalid")
    arguments = some.get("arguments", {})
    if not isinstance(arguments, Mapping):
        raise GraphError(f"'arguments' is {type(arguments).__name__}, not an object", node=name)
    return Node(name, some["process_id"], arguments, some.get("namespace"))


def _needed(node: Node, nodes: Mapping[str, Node]) -> Iterator[str]:
    for name in references(dict(node.arguments), "from_node"):
        if name not in nodes:
            raise GraphError(
                f"refers to node {name!r}, which is not in this graph", node=node.id, code="ProcessGraphInvalid"
            )
        yield name


def _result(flat: Mapping[str, Json]) -> str:
    results = [name for name, node in flat.items() if node.get("result") is True]
    if len(results) != 1:
        found = f"several: {', '.join(results)}" if results else "none"
        raise GraphError(f"exactly one node must have 'result': true; found {found}", code="ProcessGraphInvalid")
    return results[0]


def _order(needed: Mapping[str, list[str]]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter(needed).static_order())
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise GraphError(f"the graph runs in a circle: {cycle}", node=error.args[1][0]) from None


def _uses(needed: Mapping[str, list[str]]) -> dict[str, int]:
    counts = dict.fromkeys(needed, 0)
    for names in needed.values():
        for name in names:
            counts[name] += 1
    return counts
