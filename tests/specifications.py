"""What the official openEO process specifications forbid, found without the package's own check."""

from drylands_openeo.specifications import specifications


def complaints(graph, parameters=()):
    """What the specifications forbid in a flat graph: unknown processes, arguments missing, surplus, mistyped."""
    found = []
    for key, node in graph.items():
        spec = specifications().get(node["process_id"])
        if spec is None:
            found.append(f"{key}: no process {node['process_id']}")
            continue
        declared = {parameter["name"]: parameter for parameter in spec["parameters"]}
        given = node["arguments"]
        found += [f"{key}: no argument {name}" for name in set(given) - set(declared)]
        found += [f"{key}: misses {n}" for n, p in declared.items() if not p.get("optional") and n not in given]
        for name in set(given) & set(declared):
            found += _argument(key, name, given[name], declared[name]["schema"], graph, parameters)
    results = [key for key, node in graph.items() if node.get("result")]
    return found + ([] if len(results) == 1 else [f"{len(results)} result nodes"])


TYPES = {
    "array": list,
    "object": dict,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": int,
}


def _argument(key, name, value, schema, graph, parameters):
    schemas = schema if isinstance(schema, list) else [schema]
    found = [f"{key}.{name}: no node {ref}" for ref in _references(value, "from_node") if ref not in graph]
    found += [
        f"{key}.{name}: no parameter {ref}" for ref in _references(value, "from_parameter") if ref not in parameters
    ]
    if isinstance(value, dict) and "process_graph" in value:
        callback = next(s for s in schemas if s.get("subtype") == "process-graph")
        inner = [parameter["name"] for parameter in callback["parameters"]]
        return found + complaints(value["process_graph"], {*parameters, *inner})
    if isinstance(value, dict) and ("from_node" in value or "from_parameter" in value):
        return found
    allowed = [s for s in schemas if _fits(value, s)]
    return found if allowed else [*found, f"{key}.{name}: {value!r} is not of its type"]


def _fits(value, schema):
    names = schema.get("type", list(TYPES))
    names = [names] if isinstance(names, str) else names
    kind = any(
        isinstance(value, TYPES[name]) and not (name in ("number", "integer") and isinstance(value, bool))
        for name in names
    )
    return kind and ("enum" not in schema or value in schema["enum"])


def _references(value, kind):
    if isinstance(value, list):
        return [ref for item in value for ref in _references(item, kind)]
    if isinstance(value, dict) and "process_graph" not in value:
        return [value[kind]] if kind in value else [ref for item in value.values() for ref in _references(item, kind)]
    return []
