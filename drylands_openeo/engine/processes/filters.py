"""Parts of a cube: by bands, labels, dates, and place."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from odc.geo.geobox import GeoBox

from drylands_openeo.bands import common_name
from drylands_openeo.engine.processes.geometries import bounds_on, placed, require_grid, taken
from drylands_openeo.engine.processes.instants import numpy_instant, require_instant
from drylands_openeo.engine.processes.labels import find, instants, of_kind, require
from drylands_openeo.engine.processes.logic import true
from drylands_openeo.engine.processes.masks import replaced
from drylands_openeo.engine.registry import Arguments, Footprint, process
from drylands_openeo.engine.values import Cube
from drylands_openeo.engine.values import dimension_labels as labels_of
from drylands_openeo.engine.windows import Place
from drylands_openeo.errors import GraphError


@process
def filter_bands(data: Cube, bands: Any = ()) -> Cube:
    """The bands named, in that order, by their label or common name; a name that the cube lacks is passed over."""
    if not bands:
        raise GraphError("filter_bands needs 'bands'", code="BandFilterParameterMissing")
    dimension = band_dimension(data)
    names = labels_of(data, dimension)
    return data.isel({dimension: [position for name in bands for position in band_positions(names, name)]})


@process
def filter_labels(data: Cube, condition: Any, dimension: str, context: Any = None) -> Cube:
    """The labels that fulfil a condition."""
    names = labels_of(data, require(data, dimension))
    keep = [index for index, name in enumerate(names) if true(condition(value=name, context=context))]
    return data.isel({dimension: keep})


@process
def filter_temporal(data: Cube, extent: Any, dimension: str | None = None) -> Cube:
    """The dates from the start of a period up to before its end; null is no limit."""
    start, end = (None if text is None else numpy_instant(require_instant(text)) for text in extent)
    if start is not None and end is not None and start >= end:
        raise GraphError(f"the period {list(extent)} is empty", code="TemporalExtentEmpty")
    dimensions = of_kind(data, "temporal") if dimension is None else [require(data, dimension)]
    if not dimensions:
        raise GraphError("the cube has no temporal dimension", code="DimensionNotAvailable")
    for name in dimensions:
        moments = instants(data, name)
        keep = np.ones(len(moments), dtype=bool)
        keep &= True if start is None else moments >= start
        keep &= True if end is None else moments < end
        data = data.isel({name: slice(None) if keep.all() else np.flatnonzero(keep)})
    return data


class Within(Footprint):
    """A part of the input's grid, pixel for pixel."""

    def grid(self, inputs: Mapping[str, GeoBox | None], arguments: Arguments) -> GeoBox | None:
        """The part of the grid of ``data`` that lies in the extent."""
        source = inputs["data"]
        if source is None:
            return None
        rows, columns = _bbox_pixels(source, arguments["extent"])
        return _part(source, rows, columns)


class WithinGeometries(Within):
    """The part of the input's grid that geometries take."""

    def grid(self, inputs: Mapping[str, GeoBox | None], arguments: Arguments) -> GeoBox | None:
        """The part of the grid of ``data`` that the geometries take."""
        source = inputs["data"]
        return None if source is None else _part(source, *_geometry_pixels(source, arguments["geometries"]))


@process(footprint=Within())
def filter_bbox(data: Cube, extent: Any, *, place: Place) -> Cube:
    """The pixels whose centre lies in a bounding box."""
    if place.window is not None:
        return data
    rows, columns = _bbox_pixels(require_grid(data), extent)
    return data.isel(y=rows, x=columns)


@process(footprint=WithinGeometries())
def filter_spatial(data: Cube, geometries: Any, *, place: Place) -> Cube:
    """The pixels that geometries take, others in their bounding box as no data."""
    if place.window is not None:
        return replaced(data, ~_union(place.window, geometries), None)
    grid = require_grid(data)
    rows, columns = _geometry_pixels(grid, geometries)
    part = data.isel(y=rows, x=columns)
    if part.size == 0:
        return part
    return replaced(part, ~_union(grid, geometries)[rows, columns], None)


def band_dimension(data: Cube) -> str:
    """The dimension of bands."""
    found = of_kind(data, "bands")
    if len(found) != 1:
        raise GraphError(f"the cube has {len(found)} dimensions of bands", code="DimensionMissing")
    return found[0]


def band_positions(names: tuple[Any, ...], wanted: Any) -> list[int]:
    """Where a band is: by its label, else by its common name."""
    exact = find(names, wanted)
    if exact is not None or not isinstance(wanted, str):
        return [] if exact is None else [exact]
    common = common_name(wanted)
    return [index for index, name in enumerate(names) if isinstance(name, str) and common_name(name) == common]


def _bbox_pixels(grid: GeoBox, extent: Any) -> tuple[slice, slice]:
    return _centres_in(grid, bounds_on(extent, grid.crs))


def _geometry_pixels(grid: GeoBox, geometries: Any) -> tuple[slice, slice]:
    """Rows and columns of the bounding box of what the geometries take."""
    bounds = shapely.total_bounds([geometry for _, geometry in placed(geometries, grid.crs)])
    rows, columns = _centres_in(grid, bounds, margin=1)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return rows, columns
    mask = _union(grid[rows, columns], geometries)
    return _span(mask.any(axis=1), rows.start), _span(mask.any(axis=0), columns.start)


def _union(grid: GeoBox, geometries: Any) -> Any:
    mask = np.zeros(tuple(grid.shape), dtype=bool)
    for _, geometry in placed(geometries, grid.crs):
        mask |= taken(geometry, grid)
    return mask


def _centres_in(grid: GeoBox, bounds: Any, *, margin: int = 0) -> tuple[slice, slice]:
    west, south, east, north = bounds
    (left, top), (right, bottom) = grid.wld2pix(west, north), grid.wld2pix(east, south)
    rows, columns = sorted((top, bottom)), sorted((left, right))
    return _whole(rows, grid.shape[0], margin), _whole(columns, grid.shape[1], margin)


def _whole(limits: Sequence[float], size: int, margin: int) -> slice:
    """The pixels whose centre lies between the limits, with a hair's breadth for rounding."""
    low, high = limits
    start = int(np.clip(np.ceil(low - 0.5 - 1e-6) - margin, 0, size))
    stop = int(np.clip(np.floor(high - 0.5 + 1e-6) + 1 + margin, 0, size))
    return slice(start, max(start, stop))


def _span(found: Any, offset: int) -> slice:
    at = np.flatnonzero(found)
    return slice(offset, offset) if len(at) == 0 else slice(offset + int(at[0]), offset + int(at[-1]) + 1)


def _part(grid: GeoBox, rows: slice, columns: slice) -> GeoBox:
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise GraphError("the filter leaves no pixel: its area lies outside of the cube", code="NoDataAvailable")
    return grid[rows, columns]
