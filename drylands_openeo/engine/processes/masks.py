"""Values replaced where a mask, or a polygon, says so."""

from typing import Any

import numpy as np

from drylands_openeo.engine.processes.alignment import Aligned, aligned
from drylands_openeo.engine.processes.geometries import placed, require_grid, taken
from drylands_openeo.engine.processes.labels import same_labels
from drylands_openeo.engine.processes.logic import true
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.engine.windows import Place
from drylands_openeo.errors import GraphError


@process(footprint=Aligned("data"))
def mask(data: Cube, mask: Cube, replacement: Any = None) -> Cube:
    """The cube with values replaced where the mask is true or not zero; null in the mask replaces nothing.

    Dimensions that the mask does not have are masked alike at every label.
    """
    mask = aligned(mask, data)
    for name in mask.dims:
        if name not in data.dims or not same_labels(data, mask, str(name)):
            raise GraphError(
                f"the mask's dimension {name!r} does not fit the cube's labels", code="IncompatibleDataCubes"
            )
    ordered = mask.transpose(*(name for name in data.dims if name in mask.dims))
    return replaced(data, _spread(true(ordered.values), ordered, data), replacement)


@process
def mask_polygon(data: Cube, mask: Any, replacement: Any = None, inside: bool = False, *, place: Place) -> Cube:
    """The cube with values replaced where the pixel's centre lies outside (or inside) of all polygons."""
    grid = place.window or require_grid(data)
    within = np.zeros(tuple(grid.shape), dtype=bool)
    for _, geometry in placed(mask, grid.crs):
        within |= taken(geometry, grid)
    marked = within if inside else ~within
    if replacement is not None and data.dtype.kind == "f":
        return replaced(data, _spread_on_pixels(marked, data) & ~np.isnan(data.values), replacement)
    return replaced(data, marked, replacement)


def replaced(data: Cube, marked: Block, replacement: Any) -> Cube:
    """The cube with a value (null: NaN) where marked; ``marked`` is of its shape, or (y, x)."""
    values = data.values
    if marked.ndim != values.ndim:
        marked = _spread_on_pixels(marked, data)
    if replacement is None and values.dtype.kind != "f":
        values = values.astype(np.float32)
    if replacement is None:
        with np.errstate(invalid="ignore"):  # plus 0 / 1 or 0 / 0: three times faster than np.where, which branches
            return data.copy(deep=False, data=values + np.divide(0, ~marked, dtype=values.dtype))
    return data.copy(deep=False, data=np.where(marked, replacement, values))


def _spread(marked: Block, mask: Cube, data: Cube) -> Block:
    shape = [data.sizes[name] if name in mask.dims else 1 for name in data.dims]
    return marked.reshape(shape)


def _spread_on_pixels(marked: Block, data: Cube) -> Block:
    rows, columns = data.get_axis_num("y"), data.get_axis_num("x")
    oriented = marked if rows < columns else marked.T
    return oriented.reshape([data.sizes[name] if name in ("y", "x") else 1 for name in data.dims])
