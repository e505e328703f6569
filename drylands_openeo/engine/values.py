"""What flows between processes.

A cube is an ``xarray.DataArray`` with named dimensions. Inside a callback, a single value is a NumPy block of as many
pixels as the tile has, and an openEO array is a :class:`Stack` of such blocks, so that a callback written for one
pixel is evaluated once for all of them. Scalars, texts, lists and null outside cubes are plain Python values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

Cube = xr.DataArray
Block = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Stack:
    """An openEO array over many pixels at once.

    ``values`` (n, ...): the n elements, each a block of pixels; NaN is no data.
    ``labels``: the n labels (band names, dates as RFC 3339 text or numbers), or None for an array without labels.
    """

    values: Block
    labels: tuple[Any, ...] | None = None

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @classmethod
    def along(cls, cube: Cube, dimension: str) -> "Stack":
        """The cube as an array along one dimension; pixels keep the order of the other dimensions."""
        values = np.moveaxis(cube.values, cube.get_axis_num(dimension), 0)
        return cls(values, dimension_labels(cube, dimension))


@dataclass(frozen=True)
class LabeledArray:
    """A plain array with labels, outside any cube: ``values[i]`` belongs to ``labels[i]``."""

    values: Sequence[Any]
    labels: Sequence[Any]

    def __len__(self) -> int:
        return len(self.values)


def dimension_labels(cube: Cube, dimension: str) -> tuple[Any, ...]:
    """Labels of a dimension: its coordinate (dates as RFC 3339 text), else 0..n-1."""
    if dimension not in cube.coords:
        return tuple(range(cube.sizes[dimension]))
    labels = cube.coords[dimension].values
    if np.issubdtype(labels.dtype, np.datetime64):
        return tuple(f"{text}Z" for text in np.datetime_as_string(labels, unit="s"))
    return tuple(labels.tolist())
