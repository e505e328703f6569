"""A large area as tiles on one grid: whole pixels, one projection, an overlap that is cut off again."""

import math
from dataclasses import dataclass

from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry, box

from drylands_openeo.area import Area
from drylands_openeo.errors import DrylandsError
from drylands_openeo.stac.grid import utm_of

ALIGN = 60.0
"""Tiles begin at multiples of this [m]: where pixels of 10, 20 and 60 m begin."""

MARGIN = 300.0
"""How far a job reads beyond its tile [m]: further than a cloud's mask grows (240 m)."""

Sides = tuple[float, float, float, float]


@dataclass(frozen=True)
class Tile:
    """A part of an area: left, bottom, right, top in the grid's projection."""

    name: str
    sides: Sides

    def extent(self, crs: str, margin: float) -> dict[str, float | int]:
        """The openEO extent that a job loads."""
        west, south, east, north = self.sides
        code = int(crs.removeprefix("EPSG:"))
        return {
            "west": west - margin,
            "south": south - margin,
            "east": east + margin,
            "north": north + margin,
            "crs": code,
        }


@dataclass(frozen=True)
class Split:
    """Tiles of at most ``side`` [m] that together cover an area; ``crs``: EPSG:..., of all of them."""

    crs: str
    side: float
    margin: float
    tiles: tuple[Tile, ...]

    @property
    def sides(self) -> Sides:
        """Of all tiles together."""
        west, south, east, north = zip(*(tile.sides for tile in self.tiles), strict=True)
        return min(west), min(south), max(east), max(north)

    def grid(self, resolution: tuple[float, float]) -> GeoBox:
        """The grid of the mosaic, for pixels of this size (x, y)."""
        return GeoBox.from_bbox(self.sides, self.crs, resolution=abs(resolution[0]), tight=True)


def split(
    area: Area, side: float, *, crs: str | None = None, margin: float = MARGIN, resolution: float | None = None
) -> Split:
    """Cut an area into square tiles of ``side`` [m]; those that do not touch it are left out.

    ``crs``: a projection in metres, EPSG:...; default: the UTM zone of the area's centre. ``resolution``: pixel size
    [m] where it is not one of Sentinel-2's.

    >>> parts = split(Area.of([114.0, 42.4, 114.5, 42.6]), 20_000)
    >>> parts.crs, len(parts.tiles), parts.tiles[0].name
    ('EPSG:32650', 6, 'r0c0')
    """
    step = ALIGN if resolution is None or ALIGN % resolution == 0 else resolution
    side, margin = (math.ceil(length / step) * step for length in (side, margin))
    if side < 10 * step:
        raise DrylandsError(f"tiles of {side / 1000:g} km are too small; give at least {10 * step / 1000:g} km")
    code = crs or f"EPSG:{utm_of(area).epsg}"
    outline = _projected(area, code)
    bounds = outline.boundingbox
    left, bottom = (math.floor(value / step) * step for value in (bounds.left, bounds.bottom))
    right, top = (math.ceil(value / step) * step for value in (bounds.right, bounds.top))
    tiles = [
        Tile(f"r{row}c{column}", (x, max(y - side, bottom), min(x + side, right), y))
        for row, y in enumerate(_steps(top, bottom, -side))
        for column, x in enumerate(_steps(left, right, side))
    ]
    return Split(code, side, margin, tuple(tile for tile in tiles if outline.intersects(box(*tile.sides, code))))


def _projected(area: Area, crs: str) -> Geometry:
    west, south, east, north = area.bbox
    outline = Geometry(area.geometry, "EPSG:4326").to_crs(crs, max(east - west, north - south) / 50)
    if outline.crs.geographic:
        raise DrylandsError(f"crs is {crs!r}; tiles need a projection in metres, EPSG:32650 for instance")
    return outline


def _steps(first: float, last: float, step: float) -> list[float]:
    return [first + number * step for number in range(math.ceil((last - first) / step))]
