"""Spatial aggregation: over geometries, or over all pixels."""

from collections.abc import Callable
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.callbacks import as_block
from drylands_openeo.engine.processes.geometries import placed, require_grid, taken
from drylands_openeo.engine.registry import Whole, process
from drylands_openeo.engine.values import Block, Cube, Stack
from drylands_openeo.errors import GraphError

GEOMETRY = "geometry"
COUNTS = ("value", "total_count", "valid_count")


@process(footprint=Whole())
def reduce_spatial(data: Cube, reducer: Any, context: Any = None) -> Cube:
    """The cube without y and x, all pixels reduced to one value."""
    require_grid(data)
    pixels, rest = _pixels_first(data)
    flat = pixels.reshape(-1, *pixels.shape[2:])
    return _without_pixels(data, rest, as_block(reducer(data=Stack(flat), context=context), flat.shape[1:], flat))


@process(footprint=Whole())
def aggregate_spatial(
    data: Cube, geometries: Any, reducer: Any, target_dimension: str | None = None, context: Any = None
) -> Cube:
    """(geometry, ...): the pixels of every geometry reduced to one value; no data for one without pixels.

    Polygons take the pixels whose centre they meet, lines those that they cross, points the nearest. With a
    ``target_dimension``, that dimension holds the value and the counts of all and of valid pixels.
    The WKT of the geometries stands in the attribute ``geometries``, in the CRS of the cube.
    """
    if target_dimension is not None and target_dimension in data.dims:
        raise GraphError(f"the cube has a dimension {target_dimension!r} already", code="TargetDimensionExists")
    grid = require_grid(data)
    pixels, rest = _pixels_first(data)
    found = placed(geometries, grid.crs)
    values = [
        _zonal(pixels[taken(geometry, grid)], lambda stack: reducer(data=stack, context=context))
        for _, geometry in found
    ]
    chosen = np.stack([value if target_dimension else value[0] for value in values])
    names = np.array([str(name) for name, _ in found])
    dims = (GEOMETRY, *((target_dimension,) if target_dimension else ()), *rest)
    coords = {name: data.coords[name] for name in rest if name in data.coords}
    result = Cube(chosen, dims=dims, coords=coords, attrs={"geometries": [shape.wkt for _, shape in found]})
    result = result.assign_coords({GEOMETRY: (GEOMETRY, names, {"type": "geometry"})})
    return result.assign_coords({target_dimension: list(COUNTS)}) if target_dimension else result


def _zonal(pixels: Block, reduce: Callable[[Stack], Any]) -> Block:
    """(value, total count, valid count) of the pixels (n, ...) of one geometry, each (...)."""
    shape = pixels.shape[1:]
    total = np.full(shape, len(pixels), dtype=np.float32)
    valid = np.isfinite(pixels).sum(axis=0).astype(np.float32)
    value = np.full(shape, np.nan, dtype=np.float32)
    if len(pixels):
        value = as_block(reduce(Stack(pixels)), shape, pixels)
    return np.stack([value, total, valid])


def _pixels_first(data: Cube) -> tuple[Block, list[str]]:
    rest = [str(name) for name in data.dims if name not in ("y", "x")]
    return data.transpose("y", "x", *rest).values, rest


def _without_pixels(data: Cube, rest: list[str], values: Block) -> Cube:
    coords = {name: data.coords[name] for name in rest if name in data.coords}
    return Cube(values, dims=rest, coords=coords, attrs=data.attrs)
