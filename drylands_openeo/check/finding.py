"""What a check says: where, what, why, and how to mend it."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One fault of a graph; ``node`` is a path such as reduce1/udf1, or '' for the whole graph.

    An error makes the back-end refuse the graph, or gives wrong numbers; a warning may be meant.
    """

    rule: str
    severity: Severity
    node: str
    what: str
    why: str
    mend: str

    def __str__(self) -> str:
        return f"{self.severity} {self.node or '(graph)'}: {self.what} [{self.rule}]"


@dataclass(frozen=True)
class Rule:
    """One thing that is looked for, and why it matters."""

    id: str
    severity: Severity
    why: str

    def at(self, node: str, what: str, mend: str, *, why: str | None = None) -> Finding:
        """The rule broken at a node.

        >>> missing = Rule("argument.missing", "error", "The process cannot run without it.")
        >>> str(missing.at("add1", "misses 'y'", "Give 'y'."))
        "error add1: misses 'y' [argument.missing]"
        """
        return Finding(self.id, self.severity, node, what, why or self.why, mend)
