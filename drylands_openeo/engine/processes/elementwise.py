"""What a process on single values rests on: one function serves a Python scalar, a block of pixels, and null.

Null is None for a scalar and NaN in a block; NaN as a scalar is a number that is not one, and no null.
"""

from collections.abc import Callable
from functools import wraps
from numbers import Real
from typing import Any, TypeVar

import numpy as np

from drylands_openeo.engine.values import Block
from drylands_openeo.errors import GraphError

Function = TypeVar("Function", bound=Callable[..., Any])


def is_block(value: Any) -> bool:
    """Whether a value is a block of pixels."""
    return isinstance(value, np.ndarray)


def is_number(value: Any) -> bool:
    """Whether a scalar is a number; true and false are none."""
    return isinstance(value, Real | np.number) and not isinstance(value, bool | np.bool_)


def plain(value: Any) -> Any:
    """A NumPy scalar as the Python scalar that it stands for; blocks as they are."""
    return value.item() if isinstance(value, np.generic) else value


def integral(value: Any) -> Any:
    """A whole float as an integer; infinity, NaN and blocks as they are."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def on_numbers(function: Function) -> Function:
    """Make NumPy arithmetic an openEO process: null where an argument is null, Python scalars out for scalars.

    Blocks of booleans count as 0 and 1 (NumPy would add them as a logical or). Raises for arguments that are no
    numbers, by name.
    """

    @wraps(function)
    def process(*args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()):
            _check_number(value, function.__name__)
        if any(value is None for value in (*args, *kwargs.values())):
            return None
        with np.errstate(all="ignore"):
            return plain(function(*map(_numeric, args), **{name: _numeric(value) for name, value in kwargs.items()}))

    return process  # type: ignore[return-value]


def missing(value: Any) -> Block | bool:
    """Where an operand is null: a block of booleans, or one for all pixels (False where it is known without one)."""
    if is_block(value):
        if value.dtype.kind != "f" or not np.isnan(value.min(initial=0)):  # the least is NaN where any is: one pass
            return False
        nodata: Block = np.isnan(value)
        return nodata
    return value is None


def with_null(result: Any, *operands: Any) -> Any:
    """A block of booleans, or, where an operand is null, of 1, 0 and NaN."""
    nodata: Block | bool = False
    for operand in operands:
        nodata = nodata | missing(operand)
    return result if nodata is False else one_zero_null(result, ~np.asarray(nodata))


def one_zero_null(result: Block, known: Block) -> Block:
    """1 and 0 in float32 for booleans, NaN where they are not known."""
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: faster than np.where, whose branches follow the gaps
        return np.divide(np.logical_and(result, known), known, dtype=np.float32)


def choose(condition: Block, accept: Any, reject: Any) -> Block:
    """``accept`` where the condition holds, else ``reject``; None gives no data, float32 stays float32."""
    chosen: Block = np.where(condition, _branch(accept), _branch(reject))
    return chosen


def _branch(value: Any) -> Any:
    if value is None:
        return np.float32(np.nan)
    _check_number(value, "if")
    if is_block(value):
        return value
    return np.bool_(value) if isinstance(value, bool) else np.float32(value)


def _check_number(value: Any, process: str) -> None:
    if not (value is None or is_block(value) or isinstance(value, Real | np.generic)):
        raise GraphError(f"{process.rstrip('_')} needs numbers, not {value!r}", code="ArgumentInvalid")


def _numeric(value: Any) -> Any:
    return value.astype(np.float32) if is_block(value) and value.dtype == np.bool_ else value
