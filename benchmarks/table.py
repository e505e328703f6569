"""One line of the benchmark table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Times of ours and of a peer [s of CPU], their ratio peer / ours, and the ratio to reach."""

    case: str
    ours: float
    peer: float
    ratio: float
    target: float
