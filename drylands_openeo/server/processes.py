"""What can be computed: the engine's processes as openEO describes processes, and those that users saved."""

import inspect
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from drylands_openeo.engine import Program
from drylands_openeo.engine.registry import PROCESSES, Process
from drylands_openeo.server.calls import Answer, Call, answer, empty
from drylands_openeo.server.failures import ApiError
from drylands_openeo.server.requested import well_formed
from drylands_openeo.specifications import SOURCE, specification

LISTED = ("id", "summary", "description", "categories", "parameters", "returns", "deprecated", "experimental", "links")
"""What a listing tells of a user's process; the graph itself comes with a request for the one."""

NAME = re.compile(r"\w{1,200}", re.ASCII)


@cache
def description(process_id: str) -> Mapping[str, Any]:
    """The openEO description of a process of the engine: the official text, with the parameters that the engine takes.

    >>> [parameter["name"] for parameter in description("add")["parameters"]]
    ['x', 'y']
    """
    process = PROCESSES[process_id]
    official = dict(specification(process_id) or _own(process))
    known = {parameter["name"]: parameter for parameter in official["parameters"]}
    parameters = [_parameter(process, name, known.get(name)) for name in process.parameters]
    return {**official, "parameters": parameters, "links": _links(process_id)}


def listed(call: Call) -> Answer:
    """GET /processes."""
    return answer({"processes": [description(name) for name in sorted(PROCESSES)], "links": []})


def list_saved(call: Call) -> Answer:
    """GET /process_graphs."""
    saved = call.backend.store.processes().values()
    return answer({"processes": [{key: one[key] for key in LISTED if key in one} for one in saved], "links": []})


def read_saved(call: Call) -> Answer:
    """GET /process_graphs/{process_graph_id}."""
    name = call.path["process_graph_id"]
    content = call.backend.store.processes().get(name)
    if content is None:
        raise _not_found(name)
    return answer(content)


def save(call: Call) -> Answer:
    """PUT /process_graphs/{process_graph_id}."""
    name, body = call.path["process_graph_id"], well_formed(call.body)
    if NAME.fullmatch(name) is None:
        raise ApiError("ProcessInvalid", f"process id {name!r} has other signs than letters, digits and '_'")
    if name in PROCESSES:
        raise ApiError("PredefinedProcessExists", f"there is a predefined process {name!r}; choose another name")
    if body.get("id", name) != name:
        raise ApiError("ProcessInvalid", f"the process is called {body['id']!r}, but is to be saved as {name!r}")
    Program.parse(body)
    call.backend.store.put_process(name, {"id": name, **body})
    return empty(200)


def delete_saved(call: Call) -> Answer:
    """DELETE /process_graphs/{process_graph_id}."""
    name = call.path["process_graph_id"]
    if not call.backend.store.delete_process(name):
        raise _not_found(name)
    return empty(204)


def _own(process: Process) -> dict[str, Any]:
    """The description of a process that openEO does not specify, or not yet: from the function's own text."""
    text = inspect.getdoc(process.function) or process.id
    return {
        "id": process.id,
        "summary": text.splitlines()[0],
        "description": text,
        "categories": ["other"],
        "experimental": True,
        "parameters": [],
        "returns": {"description": "The result.", "schema": {}},
    }


def _parameter(process: Process, name: str, official: Mapping[str, Any] | None) -> dict[str, Any]:
    text = dict(official or {"name": name, "description": f"`{name}` of this back-end.", "schema": {}})
    text.pop("optional", None)
    text.pop("default", None)
    if name in process.required:
        return text
    return {**text, "optional": True, "default": _default(process, name)}


def _default(process: Process, name: str) -> Any:
    default = inspect.signature(process.function).parameters[name].default
    plain = isinstance(default, str | int | float | bool | list | dict | type(None))
    return default if plain else list(default) if isinstance(default, tuple) else None


def _links(process_id: str) -> list[dict[str, str]]:
    if specification(process_id) is None:
        return []
    return [{"rel": "about", "href": SOURCE, "title": "openEO process specifications, Apache-2.0"}]


def _not_found(name: str) -> ApiError:
    return ApiError("ProcessGraphNotFound", f"there is no user-defined process {name!r}")
