"""Whether the back-end has the processes, at the top level and inside callbacks."""

from collections.abc import Iterator
from difflib import get_close_matches

from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.scopes import Call, Subject
from drylands_openeo.specifications import specification

UNKNOWN = Rule("process.unknown", "error", "The back-end does not offer the process; it refuses the graph.")
CALLBACK = Rule(
    "process.callback",
    "error",
    "Callbacks are translated into the back-end's own expressions, which know fewer processes than the top level. "
    "CDSE's validation does not look inside callbacks: the job fails after it was accepted.",
)

RULES = (UNKNOWN, CALLBACK)


def check_processes(subject: Subject) -> Iterator[Finding]:
    """Processes that the back-end does not offer where they stand."""
    profile = subject.profile
    for call in subject.calls:
        if call.is_foreign:
            continue
        if call.scope.owner is None:
            if call.process_id not in profile.processes:
                yield UNKNOWN.at(call.path, _what(call, profile.name), _instead(call, profile.processes))
        elif call.process_id not in profile.callback_processes:
            if call.process_id in profile.processes:
                what = f"{profile.name!r} has no process {call.process_id!r} inside a callback"
                yield CALLBACK.at(call.path, what, _instead(call, profile.callback_processes))
            else:
                yield UNKNOWN.at(call.path, _what(call, profile.name), _instead(call, profile.callback_processes))


def _what(call: Call, back_end: str) -> str:
    if specification(call.process_id) is None:
        return f"there is no process {call.process_id!r}, neither at {back_end!r} nor in openEO's specification"
    return f"{back_end!r} has no process {call.process_id!r}"


def _instead(call: Call, offered: frozenset[str]) -> str:
    near = get_close_matches(call.process_id, sorted(offered), n=3, cutoff=0.6)
    return f"Perhaps {' or '.join(near)}?" if near else "Say it by other processes, or by a user-defined function."
