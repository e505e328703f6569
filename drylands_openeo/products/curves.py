"""Straight lines between knots, and rows of a table, as expressions of a process graph's callback."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

Knots = Sequence[Any]
"""Numbers, or expressions that a process graph takes from its parameters."""


def between_knots(x: Any, knots: Knots, *curves: Knots) -> list[Any]:
    """Each curve at x: linear between the rising ``knots``, constant beyond them; x an expression of a callback.

    A curve is its first value and the sum over the segments of slope times the part of the segment that lies below x.
    """
    parts = [(x - left).clip(min=0, max=right - left) for left, right in pairwise(knots)]
    widths = [right - left for left, right in pairwise(knots)]
    return [
        sum(
            (
                part * ((high - low) / width)
                for part, width, (low, high) in zip(parts, widths, pairwise(curve), strict=True)
            ),
            start=curve[0],
        )
        for curve in curves
    ]


def first_row(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> Any:
    """The ``value`` of the first row whose [low, high) holds each column; null limits hold everything.

    Nothing holds a missing value: no data then. ``columns``: name in the rows -> expression of a callback.
    """
    found = None
    for row in reversed(rows):
        holds = [
            test
            for name, value in columns.items()
            for limit, test in zip(
                row[name], (_at_least(value, row[name][0]), _below(value, row[name][1])), strict=True
            )
            if limit is not None
        ]
        both = holds[0]
        for test in holds[1:]:
            both = both.and_(test)
        found = both.if_(accept=row["value"]) if found is None else both.if_(accept=row["value"], reject=found)
    return found


def _at_least(value: Any, limit: float | None) -> Any:
    return None if limit is None else value >= limit


def _below(value: Any, limit: float | None) -> Any:
    return None if limit is None else value < limit
