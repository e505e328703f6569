"""GeoJSON on the grid of a cube: which pixels a geometry takes."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import shapely
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from rasterio.features import rasterize
from shapely.geometry.base import BaseGeometry

from drylands_openeo.engine import windows
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.errors import GraphError

WGS84 = CRS.from_epsg(4326)


def features(geojson: Any) -> list[tuple[Any, BaseGeometry]]:
    """(id or index, geometry) of every feature, in the coordinates in which the GeoJSON is written."""
    return [(name, shapely.geometry.shape(found)) for name, found in _geometries(geojson)]


def crs_of_geojson(geojson: Any) -> CRS:
    """The CRS that a GeoJSON names by its ``crs`` member, else longitude and latitude."""
    named = geojson.get("crs") if isinstance(geojson, Mapping) else None
    if isinstance(named, Mapping):
        return CRS.from_user_input(named.get("properties", {}).get("name"))
    return WGS84 if named is None else CRS.from_user_input(named)


def on_crs(geometry: BaseGeometry, source: CRS, target: Any) -> BaseGeometry:
    """The geometry in other coordinates."""
    target = CRS.from_user_input(str(target)) if target is not None else source
    if source == target:
        return geometry
    transformer = Transformer.from_crs(source, target, always_xy=True)
    return shapely.transform(geometry, lambda points: np.column_stack(transformer.transform(*points.T)))


def placed(geojson: Any, crs: Any) -> list[tuple[Any, BaseGeometry]]:
    """(id or index, geometry in ``crs``) of every feature."""
    source = crs_of_geojson(geojson)
    return [(name, on_crs(geometry, source, crs)) for name, geometry in features(geojson)]


def bounds_on(extent: Mapping[str, Any], crs: Any) -> tuple[float, float, float, float]:
    """(west, south, east, north) of a bounding box in ``crs``; its own CRS defaults to longitude and latitude."""
    source = CRS.from_user_input(extent.get("crs") or WGS84)
    corners = (float(extent["west"]), float(extent["south"]), float(extent["east"]), float(extent["north"]))
    if crs is None or source == CRS.from_user_input(str(crs)):
        return corners
    west, south, east, north = Transformer.from_crs(source, str(crs), always_xy=True).transform_bounds(
        *corners, densify_pts=21
    )
    return west, south, east, north


def require_grid(cube: Cube) -> GeoBox:
    """The grid of a cube, or an error."""
    grid = windows.grid_of(cube)
    if grid is None:
        raise GraphError("the cube has no pixels on the ground (dimensions y and x)", code="DimensionMissing")
    return grid


def taken(geometry: BaseGeometry, grid: GeoBox) -> Block:
    """(y, x) booleans: pixels whose centre a polygon meets, that a line crosses, or that a point is nearest to."""
    if geometry.is_empty:
        return np.zeros(tuple(grid.shape), dtype=bool)
    polygons, lines = _parts(geometry)
    mask: Block = np.zeros(tuple(grid.shape), dtype=bool)
    if polygons:
        mask = _centres_met(shapely.union_all(polygons), grid)
    if lines:
        mask |= _burnt(shapely.union_all(lines), grid, touched=True)
    return mask


def _centres_met(polygon: BaseGeometry, grid: GeoBox) -> Block:
    """Inside by scan line; pixels that the outline touches are tested one by one, since their centre may lie on it."""
    mask = _burnt(polygon, grid, touched=False)
    outline = _burnt(polygon.boundary, grid, touched=True)
    rows, columns = np.nonzero(outline)
    x, y = grid.pix2wld(columns + 0.5, rows + 0.5)
    mask[rows, columns] = shapely.intersects_xy(polygon, x, y)
    return mask


def _burnt(geometry: BaseGeometry, grid: GeoBox, *, touched: bool) -> Block:
    burnt = rasterize(
        [(geometry, 1)], out_shape=tuple(grid.shape), transform=grid.affine, all_touched=touched, dtype="uint8"
    )
    return np.asarray(burnt, dtype=bool)


def _parts(geometry: BaseGeometry) -> tuple[list[BaseGeometry], list[BaseGeometry]]:
    """Polygons, and lines and points, of any geometry."""
    parts = list(shapely.get_parts(geometry))
    while any(part.geom_type.startswith(("Multi", "Geometry")) for part in parts):
        parts = [inner for part in parts for inner in shapely.get_parts(part)]
    areas = [part for part in parts if part.geom_type == "Polygon"]
    return areas, [part for part in parts if part.geom_type != "Polygon"]


def _geometries(geojson: Any) -> Iterator[tuple[Any, Any]]:
    kind = geojson.get("type") if isinstance(geojson, Mapping) else None
    if kind == "FeatureCollection":
        for index, feature in enumerate(geojson["features"]):
            yield feature.get("id", index), feature["geometry"] or {"type": "GeometryCollection", "geometries": []}
    elif kind == "Feature":
        yield geojson.get("id", 0), geojson["geometry"]
    elif kind is not None and ("coordinates" in geojson or "geometries" in geojson):
        yield 0, geojson
    else:
        raise GraphError(f"GeoJSON is needed, not {str(geojson)[:80]}", code="ArgumentInvalid")
