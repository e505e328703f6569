"""What kind of value something is: never null, always true or false."""

import math
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.elementwise import is_block, is_number
from drylands_openeo.engine.registry import process


@process
def is_nodata(x: Any) -> Any:
    """Whether x is null; in a block, NaN."""
    return np.isnan(x) if is_block(x) else x is None


@process
def is_nan(x: Any) -> Any:
    """Whether x is the number NaN, which in a block is no data."""
    return np.isnan(x) if is_block(x) else is_number(x) and math.isnan(x)


@process
def is_valid(x: Any) -> Any:
    """Whether x is neither null, nor NaN, nor infinite."""
    if is_block(x):
        return np.isfinite(x)
    return math.isfinite(x) if is_number(x) else x is not None


@process
def is_infinite(x: Any) -> Any:
    """Whether x is plus or minus infinity."""
    return np.isinf(x) if is_block(x) else is_number(x) and math.isinf(x)
