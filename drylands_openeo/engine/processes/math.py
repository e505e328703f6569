"""Arithmetic on single values, and the constants; each serves a scalar, a block of pixels, and null."""

import math
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.elementwise import integral, is_block, missing, on_numbers
from drylands_openeo.engine.processes.sequences import floating
from drylands_openeo.engine.registry import process
from drylands_openeo.errors import GraphError


@process
@on_numbers
def add(x: Any, y: Any) -> Any:
    """``x + y``."""
    return x + y


@process
@on_numbers
def subtract(x: Any, y: Any) -> Any:
    """``x - y``."""
    return x - y


@process
@on_numbers
def multiply(x: Any, y: Any) -> Any:
    """``x * y``."""
    return x * y


@process
@on_numbers
def divide(x: Any, y: Any) -> Any:
    """``x / y``; by zero: infinity of the sign of x, NaN for 0 / 0."""
    return np.divide(x, y)


@process
@on_numbers
def mod(x: Any, y: Any) -> Any:
    """The rest of ``x / y`` with the sign of y; a finite x is its own rest by an infinite y.

    >>> mod(-27, 5), mod(3.5, -2)
    (3, -0.5)
    """
    if not is_block(y) and y == 0 and not is_block(x):
        raise GraphError("mod by zero", code="DivisionByZero")
    if isinstance(x, int) and isinstance(y, int):
        return x % y
    if is_block(y) or math.isinf(y):
        return np.where(np.isinf(y) & np.isfinite(x), x, np.mod(x, y))[()]
    return np.mod(x, y)


@process
@on_numbers
def power(base: Any, p: Any) -> Any:
    """``base`` to the power of ``p``.

    >>> power(3, 3), power(5, -1)
    (27, 0.2)
    """
    if isinstance(base, int) and isinstance(p, int) and p >= 0:
        return base**p
    raised = base**p if is_block(base) and base.dtype.kind == "f" else np.power(np.asarray(base, dtype=float)[()], p)
    if not is_block(p) and (p != 0 or not is_block(base)):
        return raised
    nodata = missing(base) | missing(p)  # which NumPy takes to be 1 by the powers 0 and 1
    return raised if nodata is False else np.where(nodata, raised.dtype.type(np.nan), raised)


@process
@on_numbers
def normalized_difference(x: Any, y: Any) -> Any:
    """``(x - y) / (x + y)``."""
    return np.divide(x - y, x + y)


@process
@on_numbers
def absolute(x: Any) -> Any:
    """The value without its sign."""
    return abs(x)


@process
@on_numbers
def sgn(x: Any) -> Any:
    """-1, 0 or 1: the sign of x."""
    return integral(float(np.sign(x))) if not is_block(x) else np.sign(x)


@process
@on_numbers
def sqrt(x: Any) -> Any:
    """The square root; NaN for negative x."""
    return np.sqrt(x)


@process
@on_numbers
def exp(p: Any) -> Any:
    """e to the power of p."""
    return np.exp(p)


@process
@on_numbers
def ln(x: Any) -> Any:
    """The natural logarithm; -infinity for 0, NaN for negative x."""
    return np.log(x)


@process
@on_numbers
def log(x: Any, base: Any) -> Any:
    """The logarithm to a base.

    >>> log(1000, 10), log(4, 2)
    (3.0, 2.0)
    """
    if not is_block(base) and base == 10:
        return np.log10(x)
    if not is_block(base) and base == 2:
        return np.log2(x)
    return np.log(x) / np.log(base)


@process
@on_numbers
def floor(x: Any) -> Any:
    """The greatest integer not above x."""
    return np.floor(x) if is_block(x) else integral(float(np.floor(x)))


@process
@on_numbers
def ceil(x: Any) -> Any:
    """The least integer not below x."""
    return np.ceil(x) if is_block(x) else integral(float(np.ceil(x)))


@process
@on_numbers
def int_(x: Any) -> Any:
    """The integer part of x; null for NaN.

    >>> int_(-3.5), int_(float("nan"))
    (-3, None)
    """
    if is_block(x):
        return np.trunc(x)
    return None if math.isnan(x) else integral(float(np.trunc(x)))


@process
@on_numbers
def round_(x: Any, p: Any = 0) -> Any:
    """x to p decimals (p < 0: to powers of ten); halves go to the even neighbour.

    >>> round_(2.5), round_(0.35, 1), round_(1234.5, -2)
    (2.0, 0.4, 1200.0)
    """
    return np.round(x, int(p))


@process
@on_numbers
def clip(x: Any, min: Any, max: Any) -> Any:
    """x, but not below ``min`` nor above ``max``. Raises MinMaxSwapped where min > max."""
    if np.any(np.greater(min, max)):
        raise GraphError(f"clip: min {min} is greater than max {max}", code="MinMaxSwapped")
    return np.minimum(np.maximum(x, min), max)


@process
@on_numbers
def linear_scale_range(x: Any, inputMin: Any, inputMax: Any, outputMin: Any = 0, outputMax: Any = 1) -> Any:
    """x, clipped to the input range, carried linearly to the output range.

    >>> linear_scale_range(0.3, -1, 1, 0, 255)
    165.75
    """
    x = floating(x) if is_block(x) else float(x)
    low, high = np.minimum(inputMin, inputMax), np.maximum(inputMin, inputMax)
    scaled = np.clip(x, low.astype(x.dtype), high.astype(x.dtype)) if is_block(x) else np.clip(x, low, high)
    scaled -= inputMin
    scaled /= inputMax - inputMin
    scaled *= outputMax - outputMin
    scaled += outputMin
    return scaled


@process
def constant(x: Any) -> Any:
    """x, whatever it is."""
    return x


@process
def e() -> float:
    """Euler's number."""
    return math.e


@process
def pi() -> float:
    """The ratio of a circle's circumference to its diameter."""
    return math.pi


@process
def nan() -> float:
    """Not a number."""
    return math.nan
