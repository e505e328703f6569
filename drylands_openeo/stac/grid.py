"""The grid of a layer: its projection, its pixel size, and edges at whole multiples of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import rasterio
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry
from odc.geo.geom import box as odc_box
from pystac import Item

from drylands_openeo.area import Area
from drylands_openeo.errors import AssetError, DrylandsError
from drylands_openeo.stac.dialects import asset_of

METRES_PER_DEGREE = 111_320.0

SomeExtent = Area | Mapping[str, Any] | Sequence[float]


def outline_of(extent: SomeExtent) -> Geometry:
    """The outline of a spatial extent: Area, bounding box, GeoJSON, or openEO's west, south, east, north [crs].

    >>> outline_of({"west": 253000, "south": 4707000, "east": 254000, "north": 4708000, "crs": 32650}).crs.epsg
    32650
    """
    if isinstance(extent, Mapping) and "west" in extent:
        try:
            sides = [float(extent[side]) for side in ("west", "south", "east", "north")]
            crs = _crs(extent.get("crs") or 4326, "crs of the spatial extent")
        except (KeyError, TypeError, ValueError) as error:
            raise DrylandsError(
                f"spatial extent {dict(extent)!r} needs numbers west, south, east, north: {error}"
            ) from error
        if not crs.geographic:
            if not (sides[0] < sides[2] and sides[1] < sides[3]):
                raise DrylandsError(f"spatial extent {dict(extent)!r} needs west < east and south < north")
            return odc_box(sides[0], sides[1], sides[2], sides[3], crs)
        extent = sides
    return Geometry(Area.of(extent).geometry, "EPSG:4326")


def area_of(outline: Geometry) -> Area:
    """The same in longitude and latitude; straight sides are followed, not only corners."""
    side = max(outline.boundingbox.span_x, outline.boundingbox.span_y)
    return Area(outline.geom if outline.crs == "EPSG:4326" else outline.to_crs("EPSG:4326", side / 50).geom)


def grid_over(outline: Geometry, *, crs: str | int | None, resolution: float, metres: bool) -> GeoBox:
    """The grid that covers the outline; ``crs`` None: that of an outline in metres, or the UTM zone of its centre.

    ``metres``: ``resolution`` is in metres, whatever the unit of the crs; otherwise it is in that unit.
    """
    own = outline.crs if outline.crs.projected else utm_of(area_of(outline))
    chosen = own if crs is None else _crs(crs, "crs")
    if resolution <= 0:
        raise DrylandsError(f"resolution {resolution:g} is not positive")
    step = resolution / METRES_PER_DEGREE if metres and chosen.geographic else resolution
    side = max(outline.boundingbox.span_x, outline.boundingbox.span_y)
    bounds = (outline if outline.crs == chosen else outline.to_crs(chosen, side / 50)).boundingbox
    return GeoBox.from_bbox(bounds.bbox, chosen, resolution=step)


def utm_of(area: Area) -> CRS:
    """The UTM zone of the area's centre."""
    west, south, east, north = area.bbox
    zone = min(int(((west + east) / 2 + 180) // 6) + 1, 60)
    return CRS(f"EPSG:{(32600 if north + south >= 0 else 32700) + zone}")


def corner_of(item: Item, band: str, grid: GeoBox) -> tuple[float, float] | None:
    """The upper left corner (x, y) of a band's file by its metadata; None if not said or of another projection."""
    own = item.assets[asset_of(item, band).key].extra_fields
    code = own.get("proj:code") or item.properties.get("proj:code") or own.get("proj:epsg")
    transform = own.get("proj:transform") or item.properties.get("proj:transform")
    if not transform or not code or _crs(code, f"projection of {item.id}") != grid.crs:
        return None
    return float(transform[2]), float(transform[5])


def native_resolution(item: Item, band: str) -> float:
    """Pixel size of a band [m], from its metadata, else from the file."""
    key = asset_of(item, band).key
    own = item.assets[key].extra_fields
    code = own.get("proj:code") or item.properties.get("proj:code") or own.get("proj:epsg")
    transform = own.get("proj:transform") or item.properties.get("proj:transform")
    if transform and code:
        size, crs = abs(float(transform[0])), _crs(code, f"projection of {item.id}")
    else:
        size, crs = _of_file(item, key)
    metres = size * METRES_PER_DEGREE if crs.geographic else size
    return float(f"{metres:.2g}")


def _of_file(item: Item, key: str) -> tuple[float, CRS]:
    try:
        with rasterio.open(item.assets[key].href) as file:
            return abs(file.transform.a), _crs(file.crs.to_wkt(), f"projection of {item.id}")
    except (rasterio.errors.RasterioError, AttributeError) as error:
        raise AssetError(f"item {item.id!r}, asset {key!r} has no projection or cannot be read: {error}") from error


def _crs(code: str | int | Any, name: str) -> CRS:
    try:
        return CRS(f"EPSG:{code}" if isinstance(code, int) else code)
    except Exception as error:
        raise DrylandsError(f"{name} {code!r} is not a coordinate reference system: {error}") from error
