"""Arithmetic on single values; each serves a scalar, a block of pixels, and null (which gives null)."""

from typing import Any

import numpy as np

from drylands_openeo.engine.registry import process


@process
def add(x: Any, y: Any) -> Any:
    """``x + y``; null where either is."""
    return None if x is None or y is None else np.add(x, y)
