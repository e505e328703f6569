"""A process graph read with patience: whatever is wrong in it, what can be read is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from drylands_openeo.flatgraph import is_callback, references
from drylands_openeo.profiles import Profile
from drylands_openeo.specifications import specification


@dataclass(frozen=True, eq=False)
class Call:
    """One node that calls a process; ``path`` leads to it from the top level."""

    id: str
    path: str
    process_id: str
    arguments: Mapping[str, Any]
    namespace: str | None
    scope: "Scope"

    def node(self, argument: str) -> "Call | None":
        """The node that an argument refers to."""
        value = self.arguments.get(argument)
        name = value.get("from_node") if isinstance(value, Mapping) else None
        return self.scope.calls.get(name) if isinstance(name, str) else None

    @property
    def is_foreign(self) -> bool:
        """Whether the process is someone's own, defined elsewhere."""
        return self.namespace not in (None, "backend")


@dataclass(frozen=True, eq=False)
class Scope:
    """The nodes of one graph: the top level, or the callback ``argument`` of ``owner``.

    ``parameters``: names that a node may refer to; None: not known. ``broken``: nodes that call nothing.
    """

    path: str
    parameters: frozenset[str] | None
    owner: Call | None = None
    argument: str = ""
    calls: dict[str, Call] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)

    def name(self, node: str) -> str:
        """The path of a node of this graph."""
        return f"{self.path}/{node}" if self.path else node

    @property
    def order(self) -> tuple[Call, ...]:
        """The nodes, each after what it uses; none where they run in a circle."""
        try:
            names = TopologicalSorter(self.needs).static_order()
            return tuple(self.calls[name] for name in names)
        except CycleError:
            return ()

    @property
    def needs(self) -> dict[str, list[str]]:
        """Node -> the nodes of this graph that it refers to."""
        return {
            name: [ref for ref in references(dict(call.arguments), "from_node") if ref in self.calls]
            for name, call in self.calls.items()
        }


@dataclass(frozen=True, eq=False)
class Subject:
    """What is checked: every scope of a graph, outermost first, for one back-end.

    ``declared``: parameters of the user-defined process; a bare graph has none.
    """

    scopes: tuple[Scope, ...]
    declared: tuple[str, ...]
    profile: Profile

    @property
    def root(self) -> Scope:
        """The top level."""
        return self.scopes[0]

    @property
    def calls(self) -> Iterator[Call]:
        """Every node, those of callbacks too."""
        for scope in self.scopes:
            yield from scope.calls.values()


def read(some: Mapping[str, Any], profile: Profile) -> Subject:
    """From a flat graph, a user-defined process, or the body of a job."""
    process = some["process"] if isinstance(some.get("process"), Mapping) else some
    if isinstance(process.get("process_graph"), Mapping):
        graph = process["process_graph"]
        declared = tuple(
            str(parameter.get("name"))
            for parameter in process.get("parameters") or ()
            if isinstance(parameter, Mapping)
        )
    else:
        graph, declared = process, ()
    scopes = tuple(_scopes(graph, Scope("", frozenset(declared))))
    return Subject(scopes, declared, profile)


def _scopes(graph: Mapping[str, Any], scope: Scope) -> Iterator[Scope]:
    for name, node in graph.items():
        arguments = node.get("arguments", {}) if isinstance(node, Mapping) else None
        if not isinstance(arguments, Mapping) or not isinstance(node.get("process_id"), str):
            scope.broken.append(name)
            continue
        scope.calls[name] = Call(name, scope.name(name), node["process_id"], arguments, node.get("namespace"), scope)
        if node.get("result") is True:
            scope.results.append(name)
    yield scope
    for call in scope.calls.values():
        for argument, value in call.arguments.items():
            for inner in _callbacks(value):
                yield from _scopes(inner, Scope(call.path, _parameters(call, argument), call, argument))


def _callbacks(value: Any) -> Iterator[Mapping[str, Any]]:
    """A callback, or callbacks by name (filters by property)."""
    if is_callback(value):
        yield value["process_graph"]
    elif isinstance(value, Mapping):
        yield from (inner["process_graph"] for inner in value.values() if is_callback(inner))


def _parameters(owner: Call, argument: str) -> frozenset[str] | None:
    """What the nodes of a callback may refer to: its own parameters and those of the graphs around it."""
    spec = None if owner.is_foreign else specification(owner.process_id)
    if spec is None or owner.scope.parameters is None:
        return None
    for parameter in spec["parameters"]:
        if parameter["name"] == argument:
            return owner.scope.parameters | frozenset(_declared(parameter["schema"]))
    return None


def _declared(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if schema.get("subtype") == "process-graph":
            yield from (parameter["name"] for parameter in schema.get("parameters", ()))
        else:
            for inner in schema.values():
                yield from _declared(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _declared(inner)
