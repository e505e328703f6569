"""The table: how far each product's result is from the engine's, on each independent way of computing it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.parity.cases import Case
from benchmarks.parity.runs import Maps, difference, finite

Compute = Callable[[Case], Maps]

LIMITS = {"loopback": 1e-6, "titiler": 1e-5, "dask": 1e-5}
"""What is allowed."""


@dataclass(frozen=True)
class Line:
    """A product: how many numbers are compared, and the largest difference (or why there is none) by peer."""

    product: str
    maps: str
    apart: dict[str, float | str]


def compared(case: Case, engine: Compute, peers: dict[str, tuple[Compute, Compute]]) -> Line:
    """``peers``: name -> (the peer, the engine on the peer's pixels)."""
    ours = engine(case)
    shape = "x".join(map(str, next(iter(ours.values())).shape))
    apart = {name: _apart(case, peer, on_its) for name, (peer, on_its) in peers.items()}
    return Line(case.product.id, f"{len(ours)} of {shape}, {finite(ours):.0%} data", apart)


def _apart(case: Case, peer: Compute, engine: Compute) -> float | str:
    try:
        theirs = peer(case)
    except Exception as error:  # what a peer cannot do, it says in its own way
        return f"— ({_short(error)})"
    return difference(engine(case), theirs)


def page(lines: Iterable[Line], versions: dict[str, str]) -> str:
    """As Markdown."""
    names = list(LIMITS)
    rows = [
        "| product | compared | " + " | ".join(f"{versions[name]} (≤ {LIMITS[name]:g})" for name in names) + " |",
        "|---|---|" + "---|" * len(names),
    ]
    for line in lines:
        cells = [_cell(line.apart.get(name, "not installed")) for name in names]
        rows.append(f"| `{line.product}` | {line.maps} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1e}" if value else "0"


def _short(error: Exception) -> str:
    text = " ".join(str(error).replace("|", "/").split()) or type(error).__name__
    return text if len(text) <= 90 else f"{text[:90]}..."
