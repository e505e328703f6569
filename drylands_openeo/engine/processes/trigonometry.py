"""Trigonometric and hyperbolic functions on single values, in radians."""

from typing import Any

import numpy as np

from drylands_openeo.engine.processes.elementwise import on_numbers
from drylands_openeo.engine.registry import process


@process
@on_numbers
def sin(x: Any) -> Any:
    """The sine."""
    return np.sin(x)


@process
@on_numbers
def cos(x: Any) -> Any:
    """The cosine."""
    return np.cos(x)


@process
@on_numbers
def tan(x: Any) -> Any:
    """The tangent."""
    return np.tan(x)


@process
@on_numbers
def sinh(x: Any) -> Any:
    """The hyperbolic sine."""
    return np.sinh(x)


@process
@on_numbers
def cosh(x: Any) -> Any:
    """The hyperbolic cosine."""
    return np.cosh(x)


@process
@on_numbers
def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(x)


@process
@on_numbers
def arcsin(x: Any) -> Any:
    """The inverse sine; NaN outside -1..1."""
    return np.arcsin(x)


@process
@on_numbers
def arccos(x: Any) -> Any:
    """The inverse cosine; NaN outside -1..1."""
    return np.arccos(x)


@process
@on_numbers
def arctan(x: Any) -> Any:
    """The inverse tangent."""
    return np.arctan(x)


@process
@on_numbers
def arctan2(y: Any, x: Any) -> Any:
    """The angle of the point (x, y), -pi..pi."""
    return np.arctan2(y, x)


@process
@on_numbers
def arsinh(x: Any) -> Any:
    """The inverse hyperbolic sine."""
    return np.arcsinh(x)


@process
@on_numbers
def arcosh(x: Any) -> Any:
    """The inverse hyperbolic cosine; NaN below 1."""
    return np.arccosh(x)


@process
@on_numbers
def artanh(x: Any) -> Any:
    """The inverse hyperbolic tangent; NaN outside -1..1."""
    return np.arctanh(x)
