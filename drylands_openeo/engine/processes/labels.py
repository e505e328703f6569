"""Dimensions of a cube: their kinds (spatial, temporal, bands, geometry, other) and their labels.

The kind stands in the coordinate's attribute ``type`` where a process has set it; else the labels and the name tell.
A coordinate of period labels ("2020-01") carries their ``period``, so that they can be read as instants.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from drylands_openeo.engine.processes import periods
from drylands_openeo.engine.processes.instants import instant, numpy_instant
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.errors import GraphError

KINDS = {"x": "spatial", "y": "spatial", "z": "spatial", "t": "temporal", "bands": "bands", "geometry": "geometry"}


def kind(cube: Cube, dimension: str) -> str:
    """The kind of a dimension."""
    if dimension in cube.coords:
        coordinate = cube.coords[dimension]
        if "type" in coordinate.attrs:
            return str(coordinate.attrs["type"])
        if np.issubdtype(coordinate.dtype, np.datetime64):
            return "temporal"
    return KINDS.get(dimension, "other")


def of_kind(cube: Cube, wanted: str) -> list[str]:
    """The dimensions of a kind."""
    return [str(dimension) for dimension in cube.dims if kind(cube, str(dimension)) == wanted]


def require(cube: Cube, dimension: str) -> str:
    """The dimension, or an error that lists those that there are."""
    if dimension not in cube.dims:
        has = ", ".join(map(str, cube.dims)) or "none"
        raise GraphError(f"the cube has no dimension {dimension!r}; it has {has}", code="DimensionNotAvailable")
    return dimension


def temporal(cube: Cube, dimension: str | None) -> str:
    """The temporal dimension that is named, or the only one that there is."""
    if dimension is not None:
        return require(cube, dimension)
    found = of_kind(cube, "temporal")
    if not found:
        raise GraphError("the cube has no temporal dimension", code="DimensionNotAvailable")
    if len(found) > 1:
        raise GraphError(f"name one of the temporal dimensions {', '.join(found)}", code="TooManyDimensions")
    return found[0]


def labelled(cube: Cube, dimension: str, labels: Any, *, like: str | None = None, **attributes: Any) -> Cube:
    """The cube with new labels on a dimension, of the kind that is given or that it has."""
    coordinate = label_array(labels, like or kind(cube, dimension))
    return cube.assign_coords(
        {dimension: (dimension, coordinate, {"type": like or kind(cube, dimension)} | attributes)}
    )


def label_array(labels: Any, kind: str) -> Block:
    """Labels as a coordinate; dates on a temporal dimension as instants."""
    if isinstance(labels, np.ndarray):
        return labels
    values = list(labels)
    if kind == "temporal" and values and all(instant(value) is not None for value in values):
        return np.array([numpy_instant(moment) for value in values if (moment := instant(value)) is not None])
    if kind == "temporal" and not values:
        return np.array([], dtype="datetime64[ns]")
    if len({isinstance(value, str) for value in values}) > 1:
        mixed = np.empty(len(values), dtype=object)
        mixed[:] = values
        return mixed
    return np.array(values)


def instants(cube: Cube, dimension: str) -> Block:
    """The labels of a temporal dimension as instants (datetime64); period labels by their start."""
    coordinate = cube.coords.get(dimension)
    if coordinate is None:
        raise GraphError(f"dimension {dimension!r} has no labels that could be dates", code="DimensionMismatch")
    if np.issubdtype(coordinate.dtype, np.datetime64):
        return np.asarray(coordinate.values)
    if "period" in coordinate.attrs:
        return periods.starts([str(label) for label in coordinate.values], str(coordinate.attrs["period"]))
    moments = [instant(label) for label in coordinate.values.tolist()]
    if any(moment is None for moment in moments):
        raise GraphError(f"the labels of {dimension!r} are no dates", code="DimensionMismatch")
    return np.array([numpy_instant(moment) for moment in moments if moment is not None], dtype="datetime64[ns]")


def same_labels(one: Cube, other: Cube, dimension: str) -> bool:
    """Whether two cubes have the same labels on a dimension."""
    if dimension not in one.coords or dimension not in other.coords:
        return one.sizes[dimension] == other.sizes[dimension]
    first, second = one.coords[dimension].values, other.coords[dimension].values
    if first.shape != second.shape:
        return False
    if first.dtype.kind == "f" and second.dtype.kind == "f":
        return bool(np.allclose(first, second, rtol=0, atol=tolerance(first)))
    return bool(np.all(first == second))


def tolerance(labels: Block) -> float:
    """A hundredth of the spacing of numeric labels: what rounding may move them."""
    return 0.01 * abs(float(labels[1] - labels[0])) if len(labels) > 1 else 1e-6


def find(names: Sequence[Any], wanted: Any) -> int | None:
    """The index of a label; numbers and texts are told apart."""
    return next(
        (
            index
            for index, name in enumerate(names)
            if name == wanted and isinstance(name, str) == isinstance(wanted, str)
        ),
        None,
    )
