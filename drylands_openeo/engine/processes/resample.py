"""Resampling to another resolution, projection or grid."""

import math
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from odc.geo.warp import rio_reproject
from pyproj import Transformer

from drylands_openeo.engine import windows
from drylands_openeo.engine.registry import Arguments, Footprint, process
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.engine.windows import Place
from drylands_openeo.errors import GraphError

METHODS = {"near": "nearest", "cubicspline": "cubic_spline"}
"""Names of the specification that GDAL writes otherwise."""

KNOWN = frozenset(
    (
        "average",
        "bilinear",
        "cubic",
        "cubicspline",
        "lanczos",
        "max",
        "med",
        "min",
        "mode",
        "near",
        "q1",
        "q3",
        "rms",
        "sum",
    )
)

MARGIN = 4
"""Source pixels read around a window, in units of the larger pixel: wide enough for the lanczos kernel."""


class _Resampled(Footprint):
    """Source pixels around the window, whatever grid they are on."""

    def demand(self, window: GeoBox, source: GeoBox, arguments: Arguments) -> GeoBox:
        return covering(window, source)


class _ToResolution(_Resampled):
    def grid(self, inputs: Any, arguments: Arguments) -> GeoBox | None:
        source = super().grid(inputs, arguments)
        return None if source is None else _target(source, arguments)


class _ToTarget(_Resampled):
    def grid(self, inputs: Any, arguments: Arguments) -> GeoBox | None:
        grid: GeoBox | None = inputs.get("target")
        return grid


@process(footprint=_ToResolution())
def resample_spatial(
    data: Cube,
    resolution: Any = 0,
    projection: Any = None,
    method: str = "near",
    align: str = "upper-left",
    *,
    place: Place,
) -> Cube:
    """The cube on a grid of another resolution [units of the projection] or projection.

    The new grid starts at the corner of the old one that ``align`` names and covers all of it.
    """
    source = _needs_grid(data, "data")
    arguments = {"resolution": resolution, "projection": projection, "align": align}
    return _warp(data, source, place.window or _target(source, arguments), method)


@process(footprint=_ToTarget())
def resample_cube_spatial(data: Cube, target: Cube, method: str = "near", *, place: Place) -> Cube:
    """The cube on the grid of ``target``."""
    return _warp(data, _needs_grid(data, "data"), place.window or _needs_grid(target, "target"), method)


def covering(window: GeoBox, source: GeoBox) -> GeoBox:
    """The window of ``source`` that a window of another grid is resampled from; the same one on the same grid."""
    if same_pixels(window, source):
        return window
    inside = source.enclosing(window.footprint(source.crs))
    ratio = max(1.0, abs(window.resolution.x) / abs(source.resolution.x)) if window.crs == source.crs else 2.0
    return windows.within(inside.pad(math.ceil(MARGIN * ratio)), source)


def same_pixels(one: GeoBox, other: GeoBox) -> bool:
    """Whether two grids have the same pixels, be it in different windows."""
    if one.crs != other.crs or not np.allclose(one.resolution.xy, other.resolution.xy, rtol=1e-9):
        return False
    column, row = other.wld2pix(one.affine.c, one.affine.f)
    return bool(abs(column - round(column)) < 1e-3 and abs(row - round(row)) < 1e-3)


def _target(source: GeoBox, arguments: Arguments) -> GeoBox:
    projection, align = arguments.get("projection"), arguments.get("align", "upper-left")
    if align not in ("lower-left", "upper-left", "lower-right", "upper-right"):
        raise GraphError(f"resample_spatial: align is {align!r}; lower-left, upper-left, lower-right or upper-right")
    step = _resolution(arguments.get("resolution", 0))
    if projection is not None and str(projection) != str(source.crs):
        box = source.to_crs(projection, resolution="auto" if step is None else "fit")
        bounds = source.footprint(box.crs).boundingbox
        step = step or (abs(box.resolution.x), abs(box.resolution.y))
        return _anchored(bounds, box.crs, step, align)
    if step is None:
        return source
    return _anchored(source.boundingbox, source.crs, step, align)


def _anchored(bounds: Any, crs: Any, step: tuple[float, float], align: str) -> GeoBox:
    """The grid of pixels ``step`` that covers the bounds and has its corner ``align`` on theirs."""
    width = max(1, math.ceil((bounds.right - bounds.left) / step[0] - 1e-6))
    height = max(1, math.ceil((bounds.top - bounds.bottom) / step[1] - 1e-6))
    left = bounds.left if align.endswith("left") else bounds.right - width * step[0]
    top = bounds.top if align.startswith("upper") else bounds.bottom + height * step[1]
    return GeoBox.from_bbox(
        (left, top - height * step[1], left + width * step[0], top), crs, shape=(height, width), tight=True
    )


def _resolution(some: Any) -> tuple[float, float] | None:
    values = [float(value) for value in (some if isinstance(some, list | tuple) else [some, some])]
    if len(values) != 2 or min(values) < 0:
        raise GraphError(f"resample_spatial: resolution is {some!r}; give a positive number or a pair (0: as it is)")
    return None if values == [0.0, 0.0] else (values[0], values[1])


def _needs_grid(cube: Cube, argument: str) -> GeoBox:
    grid = windows.grid_of(cube)
    if grid is None or grid.crs is None:
        raise GraphError(f"{argument!r} has no pixels with a known projection", code="DimensionMissing")
    return grid


def _warp(cube: Cube, source: GeoBox, target: GeoBox, method: str) -> Cube:
    if method not in KNOWN:
        raise GraphError(f"resampling method {method!r} is not one of {', '.join(sorted(KNOWN))}")
    if same_pixels(source, target):
        return windows.select(cube, target)
    ordered = cube.transpose(..., "y", "x")
    leading = {str(dim): ordered.coords[dim].variable if dim in ordered.coords else None for dim in ordered.dims[:-2]}
    if method == "near":
        return windows.on_grid(_nearest(ordered, source, target), target, **leading)
    values = np.ascontiguousarray(ordered.values, np.result_type(cube.dtype, np.float32))
    flat = values.reshape(-1, *values.shape[-2:])
    result = np.full((flat.shape[0], *target.shape), np.nan, values.dtype)
    for layer, into in zip(flat, result, strict=True):
        rio_reproject(
            layer,
            into,
            source,
            target,
            METHODS.get(method, method),
            src_nodata=np.nan,
            dst_nodata=np.nan,
            num_threads=1,
        )
    return windows.on_grid(result.reshape(*values.shape[:-2], *target.shape), target, **leading)


def _nearest(cube: Cube, source: GeoBox, target: GeoBox) -> Block:
    """(..., y, x) on ``target``: the source pixel that each pixel's centre lies in, NaN where there is none.

    Our own and not GDAL's, whose warp approximates positions by the window that it is given.
    """
    along, across = (target.coords[dim].values for dim in target.dimensions)
    if source.crs == target.crs:
        x, _ = source.wld2pix(across, along[0])
        _, y = source.wld2pix(across[0], along)
        return windows.take(cube, _floor(y), _floor(x))
    transform = Transformer.from_crs(target.crs, source.crs, always_xy=True).transform
    x, y = source.wld2pix(*transform(*np.meshgrid(across, along)))
    rows, columns = _floor(y), _floor(x)
    inside = (rows >= 0) & (rows < source.shape[0]) & (columns >= 0) & (columns < source.shape[1])
    values: Block = np.full((*cube.shape[:-2], *target.shape), np.nan, np.result_type(cube.dtype, np.float32))
    values[..., inside] = cube.values[..., rows[inside], columns[inside]]
    return values


def _floor(positions: Any) -> windows.Index:
    """Pixels that positions lie in; an edge belongs to the pixel after it, whatever the rounding."""
    return np.floor(np.asarray(positions) + 1e-6).astype(np.intp)
