"""POST /validation: everything that can be said against a graph without reading a pixel, at once."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator

from drylands_openeo.engine import Environment, Program
from drylands_openeo.engine.graph import Graph, Node
from drylands_openeo.engine.processes.udf import check_trusted
from drylands_openeo.engine.registry import PROCESSES
from drylands_openeo.errors import DrylandsError, GraphError
from drylands_openeo.flatgraph import is_callback, references
from drylands_openeo.server.backend import Backend
from drylands_openeo.server.calls import Answer, Call, answer
from drylands_openeo.server.failures import ApiError, failure_of
from drylands_openeo.server.processes import description
from drylands_openeo.server.requested import asked_format, well_formed

SHOWN = 120
"""Most characters of a value that an error repeats."""

Names = frozenset[str]


def validate(call: Call) -> Answer:
    """POST /validation."""
    process = well_formed(call.body)
    found = [{"code": one.code, "message": one.message} for one in complaints(call.backend, process)]
    return answer({"errors": found})


def complaints(backend: Backend, process: Mapping[str, Any]) -> Iterator[ApiError]:
    """What is wrong with a process, node by node; a graph that cannot be parsed is one complaint."""
    try:
        program = Program.parse(process)
    except DrylandsError as error:
        yield failure_of(error)
        return
    try:
        asked_format(process)
    except ApiError as failure:
        yield failure
    declared = frozenset(parameter.name for parameter in program.parameters)
    yield from _of_graph(backend, backend.environment(), program.graph, declared)


def _of_graph(backend: Backend, environment: Environment, graph: Graph, declared: Names) -> Iterator[ApiError]:
    for node in graph.nodes.values():
        try:
            program = environment.definition(node.process_id, node.namespace, node=node.id)
            if program is not None:
                program.bind(node.arguments, node=node.id)
            else:
                _check_call(node)
        except DrylandsError as error:
            yield _at(node, failure_of(error))
            continue
        yield from _of_parameters(node, declared)
        if program is None:
            yield from _of_values(node)
            yield from _of_reach(backend, environment, node)
        yield from _of_callbacks(backend, environment, node, declared)


def _check_call(node: Node) -> None:
    if node.process_id not in PROCESSES:
        raise GraphError(f"there is no process {node.process_id!r}", node=node.id, code="ProcessUnsupported")
    PROCESSES[node.process_id].check(node.arguments, node=node.id)


def _of_parameters(node: Node, declared: Names) -> Iterator[ApiError]:
    for name in references(dict(node.arguments), "from_parameter"):
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            yield _at(
                node, ApiError("ProcessParameterMissing", f"parameter {name!r} is not declared; declared here: {known}")
            )


def _of_values(node: Node) -> Iterator[ApiError]:
    """Arguments that are plain values, against the schema of their parameter."""
    schemas = {parameter["name"]: parameter.get("schema") for parameter in description(node.process_id)["parameters"]}
    for name, value in node.arguments.items():
        schema = schemas.get(name)
        if not schema or not _is_plain(value):
            continue
        whole = {"anyOf": schema} if isinstance(schema, list) else schema
        error = next(Draft7Validator(whole).iter_errors(value), None)
        if error is not None:
            shown = json.dumps(value)[:SHOWN]
            reason = f"it is {shown}, which is none of the allowed forms" if isinstance(schema, list) else error.message
            message = f"argument {name!r} of {node.process_id!r} is not valid: {reason}"
            yield _at(node, ApiError("ProcessParameterInvalid", message))


def _of_reach(backend: Backend, environment: Environment, node: Node) -> Iterator[ApiError]:
    """Collections that are not there, and code that this server does not run."""
    collection, text = node.arguments.get("id"), node.arguments.get("udf")
    try:
        if node.process_id == "load_collection" and isinstance(collection, str):
            backend.collections.full(collection)
        if node.process_id == "run_udf" and isinstance(text, str):
            check_trusted(text, environment)
    except (ApiError, DrylandsError) as error:
        yield _at(node, failure_of(error))


def _of_callbacks(backend: Backend, environment: Environment, node: Node, declared: Names) -> Iterator[ApiError]:
    given = {parameter["name"]: parameter for parameter in _described_parameters(node)}
    for name, value in node.arguments.items():
        for inner, graph in _callbacks(value):
            own = _callback_parameters(given.get(name))
            try:
                parsed = Graph.parse(graph)
            except DrylandsError as error:
                yield _at(node, failure_of(error))
                continue
            named = frozenset(parameter["name"] for parameter in inner.get("parameters") or ())
            yield from _of_graph(backend, environment, parsed, declared | own | named)


def _described_parameters(node: Node) -> list[Mapping[str, Any]]:
    return list(description(node.process_id)["parameters"]) if node.process_id in PROCESSES else []


def _callback_parameters(parameter: Mapping[str, Any] | None) -> Names:
    """The parameters that a process hands to its callback, as its specification declares them."""
    return frozenset(_declared((parameter or {}).get("schema")))


def _declared(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for one in schema:
            yield from _declared(one)
    elif isinstance(schema, Mapping):
        if schema.get("subtype") == "process-graph":
            yield from (parameter["name"] for parameter in schema.get("parameters", ()))
        else:
            yield from _declared(schema.get("additionalProperties"))


def _callbacks(value: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    if is_callback(value):
        yield value, value["process_graph"]
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _callbacks(inner)


def _is_plain(value: Any) -> bool:
    """Whether a value is known now: it refers to nothing and holds no callback."""
    if is_callback(value):
        return False
    if isinstance(value, Mapping):
        return not {"from_node", "from_parameter"} & set(value) and all(map(_is_plain, value.values()))
    return all(map(_is_plain, value)) if isinstance(value, list) else True


def _at(node: Node, failure: ApiError) -> ApiError:
    mark = f"node {node.id!r}"
    if failure.message.startswith(mark):
        return failure
    return ApiError(failure.code, f"{mark}: {failure.message}")
