"""Graphs are parsed with errors that name the node; parameters resolve by frames."""

import pytest

from drylands_openeo.engine import Environment, Graph, Plan, Program
from drylands_openeo.errors import GraphError


def node(process_id="add", result=False, **arguments):
    return {"process_id": process_id, "arguments": arguments, "result": result}


def test_nodes_follow_what_they_use():
    graph = Graph.parse(
        {"b": node(x={"from_node": "a"}, y=1, result=True), "a": node(x=1, y=2), "c": node(x=[{"from_node": "b"}], y=0)}
    )
    assert graph.order.index("a") < graph.order.index("b") < graph.order.index("c")
    assert graph.uses == {"b": 1, "a": 1, "c": 0}


@pytest.mark.parametrize(
    ("flat", "message"),
    [
        ({}, "at least one node"),
        ({"a": {"arguments": {}}}, "node 'a': is not a process call"),
        ({"a": node(x=1, y=2)}, "found none"),
        ({"a": node(x=1, y=2, result=True), "b": node(x=1, y=2, result=True)}, "several: a, b"),
        ({"a": node(x={"from_node": "z"}, y=2, result=True)}, "node 'a': refers to node 'z'"),
        ({"a": node(x={"from_node": "b"}, y=2, result=True), "b": node(x={"from_node": "a"}, y=1)}, "circle"),
    ],
)
def test_a_bad_graph_names_the_node(flat, message):
    with pytest.raises(GraphError, match=message):
        Graph.parse(flat)


def run(some, arguments=None, **environment):
    return Plan(Program.parse(some), Environment(**environment), arguments).evaluate()


def test_unknown_processes_are_told_before_anything_runs():
    inner = {"process_graph": {"n": node("no_such", x=1, result=True)}}
    with pytest.raises(GraphError, match=r"node 'n': there is no process 'no_such'"):
        run({"a": node(x=inner, y=1, result=True)})


def test_arguments_are_checked_by_name():
    with pytest.raises(GraphError, match=r"node 'a': process 'add' has no argument 'z'; it has x, y"):
        run({"a": node(x=1, y=2, z=3, result=True)})
    with pytest.raises(GraphError, match=r"node 'a': process 'add' needs the argument 'y'"):
        run({"a": node(x=1, result=True)})


PLUS = {
    "id": "plus",
    "parameters": [{"name": "x"}, {"name": "more", "optional": True, "default": 10}],
    "process_graph": {"a": node(x={"from_parameter": "x"}, y={"from_parameter": "more"}, result=True)},
}


def test_parameters_have_values_and_defaults():
    assert run(PLUS, {"x": 1}) == 11
    assert run(PLUS, {"x": 1, "more": 2}) == 3
    with pytest.raises(GraphError, match="'x' has no value and no default"):
        run(PLUS)
    with pytest.raises(GraphError, match="no parameter 'z'"):
        run(PLUS, {"x": 1, "z": 1})


def test_a_process_of_ones_own_is_called_with_the_callers_values():
    graph = {
        "parameters": [{"name": "start"}],
        "process_graph": {
            "one": node(x={"from_parameter": "start"}, y=1),
            "own": node("plus", x={"from_node": "one"}, result=True),
        },
    }
    assert run(graph, {"start": 5}, definitions={"plus": Program.parse(PLUS)}) == 16


def test_a_namespace_says_where_a_process_is_defined():
    graph = {"own": {**node("plus", x=1, result=True), "namespace": "https://example.org/plus.json"}}
    assert run(graph, resolve=lambda name, namespace: PLUS) == 11
    with pytest.raises(GraphError, match="looks nothing up"):
        run(graph)
