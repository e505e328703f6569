"""Reducers: one value from an array, over a list of scalars or over a stack of blocks, pixel by pixel."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from drylands_openeo.engine.plan import Callback
from drylands_openeo.engine.processes import pixelwise
from drylands_openeo.engine.processes.checks import is_valid
from drylands_openeo.engine.processes.elementwise import is_block, is_number, plain
from drylands_openeo.engine.processes.logic import and_, false, or_, true
from drylands_openeo.engine.processes.sequences import Array, array, elements, floating, rebuilt
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Stack
from drylands_openeo.errors import GraphError


@process
def mean(data: Any, ignore_nodata: bool = True) -> Any:
    """The arithmetic mean; null for an array without values."""
    return _reduce(data, ignore_nodata, np.mean, pixelwise.mean)


@process
def median(data: Any, ignore_nodata: bool = True) -> Any:
    """The median; null for an array without values."""
    return _reduce(data, ignore_nodata, np.median, pixelwise.median)


@process
def sum_(data: Any, ignore_nodata: bool = True) -> Any:
    """The sum; null for an array without values."""
    return _reduce(data, ignore_nodata, sum, pixelwise.summed)


@process
def product(data: Any, ignore_nodata: bool = True) -> Any:
    """The product; null for an array without values."""
    return _reduce(data, ignore_nodata, math.prod, pixelwise.product)


@process
def min_(data: Any, ignore_nodata: bool = True) -> Any:
    """The least value; null for an array without values."""
    return _reduce(data, ignore_nodata, np.min, pixelwise.minimum)


@process
def max_(data: Any, ignore_nodata: bool = True) -> Any:
    """The greatest value; null for an array without values."""
    return _reduce(data, ignore_nodata, np.max, pixelwise.maximum)


@process
def variance(data: Any, ignore_nodata: bool = True) -> Any:
    """The sample variance; null for an array without values, NaN for one value."""
    return _reduce(data, ignore_nodata, _variance, pixelwise.variance)


@process
def sd(data: Any, ignore_nodata: bool = True) -> Any:
    """The sample standard deviation: the root of the variance."""
    spread = variance(data, ignore_nodata)
    return None if spread is None else plain(np.sqrt(spread))


@process
def extrema(data: Any, ignore_nodata: bool = True) -> Any:
    """The least and the greatest value."""
    return rebuilt([min_(data, ignore_nodata), max_(data, ignore_nodata)], None)


@process
def quantiles(data: Any, probabilities: Any = None, q: int | None = None, ignore_nodata: bool = True) -> Any:
    """Quantiles of type 7 at the probabilities given, or those that part the values in as many equal intervals."""
    wanted = _probabilities(probabilities, q)
    data = array(data)
    if isinstance(data, Stack):
        values = floating(data.values)
        found = pixelwise.quantiles(values, wanted)
        return Stack(found if ignore_nodata else np.where(np.isnan(values).any(axis=0), np.nan, found))
    known = _known(elements(data), ignore_nodata)
    if not known:
        return [None] * len(wanted)
    if any(math.isnan(value) for value in known):
        return [math.nan] * len(wanted)
    return pixelwise.quantiles(np.array(known, dtype=float), wanted).tolist()


@process
def first(data: Any, ignore_nodata: bool = True) -> Any:
    """The first element (that is not null, by default)."""
    return _first(array(data), ignore_nodata)


@process
def last(data: Any, ignore_nodata: bool = True) -> Any:
    """The last element (that is not null, by default)."""
    data = array(data)
    if isinstance(data, Stack):
        return _first(Stack(data.values[::-1]), ignore_nodata)
    return _first(elements(data)[::-1], ignore_nodata)


@process
def count(data: Any, condition: Any = None, context: Any = None) -> Any:
    """How many elements are valid, or fulfil a condition; with the condition ``true``, how many there are."""
    data = array(data)
    if condition is True:
        return len(data)
    if condition is not None and not isinstance(condition, Callback):
        raise GraphError(f"count: condition {condition!r} is neither a process nor true", code="ArgumentInvalid")
    number: Any = 0
    if isinstance(data, Stack):
        number = np.zeros(data.values.shape[1:], dtype=np.float32)
    for element in elements(data):
        number = number + true(is_valid(element) if condition is None else condition(x=element, context=context))
    return number


@process
def all_(data: Any, ignore_nodata: bool = True) -> Any:
    """Whether no element is false; without ``ignore_nodata``, null where null leaves it open."""
    result: Any = True
    for element in elements(array(data)):
        result = and_(result, _not_false(element) if ignore_nodata else element)
    return result


@process
def any_(data: Any, ignore_nodata: bool = True) -> Any:
    """Whether at least one element is true; without ``ignore_nodata``, null where null leaves it open."""
    result: Any = False
    for element in elements(array(data)):
        result = or_(result, true(element) if ignore_nodata else element)
    return result


def _not_false(value: Any) -> Any:
    return ~false(value) if is_block(value) else not false(value)


def _reduce(data: Any, ignore_nodata: bool, scalars: Callable[..., Any], pixels: Callable[[Block], Block]) -> Any:
    data = array(data)
    if isinstance(data, Stack):
        values = floating(data.values)
        reduced = pixels(values)
        if ignore_nodata:
            return reduced
        return np.where(np.isnan(values).any(axis=0), reduced.dtype.type(np.nan), reduced)
    known = _known(elements(data), ignore_nodata)
    if not known:
        return None
    with np.errstate(all="ignore"):
        return plain(scalars(known))


def _known(values: list[Any], ignore_nodata: bool) -> list[Any]:
    """The numbers among the values; none of them where null counts and there is one."""
    known = [value for value in values if value is not None]
    wrong = [value for value in known if not (is_number(value) or isinstance(value, bool))]
    if wrong:
        raise GraphError(f"a reducer needs numbers, not {wrong[0]!r}", code="ArgumentInvalid")
    return known if ignore_nodata or len(known) == len(values) else []


def _variance(values: list[float]) -> Any:
    return np.var(values, ddof=1) if len(values) > 1 else math.nan


def _first(data: Array, ignore_nodata: bool) -> Any:
    if isinstance(data, Stack):
        if ignore_nodata:
            return pixelwise.first(floating(data.values))
        return data.values[0] if len(data) else None
    values = elements(data)
    if not ignore_nodata:
        return values[0] if values else None
    return next((value for value in values if value is not None), None)


def _probabilities(probabilities: Any, q: int | None) -> list[float]:
    if probabilities is None and q is None:
        raise GraphError("quantiles needs 'probabilities'", code="QuantilesParameterMissing")
    if probabilities is not None and q is not None:
        raise GraphError("quantiles takes 'probabilities' or 'q', not both", code="QuantilesParameterConflict")
    wanted: Any = q if probabilities is None else probabilities
    if isinstance(wanted, int):
        return [part / wanted for part in range(1, wanted)]
    if list(wanted) != sorted(wanted):
        raise GraphError(f"quantiles: probabilities {wanted} do not ascend", code="AscendingProbabilitiesRequired")
    return [float(probability) for probability in wanted]
