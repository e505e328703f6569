"""apply_neighborhood: a process on windows of fixed size, counted from the grid's origin, with an overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from drylands_openeo.engine import windows
from drylands_openeo.engine.processes.udf import run_on_cube
from drylands_openeo.engine.registry import Arguments, Footprint, process
from drylands_openeo.engine.values import Cube
from drylands_openeo.engine.windows import Place
from drylands_openeo.errors import GraphError

Sizes = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Layout:
    """Edge lengths and overlaps in pixels; ``one_date`` when each date is its own neighbourhood."""

    rows: int
    columns: int
    row_overlap: int
    column_overlap: int
    one_date: bool

    @classmethod
    def of(cls, size: Sizes, overlap: Sizes | None) -> "_Layout":
        sizes = {entry["dimension"]: entry for entry in size}
        overlaps = {entry["dimension"]: entry for entry in overlap or ()}
        rows, columns = (_pixels(sizes, dim, required=True) for dim in ("y", "x"))
        over = [_pixels(overlaps, dim, required=False) for dim in ("y", "x")]
        return cls(rows, columns, over[0], over[1], _one_date(sizes.get("t")))


class _Aligned(Footprint):
    """Whole neighbourhoods, counted from the origin, and their overlap."""

    def demand(self, window: GeoBox, source: GeoBox, arguments: Arguments) -> GeoBox:
        layout = _Layout.of(arguments["size"], arguments.get("overlap"))
        core = _aligned(window, source, layout)
        return core.pad(layout.column_overlap, layout.row_overlap)


@process(footprint=_Aligned())
def apply_neighborhood(
    data: Cube,
    process: Any,
    size: Sizes,
    overlap: Sizes | None = None,
    context: Any = None,
    *,
    place: Place,
) -> Cube:
    """``process`` on each window of ``size``, with ``overlap`` pixels more on every side; beyond the cube is NaN.

    Every call sees the same number of pixels. The result of a call must keep its pixels; the overlap is cut off.
    """
    layout = _Layout.of(size, overlap)
    ordered = data.transpose(..., "y", "x")
    row, column = place.offset(ordered)
    core = place.grid if place.window is None or place.grid is None else _aligned(place.window, place.grid, layout)
    shape = ordered.shape[-2:] if core is None else core.shape
    top, left = (0, 0) if core is None or place.grid is None else windows.steps(core, place.grid)
    padded = _padded(ordered, layout, (top - row, left - column), (int(shape[0]), int(shape[1])))
    result: Cube | None = None
    for y in range(0, int(shape[0]), layout.rows):
        for x in range(0, int(shape[1]), layout.columns):
            piece = _inner(_call(process, _window(padded, layout, y, x), context, layout), layout)
            result = _frame(piece, ordered, padded, layout, shape) if result is None else result
            into = result.values[..., y : y + layout.rows, x : x + layout.columns]
            into[...] = piece.transpose(*result.dims).values[..., : into.shape[-2], : into.shape[-1]]
    if result is None:
        raise GraphError("apply_neighborhood needs a cube with pixels")
    return result


def _call(process: Any, piece: Cube, context: Any, layout: _Layout) -> Cube:
    if process.only is not None and process.only.process_id == "run_udf":
        whole = Place(None, None)
        return run_on_cube(process, piece, context, along="bands" if layout.one_date else None, place=whole)
    value = process(data=piece, context=context)
    if not isinstance(value, Cube) or any(value.sizes.get(dim) != piece.sizes[dim] for dim in ("y", "x")):
        raise GraphError("the process of apply_neighborhood must return a cube with the pixels that it was given")
    return value


def _padded(cube: Cube, layout: _Layout, start: tuple[int, int], shape: tuple[int, int]) -> Cube:
    """The core rounded up to whole neighbourhoods, with its overlap; NaN where the cube has no pixels."""
    height = -(-shape[0] // layout.rows) * layout.rows + 2 * layout.row_overlap
    width = -(-shape[1] // layout.columns) * layout.columns + 2 * layout.column_overlap
    rows = np.arange(height) + start[0] - layout.row_overlap
    columns = np.arange(width) + start[1] - layout.column_overlap
    values = windows.take(cube, rows, columns)
    coords = {dim: cube.coords[dim] for dim in cube.dims if dim in cube.coords and dim not in ("y", "x")}
    for dim, index in (("y", rows), ("x", columns)):
        if dim in cube.coords:
            labels = cube.coords[dim].values
            step = (labels[-1] - labels[0]) / (len(labels) - 1) if len(labels) > 1 else 1.0
            coords[dim] = labels[0] + index * step
    return Cube(values, dims=cube.dims, coords=coords)


def _window(padded: Cube, layout: _Layout, y: int, x: int) -> Cube:
    return padded.isel(
        y=slice(y, y + layout.rows + 2 * layout.row_overlap),
        x=slice(x, x + layout.columns + 2 * layout.column_overlap),
    )


def _inner(piece: Cube, layout: _Layout) -> Cube:
    return piece.isel(
        y=slice(layout.row_overlap, layout.row_overlap + layout.rows),
        x=slice(layout.column_overlap, layout.column_overlap + layout.columns),
    )


def _frame(piece: Cube, cube: Cube, padded: Cube, layout: _Layout, shape: Any) -> Cube:
    """An empty cube of the core with the labels of the process's result."""
    rows, columns = int(shape[0]), int(shape[1])
    leading = [dim for dim in piece.dims if dim not in ("y", "x")]
    coords = {dim: piece.coords[dim].values for dim in leading if dim in piece.coords}
    for dim, overlap, length in (("y", layout.row_overlap, rows), ("x", layout.column_overlap, columns)):
        if dim in padded.coords:
            coords[dim] = padded.coords[dim].values[overlap : overlap + length]
    if "spatial_ref" in cube.coords:
        coords["spatial_ref"] = cube.coords["spatial_ref"]
    values = np.empty((*(piece.sizes[dim] for dim in leading), rows, columns), piece.dtype)
    return Cube(values, dims=(*leading, "y", "x"), coords=coords)


def _aligned(window: GeoBox, grid: GeoBox, layout: _Layout) -> GeoBox:
    """The window grown to whole neighbourhoods of the grid, cut at the grid's edge."""
    row, column = windows.steps(window, grid)
    top, left = row // layout.rows * layout.rows, column // layout.columns * layout.columns
    bottom = -(-(row + window.shape[0]) // layout.rows) * layout.rows
    right = -(-(column + window.shape[1]) // layout.columns) * layout.columns
    return grid[top : min(bottom, grid.shape[0]), left : min(right, grid.shape[1])]


def _pixels(entries: Mapping[str, Mapping[str, Any]], dim: str, *, required: bool) -> int:
    entry = entries.get(dim)
    if entry is None:
        if required:
            raise GraphError(f"apply_neighborhood: 'size' must give {dim!r} in pixels")
        return 0
    if entry.get("unit", "px") != "px" or int(entry["value"]) != entry["value"] or entry["value"] < 0:
        raise GraphError(f"apply_neighborhood: {dim!r} is {dict(entry)}; give whole pixels, unit 'px'")
    return int(entry["value"])


def _one_date(entry: Mapping[str, Any] | None) -> bool:
    if entry is None or entry.get("value") is None:
        return False
    if str(entry["value"]) in ("P1D", "1"):
        return True
    raise GraphError(
        f"apply_neighborhood: size of 't' is {entry['value']!r}; all dates (none given) or 'P1D' are offered"
    )
