"""Three-valued logic: true, false and null (NaN in a block), and the choice between two values."""

from typing import Any

import numpy as np

from drylands_openeo.engine.processes.elementwise import choose, is_block, one_zero_null, with_null
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Stack


@process
def and_(x: Any, y: Any) -> Any:
    """Whether both are true; null where that cannot be told.

    >>> and_(True, None), and_(False, None)
    (None, False)
    """
    return _known(true(x) & true(y), false(x) | false(y))


@process
def or_(x: Any, y: Any) -> Any:
    """Whether at least one is true; null where that cannot be told."""
    return _known(true(x) | true(y), false(x) & false(y))


@process
def xor(x: Any, y: Any) -> Any:
    """Whether exactly one is true; null where either is null."""
    return _known(true(x) & false(y) | false(x) & true(y), true(x) & true(y) | false(x) & false(y))


@process
def not_(x: Any) -> Any:
    """The opposite; null for null."""
    if x is None:
        return None
    return with_null(~true(x), x) if is_block(x) else not true(x)


@process
def if_(value: Any, accept: Any, reject: Any = None) -> Any:
    """``accept`` where the value is true, else (false or null) ``reject``."""
    condition = true(value)
    if not is_block(condition):
        return accept if condition else reject
    if isinstance(accept, Stack) or isinstance(reject, Stack):
        labels = accept.labels if isinstance(accept, Stack) else reject.labels
        return Stack(choose(condition, _values(accept), _values(reject)), labels)
    return choose(condition, accept, reject)


def true(value: Any) -> Any:
    """Where a value is certainly true."""
    if not is_block(value):
        return value is not None and value == value and bool(value)
    if value.dtype == np.bool_:
        return value
    return (value != 0) & (value == value)


def false(value: Any) -> Any:
    """Where a value is certainly false."""
    if not is_block(value):
        return value is not None and not value
    return ~value if value.dtype == np.bool_ else value == 0


def _known(true: Any, false: Any) -> Any:
    """True, false, and null where neither is certain."""
    if not is_block(true) and not is_block(false):
        return bool(true) if true or false else None
    certain = true | false
    return np.broadcast_to(true, certain.shape) if certain.all() else one_zero_null(true, certain)


def _values(value: Any) -> Any:
    return value.values if isinstance(value, Stack) else value
