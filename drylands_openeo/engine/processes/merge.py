"""Two cubes as one."""

from typing import Any

import numpy as np

from drylands_openeo.engine.processes.alignment import Aligned, aligned
from drylands_openeo.engine.processes.callbacks import as_block
from drylands_openeo.engine.processes.labels import instants, kind, label_array, labelled, same_labels
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.errors import GraphError


@process(footprint=Aligned("cube1"))
def merge_cubes(cube1: Cube, cube2: Cube, overlap_resolver: Any = None, context: Any = None) -> Cube:
    """The labels of both cubes; where both have a value for the same labels, the resolver makes one of the two.

    A cube with fewer dimensions is merged with every label of those that it lacks. Combinations of labels that
    neither cube has are no data.
    """
    cube2 = aligned(cube2, cube1)
    wide, narrow = (cube1, cube2) if cube1.ndim >= cube2.ndim else (cube2, cube1)
    if not set(narrow.dims) <= set(wide.dims):
        raise GraphError(
            f"cubes of dimensions {cube1.dims} and {cube2.dims} cannot be merged: one must have the other's",
            code="IncompatibleDataCubes",
        )
    first, second = _with_dims_of(cube1, wide), _with_dims_of(cube2, wide)
    for name in map(str, wide.dims):
        first, second = _dated(first, second, name), _dated(second, first, name)
    if all(same_labels(first, second, str(name)) for name in wide.dims):
        return first.copy(deep=False, data=_resolved(first.values, second.values, overlap_resolver, context))
    return _united(first, second, overlap_resolver, context)


def _with_dims_of(cube: Cube, wide: Cube) -> Cube:
    """The cube spread over the dimensions of another, in their order."""
    lacking = [name for name in wide.dims if name not in cube.dims]
    if lacking:
        cube = cube.expand_dims({name: wide.sizes[name] for name in lacking})
        cube = cube.assign_coords({name: wide.coords[name] for name in lacking if name in wide.coords})
    return cube.transpose(*wide.dims)


def _dated(cube: Cube, other: Cube, name: str) -> Cube:
    """Labels of periods ("2020-01") as their first instants, where the other cube has dates (a UDF gives those)."""
    ours, theirs = cube.coords.get(name), other.coords.get(name)
    if ours is None or theirs is None or "period" not in ours.attrs or theirs.dtype.kind != "M":
        return cube
    return labelled(cube, name, instants(cube, name), like="temporal")


def _united(first: Cube, second: Cube, resolver: Any, context: Any) -> Cube:
    labels = {str(name): _union(first, second, str(name)) for name in first.dims}
    places = [[_places(cube, name, found) for name, found in labels.items()] for cube in (first, second)]
    shape = tuple(len(found) for found in labels.values())
    shared = [np.intersect1d(one, two) for one, two in zip(*places, strict=True)]
    overlap = all(len(both) for both in shared)
    covered = _count(places[0]) + _count(places[1]) - (_count(shared) if overlap else 0)
    values = _empty(shape, first.values, second.values, holes=covered < int(np.prod(shape)))
    values[_index(places[0])] = first.values
    values[_index(places[1])] = second.values
    if overlap:
        ours, theirs = (
            cube.values[_index([_inverse(own, both) for own, both in zip(place, shared, strict=True)])]
            for cube, place in zip((first, second), places, strict=True)
        )
        values[_index(shared)] = _resolved(ours, theirs, resolver, context)
    coords = {name: found for name, found in first.coords.items() if not found.dims}
    for name, found in labels.items():
        like = first.coords.get(name, second.coords.get(name))
        coords[name] = Cube(found, dims=name, attrs={} if like is None else like.attrs)
    return Cube(values, dims=first.dims, coords=coords, attrs=first.attrs)


def _union(first: Cube, second: Cube, name: str) -> Block:
    """The labels of both cubes, in order where the dimension has one, else the second's after the first's."""
    ours, theirs = (cube.coords[name].values for cube in (first, second))
    if same_labels(first, second, name):
        return np.asarray(ours)
    united = list(dict.fromkeys([*ours.tolist(), *theirs.tolist()]))
    if np.issubdtype(ours.dtype, np.datetime64) and np.issubdtype(theirs.dtype, np.datetime64):
        return np.union1d(ours, theirs)
    if kind(first, name) in ("temporal", "spatial") and len({type(label) for label in united}) == 1:
        return np.array(sorted(united, reverse=len(ours) > 1 and bool(ours[0] > ours[-1])))
    return label_array(united, kind(first, name))


def _places(cube: Cube, name: str, united: Block) -> Block:
    at = {label: index for index, label in enumerate(united.tolist())}
    labels = np.asarray(cube.coords[name].values).astype(united.dtype, copy=False).tolist()
    if all(label in at for label in labels):
        return np.array([at[label] for label in labels], dtype=np.intp)
    return np.arange(len(labels))  # the same labels but for rounding


def _inverse(own: Block, both: Block) -> Block:
    at = {place: index for index, place in enumerate(own.tolist())}
    return np.array([at[place] for place in both.tolist()], dtype=np.intp)


def _index(places: list[Block]) -> tuple[Any, ...]:
    """Places as an index: slices where they stand in rows, which is faster."""
    if all(len(place) and np.array_equal(place, np.arange(place[0], place[0] + len(place))) for place in places):
        return tuple(slice(int(place[0]), int(place[-1]) + 1) for place in places)
    return np.ix_(*places)


def _count(places: list[Block]) -> int:
    return int(np.prod([len(place) for place in places]))


def _empty(shape: tuple[int, ...], one: Block, other: Block, *, holes: bool) -> Block:
    kind = np.result_type(one, other)
    if holes and kind.kind != "f":
        kind = np.result_type(kind, np.float32)
    return np.full(shape, np.nan, dtype=kind) if holes else np.empty(shape, dtype=kind)


def _resolved(ours: Block, theirs: Block, resolver: Any, context: Any) -> Block:
    if resolver is None:
        raise GraphError("the cubes overlap: give an overlap_resolver", code="OverlapResolverMissing")
    return as_block(resolver(x=ours, y=theirs, context=context), ours.shape, ours)
