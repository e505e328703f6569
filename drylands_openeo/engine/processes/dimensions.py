"""Dimensions of a cube: added, dropped, renamed, flattened; their labels read and renamed."""

from itertools import product
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.labels import find, kind, labelled, require
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Cube
from drylands_openeo.engine.values import dimension_labels as labels_of
from drylands_openeo.errors import GraphError

KINDS = ("bands", "geometry", "spatial", "temporal", "other")


@process
def create_data_cube() -> Cube:
    """A cube without dimensions."""
    return Cube(np.float32(np.nan))


@process
def add_dimension(data: Cube, name: str, label: Any, type: str = "other") -> Cube:
    """The cube with one more dimension, of one label, in the first place."""
    if name in data.dims:
        raise GraphError(f"the cube has a dimension {name!r} already", code="DimensionExists")
    if type not in KINDS:
        raise GraphError(f"dimension type {type!r} is none of {', '.join(KINDS)}", code="ArgumentInvalid")
    return labelled(data.expand_dims(name), name, [label], like=type)


@process
def drop_dimension(data: Cube, name: str) -> Cube:
    """The cube without a dimension that has one label left."""
    if data.sizes[require(data, name)] > 1:
        raise GraphError(f"dimension {name!r} has {data.sizes[name]} labels", code="DimensionLabelCountMismatch")
    return data.isel({name: 0}, drop=True)


@process
def rename_dimension(data: Cube, source: str, target: str) -> Cube:
    """The cube with another name for a dimension."""
    like = kind(data, require(data, source))
    if target in data.dims:
        raise GraphError(f"the cube has a dimension {target!r} already", code="DimensionExists")
    renamed = data.rename({source: target})
    return labelled(renamed, target, renamed.coords[target].values, like=like) if target in renamed.coords else renamed


@process
def dimension_labels(data: Cube, dimension: str) -> list[Any]:
    """The labels of a dimension."""
    return list(labels_of(data, require(data, dimension)))


@process
def rename_labels(data: Cube, dimension: str, target: Any, source: Any = ()) -> Cube:
    """The cube with other names for labels; without ``source``, for labels that count from 0.

    A target that the labels already are is no renaming: graphs name so the bands that a UDF has made, for back-ends
    that do not take them from the UDF.
    """
    names = list(labels_of(data, require(data, dimension)))
    wanted, known = list(target), list(source)
    if wanted == names and not known:
        return data
    if not known:
        if names != list(range(len(names))):
            raise GraphError(f"labels {names} do not count from 0: give 'source'", code="LabelsNotEnumerated")
        known = names[: len(wanted)]
    if len(known) != len(wanted) or len(wanted) > len(names):
        raise GraphError(f"{len(wanted)} new labels for {len(known) or len(names)}", code="LabelMismatch")
    positions = [_position(names, label, dimension) for label in known]
    changed = list(names)
    for position, label in zip(positions, wanted, strict=True):
        changed[position] = label
    _check_distinct(changed, wanted)
    return labelled(data, dimension, changed)


@process
def flatten_dimensions(data: Cube, dimensions: Any, target_dimension: str, label_separator: str = "~") -> Cube:
    """Several dimensions as one, in the place of the first, its labels joined."""
    for name in dimensions:
        require(data, name)
    if target_dimension in data.dims and target_dimension not in dimensions:
        raise GraphError(f"the cube has a dimension {target_dimension!r} already", code="TargetDimensionExists")
    joined = [
        label_separator.join(map(str, parts)) for parts in product(*(labels_of(data, name) for name in dimensions))
    ]
    rest = [name for name in data.dims if name not in dimensions]
    place = min(list(data.dims).index(name) for name in dimensions)
    order = [*rest[:place], *dimensions, *rest[place:]]
    values = data.transpose(*order).values
    shape = [*values.shape[:place], len(joined), *values.shape[place + len(dimensions) :]]
    coords = {name: found for name, found in data.coords.items() if not set(dimensions) & set(found.dims)}
    flat = Cube(values.reshape(shape), dims=[*rest[:place], target_dimension, *rest[place:]], coords=coords)
    return labelled(flat, target_dimension, joined, like="other")


@process
def unflatten_dimension(data: Cube, dimension: str, target_dimensions: Any, label_separator: str = "~") -> Cube:
    """One dimension as several, by the parts of its labels."""
    targets = list(target_dimensions)
    parts = [str(label).split(label_separator) for label in labels_of(data, require(data, dimension))]
    for name in targets:
        if name in data.dims and name != dimension:
            raise GraphError(f"the cube has a dimension {name!r} already", code="TargetDimensionExists")
    if any(len(part) != len(targets) for part in parts):
        raise GraphError(f"labels of {dimension!r} do not have {len(targets)} parts", code="LabelMismatch")
    names = [list(dict.fromkeys(part[level] for part in parts)) for level in range(len(targets))]
    if len(parts) != int(np.prod([len(level) for level in names])) or len({tuple(part) for part in parts}) != len(
        parts
    ):
        raise GraphError(f"labels of {dimension!r} are not every combination of their parts", code="LabelMismatch")
    ranks = [parts.index(list(wanted)) for wanted in product(*names)]
    axis = data.get_axis_num(dimension)
    values = np.take(data.values, ranks, axis=axis)
    shape = [*values.shape[:axis], *(len(level) for level in names), *values.shape[axis + 1 :]]
    dims = [*data.dims[:axis], *targets, *data.dims[axis + 1 :]]
    coords = {name: found for name, found in data.coords.items() if dimension not in found.dims}
    split = Cube(values.reshape(shape), dims=dims, coords=coords)
    for name, level in zip(targets, names, strict=True):
        split = labelled(split, name, level, like="other")
    return split


@process
def trim_cube(data: Cube) -> Cube:
    """The cube without labels that hold no data alone: at the ends of dimensions with an order, anywhere in others."""
    valid = ~np.isnan(data.values) if data.dtype.kind == "f" else np.ones(data.shape, dtype=bool)
    keep = {}
    for axis, name in enumerate(data.dims):
        others = tuple(other for other in range(valid.ndim) if other != axis)
        found = np.flatnonzero(valid.any(axis=others))
        ordered = kind(data, str(name)) in ("spatial", "temporal")
        keep[name] = np.arange(found[0], found[-1] + 1) if ordered and len(found) else found
    return data.isel(keep)


def _position(names: list[Any], label: Any, dimension: str) -> int:
    position = find(names, label)
    if position is None:
        raise GraphError(f"{dimension!r} has no label {label!r}; it has {names}", code="LabelNotAvailable")
    return position


def _check_distinct(changed: list[Any], wanted: list[Any]) -> None:
    for label in wanted:
        if changed.count(label) > 1:
            raise GraphError(f"there would be two labels {label!r}", code="LabelExists")
