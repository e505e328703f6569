"""Callbacks on cubes: on every value, along a dimension, or reducing one."""

from typing import Any

import numpy as np

from drylands_openeo.engine.processes.callbacks import as_block, as_stack, run_udf_on, udf_of
from drylands_openeo.engine.processes.labels import kind, labelled, require
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Cube, Stack
from drylands_openeo.engine.windows import Place
from drylands_openeo.errors import GraphError, UdfError


@process
def apply(data: Cube, process: Any, context: Any = None, *, place: Place) -> Cube:
    """Every value replaced by what the process makes of it."""
    if udf_of(process):
        return run_udf_on(process, data, context, parameter="x", along="bands", place=place)
    values = data.values
    return data.copy(deep=False, data=as_block(process(x=values, context=context), values.shape, values))


@process
def reduce_dimension(data: Cube, reducer: Any, dimension: str, context: Any = None, *, place: Place) -> Cube:
    """The cube without a dimension, its values reduced to one."""
    if udf_of(reducer):
        require(data, dimension)
        return _dropped(run_udf_on(reducer, data, context, parameter="data", along=dimension, place=place), dimension)
    along = Stack.along(data, require(data, dimension))
    value = as_block(reducer(data=along, context=context), along.values.shape[1:], along.values)
    return _without(data, dimension, value)


@process
def apply_dimension(
    data: Cube,
    process: Any,
    dimension: str,
    target_dimension: str | None = None,
    context: Any = None,
    *,
    place: Place,
) -> Cube:
    """The values along a dimension replaced by the array that the process makes of them.

    Labels stay where their number does and no other target dimension is named; else they count from 0.
    """
    require(data, dimension)
    if udf_of(process):
        return run_udf_on(process, data, context, parameter="data", along=dimension, place=place)
    along = Stack.along(data, dimension)
    values = as_stack(process(data=along, context=context), along.values.shape[1:], along.values)
    target = dimension if target_dimension is None else target_dimension
    if target == dimension:
        axis = data.get_axis_num(dimension)
        changed = _with_length(data, dimension, np.moveaxis(values, 0, axis))
        return changed if len(values) == len(along) else _enumerated(changed, dimension, kind(data, dimension))
    if target not in data.dims:
        changed = _with_length(data, dimension, np.moveaxis(values, 0, data.get_axis_num(dimension)))
        dropped = changed.drop_vars(dimension, errors="ignore").rename({dimension: target})
        return _enumerated(dropped, target, "other")
    if data.sizes[target] != 1:
        raise GraphError(
            f"target dimension {target!r} has {data.sizes[target]} labels; it may have one",
            code="DimensionLabelCountMismatch",
        )
    return _enumerated(_onto(data, dimension, target, values), target, kind(data, target))


def _dropped(result: Cube, dimension: str) -> Cube:
    """What a UDF made, without the dimension that it was to reduce."""
    if dimension not in result.dims:
        return result
    if result.sizes[dimension] != 1:
        raise UdfError(f"the UDF was to reduce {dimension!r}, but returned {result.sizes[dimension]} labels of it")
    return result.isel({dimension: 0}, drop=True)


def _onto(data: Cube, dimension: str, target: str, values: Any) -> Cube:
    """The values (n, ...others) along ``target``, of which there was one label, without ``dimension``."""
    others = [str(name) for name in data.dims if name != dimension]
    axis = others.index(target)
    filled = np.moveaxis(np.squeeze(values, axis=axis + 1), 0, axis)
    return _with_length(data.isel({dimension: 0}, drop=True), target, filled)


def _with_length(data: Cube, dimension: str, values: Any) -> Cube:
    """The cube with other values, of another length along one dimension (which then has no labels)."""
    if values.shape == data.shape:
        return data.copy(deep=False, data=values)
    coords = {name: coordinate for name, coordinate in data.coords.items() if dimension not in coordinate.dims}
    return Cube(values, dims=data.dims, coords=coords, attrs=data.attrs)


def _enumerated(data: Cube, dimension: str, like: str) -> Cube:
    return labelled(data, dimension, np.arange(data.sizes[dimension]), like=like)


def _without(data: Cube, dimension: str, values: Any) -> Cube:
    dims = [name for name in data.dims if name != dimension]
    coords = {name: coordinate for name, coordinate in data.coords.items() if dimension not in coordinate.dims}
    return Cube(values, dims=dims, coords=coords, attrs=data.attrs)
