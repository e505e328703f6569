"""Windows: sizes and overlaps that the specification allows and a back-end gets wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.scopes import Call, Subject

OVERLAP = Rule(
    "window.overlap",
    "error",
    "An overlap wider than the window shifts the result without a word (openeo-geopyspark-driver issue 1191).",
)
TIME = Rule("window.time-overlap", "error", "Windows overlap in space only.")

RULES = (OVERLAP, TIME)


def check_neighborhoods(subject: Subject) -> Iterator[Finding]:
    """Faults of apply_neighborhood."""
    for call in subject.calls:
        if call.process_id == "apply_neighborhood" and not call.is_foreign:
            yield from _overlaps(call)


def _overlaps(call: Call) -> Iterator[Finding]:
    size, overlap = _by_dimension(call.arguments.get("size")), _by_dimension(call.arguments.get("overlap"))
    for name, value in overlap.items():
        if name not in ("x", "y"):
            if value:
                yield TIME.at(call.path, f"the windows overlap along {name!r}", "Overlap along x and y only.")
        elif isinstance(value, int | float) and isinstance(size.get(name), int | float) and value > size[name]:
            what = f"overlap {value} along {name!r} is wider than the window of {size[name]}"
            yield OVERLAP.at(call.path, what, "Widen the window.")


def _by_dimension(windows: Any) -> dict[str, Any]:
    items = windows if isinstance(windows, list) else []
    return {str(w.get("dimension")): w.get("value") for w in items if isinstance(w, Mapping)}
