"""What a graph may reach while it runs: pixels, other people's processes, other people's code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drylands_openeo.engine.graph import Program
from drylands_openeo.engine.source import Source
from drylands_openeo.errors import GraphError


def _no_namespace(process_id: str, namespace: str) -> Mapping[str, Any]:
    raise GraphError(f"process {process_id!r} from namespace {namespace!r}: this run looks nothing up elsewhere")


@dataclass(frozen=True)
class Environment:
    """What is given to a run.

    ``definitions``: user-defined processes by id. ``resolve``: (process id, namespace) -> the definition, for nodes
    with a namespace of their own (a URL or a file). ``trusted``: SHA-256 fingerprints of UDF texts that may run
    besides the project's own kernels; ``trust_any`` lets every text run.
    """

    source: Source | None = None
    definitions: Mapping[str, Program] = field(default_factory=dict)
    resolve: Callable[[str, str], Mapping[str, Any]] = _no_namespace
    trusted: frozenset[str] = frozenset()
    trust_any: bool = False

    def definition(self, process_id: str, namespace: str | None, *, node: str) -> Program | None:
        """The user-defined process that a node calls, or None when it calls a process of the engine."""
        if namespace in (None, "user", "backend"):
            return self.definitions.get(process_id) if namespace != "backend" else None
        assert namespace is not None
        program = Program.parse(self.resolve(process_id, namespace))
        if program.id not in (None, process_id):
            raise GraphError(f"{namespace} defines {program.id!r}, not {process_id!r}", node=node)
        return program
