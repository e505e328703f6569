"""Comparisons of single values; types are strict for scalars, and null in gives null out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.elementwise import is_block, is_number, plain, with_null
from drylands_openeo.engine.processes.logic import and_, not_
from drylands_openeo.engine.registry import process


@process
def eq(x: Any, y: Any, delta: Any = None, case_sensitive: bool = True) -> Any:
    """Whether x equals y: numbers within ``delta`` where given, texts with or without regard to case.

    >>> eq(1, 1.0), eq(1, "1"), eq(0, False), eq("Test", "test", case_sensitive=False), eq(1, None)
    (True, False, False, True, None)
    """
    if x is None or y is None:
        return None
    if is_block(x) or is_block(y):
        return with_null(_equal_blocks(x, y, delta), x, y)
    if is_number(x) and is_number(y):
        return plain(abs(x - y) <= delta if delta else x == y)
    if isinstance(x, str) and isinstance(y, str):
        return x == y if case_sensitive else x.casefold() == y.casefold()
    return isinstance(x, bool) and isinstance(y, bool) and x == y


@process
def neq(x: Any, y: Any, delta: Any = None, case_sensitive: bool = True) -> Any:
    """Whether x differs from y: what eq says, turned round."""
    return not_(eq(x, y, delta, case_sensitive))


@process
def gt(x: Any, y: Any) -> Any:
    """Whether x is greater than y; false for what is no number."""
    return _compare(np.greater, x, y)


@process
def gte(x: Any, y: Any) -> Any:
    """Whether x is greater than or equal to y; false for what is no number."""
    return _compare(np.greater_equal, x, y)


@process
def lt(x: Any, y: Any) -> Any:
    """Whether x is less than y; false for what is no number."""
    return _compare(np.less, x, y)


@process
def lte(x: Any, y: Any) -> Any:
    """Whether x is less than or equal to y; false for what is no number."""
    return _compare(np.less_equal, x, y)


@process
def between(x: Any, min: Any, max: Any, exclude_max: bool = False) -> Any:
    """Whether min <= x <= max, or min <= x < max where ``exclude_max``.

    >>> between(1, 0, 1), between(1, 0, 1, exclude_max=True), between("0.5", 0, 1), between(None, 0, 1)
    (True, False, False, None)
    """
    return and_(gte(x, min), lt(x, max) if exclude_max else lte(x, max))


def _compare(compare: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    if x is None or y is None:
        return None
    if is_block(x) or is_block(y):
        return with_null(compare(x, y), x, y)
    return is_number(x) and is_number(y) and bool(compare(x, y))


def _equal_blocks(x: Any, y: Any, delta: Any) -> Any:
    if isinstance(x, str) or isinstance(y, str):
        return np.zeros(np.shape(x if is_block(x) else y), dtype=bool)
    if not delta:
        return np.equal(x, y)
    with np.errstate(invalid="ignore"):
        return np.less_equal(np.abs(np.subtract(x, y, dtype=float)), delta)
