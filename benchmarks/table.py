"""One line of the benchmark table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """CPU seconds of ours and of a peer for the same work; ``ratio`` = peer / ours, to be at least ``target``."""

    case: str
    ours: float
    peer: float
    ratio: float
    target: float
