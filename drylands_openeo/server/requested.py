"""What a request asks for, checked as far as it can be without the engine."""

from collections.abc import Mapping
from typing import Any

from drylands_openeo.engine.graph import Graph
from drylands_openeo.flatgraph import is_callback
from drylands_openeo.server.failures import ApiError

FORMATS = ("GTiff", "netCDF", "JSON")


def asked_format(process: Mapping[str, Any]) -> str:
    """The format of the graph's ``save_result``, in its usual spelling; GTiff where there is none.

    >>> save = {"process_id": "save_result", "arguments": {"data": None, "format": "NETCDF"}, "result": True}
    >>> asked_format({"process_graph": {"save": save}})
    'netCDF'
    """
    graph = Graph.parse(process["process_graph"])
    node = graph.nodes[graph.result]
    if node.process_id != "save_result":
        return "GTiff"
    given = node.arguments.get("format")
    found = [name for name in FORMATS if isinstance(given, str) and name.lower() == given.lower()]
    if not found:
        raise ApiError("FormatUnsupported", f"format is {given!r}; it can be {', '.join(FORMATS)}")
    return found[0]


def process_of(body: Any) -> Mapping[str, Any]:
    """The process of a request for a job or a result; an ApiError where there is none."""
    return well_formed(body.get("process") if isinstance(body, Mapping) else None)


def well_formed(process: Any) -> Mapping[str, Any]:
    """A process with a graph, and with parameters that can be bound; an ApiError otherwise."""
    if not isinstance(process, Mapping) or not is_callback(process):
        raise ApiError("ProcessGraphMissing", "there is no process with a 'process_graph'")
    parameters = process.get("parameters")
    if parameters is not None and not (isinstance(parameters, list) and all(map(_is_parameter, parameters))):
        raise ApiError("ProcessInvalid", "'parameters' is a list of objects, each with a 'name'")
    return process


def _is_parameter(some: Any) -> bool:
    return isinstance(some, Mapping) and isinstance(some.get("name"), str)
