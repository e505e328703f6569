"""Arrays in order: sorted, rearranged, accumulated, and their gaps filled by interpolation."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.elementwise import is_number, plain
from drylands_openeo.engine.processes.instants import instant
from drylands_openeo.engine.processes.sequences import array, elements, floating, labels, picked, rebuilt
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Stack
from drylands_openeo.errors import GraphError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@process
def order(data: Any, asc: bool = True, nodata: bool | None = None) -> Any:
    """The indices that sort an array; no-data values are dropped, put last (``true``) or first (``false``)."""
    data = array(data)
    if isinstance(data, Stack):
        return Stack(_stack_order(floating(data.values), asc, nodata))
    values = elements(data)
    known = [index for index, value in enumerate(values) if value is not None]
    compare = cmp_to_key(_compared)
    known.sort(key=lambda index: compare(values[index]), reverse=not asc)
    empty = [index for index, value in enumerate(values) if value is None]
    return known if nodata is None else [*known, *empty] if nodata else [*empty, *known]


@process
def rearrange(data: Any, order: Any) -> Any:
    """The elements at the given indices, in that order."""
    data = array(data)
    permutation = array(order)
    if isinstance(permutation, Stack):
        if not isinstance(data, Stack):
            raise GraphError("an order over pixels rearranges an array over pixels", code="ArgumentInvalid")
        missing = np.isnan(permutation.values)
        at = np.where(missing, 0, permutation.values).astype(np.intp)
        return Stack(np.where(missing, np.float32(np.nan), np.take_along_axis(data.values, at, axis=0)))
    return picked(data, [int(index) for index in elements(permutation)])


@process
def sort(data: Any, asc: bool = True, nodata: bool | None = None) -> Any:
    """The array sorted; no-data values are dropped, put last (``true``) or first (``false``)."""
    data = array(data)
    if isinstance(data, Stack):
        data = Stack(floating(data.values))
    return rearrange(data if isinstance(data, Stack) else elements(data), order(data, asc, nodata))


@process
def cumsum(data: Any, ignore_nodata: bool = True) -> Any:
    """The sums of all elements up to each."""
    return _accumulate(data, ignore_nodata, lambda total, value: total + value, np.add, 0)


@process
def cumproduct(data: Any, ignore_nodata: bool = True) -> Any:
    """The products of all elements up to each."""
    return _accumulate(data, ignore_nodata, lambda total, value: total * value, np.multiply, 1)


@process
def cummin(data: Any, ignore_nodata: bool = True) -> Any:
    """The least of all elements up to each."""
    return _accumulate(data, ignore_nodata, lambda least, value: plain(np.minimum(least, value)), np.minimum, np.inf)


@process
def cummax(data: Any, ignore_nodata: bool = True) -> Any:
    """The greatest of all elements up to each."""
    return _accumulate(data, ignore_nodata, lambda most, value: plain(np.maximum(most, value)), np.maximum, -np.inf)


@process
def array_interpolate_linear(data: Any) -> Any:
    """No-data values between values become the straight line between them, over labels (numbers, dates) or indices.

    >>> array_interpolate_linear([None, 1, None, 6, None, -8])
    [None, 1.0, 3.5, 6.0, -1.0, -8.0]
    """
    data = array(data)
    names = labels(data)
    positions = _positions(names, len(data))
    if isinstance(data, Stack):
        return Stack(_filled(floating(data.values), positions), names)
    values = elements(data)
    if not values:
        return data
    known = np.array([np.nan if value is None else value for value in values], dtype=float)
    filled = _filled(known, positions).tolist()
    return rebuilt([value if new != new else new for value, new in zip(values, filled, strict=True)], names)


def _stack_order(values: Block, asc: bool, nodata: bool | None) -> Block:
    """(n, ...) indices as floats; NaN sorts last by itself."""
    ranked = np.argsort(values if asc else -values, axis=0, kind="stable")
    empty = np.take_along_axis(np.isnan(values), ranked, axis=0)
    if nodata is False:
        ranked = np.take_along_axis(ranked, np.argsort(~empty, axis=0, kind="stable"), axis=0)
    positions = ranked.astype(np.float32)
    return np.where(empty, np.float32(np.nan), positions) if nodata is None else positions


def _compared(one: Any, other: Any) -> int:
    if isinstance(one, str) != isinstance(other, str):
        raise GraphError(f"{one!r} and {other!r} have no order", code="ArgumentInvalid")
    return int(one > other) - int(one < other)


def _accumulate(
    data: Any, ignore_nodata: bool, step: Callable[[Any, Any], Any], ufunc: np.ufunc, neutral: float
) -> Any:
    data = array(data)
    if isinstance(data, Stack):
        values = floating(data.values)
        missing = np.isnan(values)
        filled = np.where(missing, values.dtype.type(neutral), values) if ignore_nodata else values
        sums = ufunc.accumulate(filled, axis=0, dtype=np.float64).astype(values.dtype)
        return Stack(np.where(missing, values.dtype.type(np.nan), sums), data.labels)
    out: list[Any] = []
    so_far: Any = None
    for value in elements(data):
        if value is None and not ignore_nodata:
            out += [None] * (len(data) - len(out))
            break
        if value is not None:
            so_far = value if so_far is None else step(so_far, value)
        out.append(None if value is None else so_far)
    return rebuilt(out, labels(data))


def _positions(names: tuple[Any, ...] | None, number: int) -> Block:
    """Where the elements lie: numbers and dates by themselves, anything else by its index."""
    if names is not None and all(is_number(name) for name in names):
        return np.array(names, dtype=float)
    if names is not None and all(isinstance(name, str) for name in names):
        dates = [instant(name) for name in names]
        if all(date is not None for date in dates):
            return np.array([(date - EPOCH).total_seconds() / 86400 for date in dates if date is not None])
    return np.arange(number, dtype=float)


def _filled(values: Block, positions: Block) -> Block:
    """(n, ...) with inner gaps interpolated; two passes carry the last value before and the first after."""
    after, after_at = np.full_like(values, np.nan), np.full_like(values, np.nan)
    if len(values) == 0:
        return values
    positions = (positions - positions[0]).astype(values.dtype)
    value, at = after[0], after_at[0]
    for index in reversed(range(len(values))):
        known = values[index] == values[index]
        value, at = np.where(known, values[index], value), np.where(known, positions[index], at)
        after[index], after_at[index] = value, at
    out = values.copy()
    value, at = np.full_like(values[0], np.nan), np.full_like(values[0], np.nan)
    for index in range(len(values)):
        known = values[index] == values[index]
        value, at = np.where(known, values[index], value), np.where(known, positions[index], at)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (positions[index] - at) / (after_at[index] - at)
            line = value * (1 - share) + after[index] * share
        out[index] = np.where(known, values[index], line)
    return out
