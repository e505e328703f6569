"""openEO arrays in their three forms: a Python list, a list with labels, and a stack of blocks of pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.elementwise import is_block
from drylands_openeo.engine.values import Block, LabeledArray, Stack
from drylands_openeo.errors import GraphError

Array = list[Any] | LabeledArray | Stack


def array(data: Any) -> Array:
    """An array as the engine holds it; a list with blocks among its elements becomes a stack."""
    if isinstance(data, LabeledArray | Stack):
        return data
    if isinstance(data, np.ndarray | str) or not isinstance(data, Sequence):
        raise GraphError(f"an array is needed, not {_what(data)}", code="ArgumentInvalid")
    return stacked(data) if any(is_block(element) for element in data) else list(data)


def elements(data: Array) -> list[Any]:
    """The elements in order; those of a stack are blocks."""
    if isinstance(data, Stack):
        return list(data.values)
    return list(data.values) if isinstance(data, LabeledArray) else data


def labels(data: Array) -> tuple[Any, ...] | None:
    """The labels, or None for an array without."""
    return None if isinstance(data, list) or data.labels is None else tuple(data.labels)


def rebuilt(values: Sequence[Any], labels: Sequence[Any] | None) -> Array:
    """An array of new elements, with labels where there are some."""
    if any(is_block(value) for value in values):
        return stacked(values, labels)
    return list(values) if labels is None else LabeledArray(list(values), list(labels))


def picked(data: Array, positions: Sequence[int]) -> Array:
    """The elements at some positions, in that order, with their labels."""
    named = labels(data)
    chosen = None if named is None else tuple(named[position] for position in positions)
    if isinstance(data, Stack):
        return Stack(data.values[list(positions)], chosen)
    values = elements(data)
    return rebuilt([values[position] for position in positions], chosen)


def stacked(values: Sequence[Any], labels: Sequence[Any] | None = None) -> Stack:
    """Blocks and scalars as one stack; null becomes NaN, scalars are spread over the pixels.

    Float32 stays float32 beside Python numbers.
    """
    blocks = [np.float32(np.nan) if value is None else value for value in values]
    kind = np.result_type(*(block for block in blocks if isinstance(block, np.ndarray | np.generic)))
    weak = any(isinstance(block, int | float) and not isinstance(block, bool) for block in blocks)
    if weak and kind == np.bool_:
        kind = np.dtype(np.float32)
    shape = np.broadcast_shapes(*(np.shape(block) for block in blocks))
    out = np.empty((len(blocks), *shape), dtype=kind)
    for position, block in enumerate(blocks):
        out[position] = block
    return Stack(out, None if labels is None else tuple(labels))


def floating(values: Block) -> Block:
    """The values as floats: float32 and float64 as they are, booleans and integers as float32."""
    return values if values.dtype.kind == "f" else values.astype(np.float32)


def _what(data: Any) -> str:
    return "a block of pixels" if is_block(data) else repr(data)
