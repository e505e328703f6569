"""A flat process graph as Python for the plain openEO client: one line a node, the same graph again."""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from keyword import iskeyword
from pprint import pformat
from typing import Any

from drylands_openeo.flatgraph import is_callback, is_reference, references
from drylands_openeo.profiles import Profile

ANYWHERE = "http://127.0.0.1:8080"
"""The address that is written where a back-end has none of its own."""


def snippet(
    graph: Mapping[str, Any], profile: Profile, *, name: str, job_options: Mapping[str, Any] | None = None
) -> str:
    """Python that connects, builds ``graph`` node by node, runs it and downloads ``name``.nc (.tif without batch jobs).

    >>> from drylands_openeo.profiles import get_profile
    >>> graph = {"pi1": {"process_id": "pi", "arguments": {}, "result": True}}
    >>> print(snippet(graph, get_profile("local"), name="pi"))
    import openeo
    <BLANKLINE>
    connection = openeo.connect("http://127.0.0.1:8080").authenticate_basic("user", "password")
    <BLANKLINE>
    node = connection.datacube_from_process
    pi1 = node("pi")
    <BLANKLINE>
    pi1.execute_batch("pi.nc", out_format="netCDF", title="pi")
    """
    texts = _texts(graph)
    names = {node: _variable(node) for node in graph}
    order = TopologicalSorter({n: list(references(graph[n]["arguments"], "from_node")) for n in graph}).static_order()
    (result,) = (node for node, call in graph.items() if call.get("result"))
    login = "authenticate_oidc()" if profile.url else 'authenticate_basic("user", "password")'
    blocks = [
        "import openeo",
        f'connection = openeo.connect("{profile.url or ANYWHERE}").{login}',
        *(f"{variable} = {_text_literal(text)}" for text, variable in texts.items()),
        "\n".join(
            ["node = connection.datacube_from_process", *(_line(n, graph[n], names, texts) for n in order)],
        ),
        _run(names[result], profile, name, job_options),
    ]
    return "\n\n".join(blocks)


def _line(node: str, call: Mapping[str, Any], names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    arguments = [f"{key}={_code(value, names, texts)}" for key, value in call["arguments"].items()]
    if call.get("namespace"):
        arguments.insert(0, f"namespace={call['namespace']!r}")
    joined = ", ".join([repr(call["process_id"]).replace("'", '"'), *arguments])
    if len(joined) < 100 and "\n" not in joined:
        return f"{names[node]} = node({joined})"
    body = "".join(f"    {argument},\n" for argument in arguments)
    return f'{names[node]} = node(\n    "{call["process_id"]}",\n{body})'


def _code(value: Any, names: Mapping[str, str], texts: Mapping[str, str]) -> str:
    """An argument as Python: nodes by their variable, long texts by theirs."""
    return pformat(_marked(value, names, texts), width=112, sort_dicts=False, compact=True).replace("\n", "\n    ")


class _Name(str):
    """A variable: shown without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _marked(value: Any, names: Mapping[str, str], texts: Mapping[str, str], *, inside: bool = False) -> Any:
    """The value with references to nodes, and long texts, as variables; a callback refers to nodes of its own."""
    if not inside and is_reference(value, "from_node"):
        return _Name(names[value["from_node"]])
    if isinstance(value, str):
        return _Name(texts[value]) if value in texts else value
    if isinstance(value, Mapping):
        inside = inside or is_callback(value)
        return {key: _marked(item, names, texts, inside=inside) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) > 3 and all(row == value[0] for row in value) and isinstance(value[0], int | list):
            return _Name(f"[{_marked(value[0], names, texts, inside=inside)!r}] * {len(value)}")
        return [_marked(item, names, texts, inside=inside) for item in value]
    return value


def _run(result: str, profile: Profile, name: str, job_options: Mapping[str, Any] | None) -> str:
    if not profile.limits.batch:
        return f'{result}.download("{name}.tif", format="GTiff")'
    job = f'"{name}.nc", out_format="netCDF", title="{name}"'
    if not job_options:
        return f"{result}.execute_batch({job})"
    options = pformat(dict(job_options), sort_dicts=False)
    return f"job_options = {options}\n{result}.execute_batch({job}, job_options=job_options)"


def _texts(graph: Mapping[str, Any]) -> dict[str, str]:
    """The texts of several lines in a graph (functions) -> a variable each."""
    found = dict.fromkeys(text for text in _strings(graph) if "\n" in text)
    return {text: "udf" if number == 0 else f"udf{number + 1}" for number, text in enumerate(found)}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(inner)


def _text_literal(text: str) -> str:
    """A raw text of several lines where it can be one, so that it stays readable."""
    if "'''" not in text and not text.endswith(("\\", "'")):
        return f"r'''{text}'''" if "\r" not in text else repr(text)
    return repr(text)


def _variable(node: str) -> str:
    name = node if node.isidentifier() and not iskeyword(node) else f"node_{''.join(c for c in node if c.isalnum())}"
    return f"{name}_" if name in ("openeo", "connection", "node", "udf") else name
