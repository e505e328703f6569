"""Nodes, references, results and parameters: whether the graph holds together."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.scopes import Scope, Subject
from drylands_openeo.flatgraph import references

EMPTY = Rule("structure.empty", "error", "A process graph is an object of at least one node.")
NOT_A_CALL = Rule("structure.not-a-call", "error", "Every node calls one process, with an object of arguments.")
NO_NODE = Rule("structure.missing-node", "error", "A node can use only nodes of its own graph.")
CYCLE = Rule("structure.cycle", "error", "No order exists in which the nodes could be computed.")
RESULT = Rule("structure.result", "error", "Exactly one node of each graph has 'result': true.")
UNUSED = Rule("structure.unused-node", "warning", "Its result goes nowhere; most back-ends never compute it.")
UNDECLARED = Rule("parameter.undeclared", "error", "Nobody gives it a value: the back-end stops with an error.")
NOT_USED = Rule("parameter.unused", "warning", "Whoever sets it will wonder why nothing changes.")

RULES = (EMPTY, NOT_A_CALL, NO_NODE, CYCLE, RESULT, UNUSED, UNDECLARED, NOT_USED)

_HAVE_AN_EFFECT = {"save_result", "export_workspace", "inspect", "discard_result", "save_ml_model"}


def check_structure(subject: Subject) -> Iterator[Finding]:
    """Faults of the graph as a graph."""
    if not subject.root.calls and not subject.root.broken:
        yield EMPTY.at("", "there is no node", "Give a process graph: node id -> process_id, arguments.")
        return
    for scope in subject.scopes:
        for name in scope.broken:
            yield NOT_A_CALL.at(
                scope.name(name), "has no 'process_id', or 'arguments' is no object", "Write a process call."
            )
        yield from _references(scope)
        yield from _cycle(scope)
        yield from _results(scope)
    yield from _unused_parameters(subject)


def _references(scope: Scope) -> Iterator[Finding]:
    for call in scope.calls.values():
        arguments = dict(call.arguments)
        for name in sorted({*references(arguments, "from_node")} - {*scope.calls, *scope.broken}):
            known = ", ".join(scope.calls)
            yield NO_NODE.at(call.path, f"refers to node {name!r}, which is not there", f"Use one of: {known}.")
        if scope.parameters is None:
            continue
        for name in sorted({*references(arguments, "from_parameter")} - scope.parameters):
            known = ", ".join(sorted(scope.parameters)) or "none"
            yield UNDECLARED.at(
                call.path,
                f"refers to parameter {name!r}, which nobody declares",
                f"Declare it in 'parameters', write a value, or use one of: {known}.",
            )


def _cycle(scope: Scope) -> Iterator[Finding]:
    try:
        TopologicalSorter(scope.needs).prepare()
    except CycleError as error:
        circle = error.args[1]
        yield CYCLE.at(
            scope.name(circle[0]), f"runs in a circle: {' -> '.join(circle)}", "Take one of these references away."
        )


def _results(scope: Scope) -> Iterator[Finding]:
    where = scope.path or ""
    if len(scope.results) != 1:
        found = f"several results: {', '.join(scope.results)}" if scope.results else "no result"
        yield RESULT.at(where, f"the graph has {found}", "Set 'result': true at the one node that is wanted.")
        return
    used, waiting = set(), [scope.results[0]]
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += scope.needs[name]
    for call in scope.calls.values():
        if call.id not in used and call.process_id not in _HAVE_AN_EFFECT:
            yield UNUSED.at(call.path, f"the result of {call.process_id!r} is not used", "Remove it, or use it.")


def _unused_parameters(subject: Subject) -> Iterator[Finding]:
    used = {name for call in subject.calls for name in references(dict(call.arguments), "from_parameter")}
    for name in subject.declared:
        if name not in used:
            yield NOT_USED.at("", f"parameter {name!r} is declared, but no node uses it", "Use it or remove it.")
