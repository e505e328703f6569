"""Rasters as STAC 1.1: an item for each date and grid, and the collection of all."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pystac
from odc.geo.geobox import GeoBox

from drylands_openeo.errors import DrylandsError
from drylands_openeo.stacbuild.raster import Raster, RasterBand, nodata_text

EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
]
Href = Callable[[Path], str]


def items_of(rasters: Sequence[Raster], collection: str, href: Href) -> list[pystac.Item]:
    """One item for each date and grid, by id; ``href``: file -> its address in an item."""
    groups: dict[tuple[datetime, str, GeoBox], list[Raster]] = defaultdict(list)
    for raster in rasters:
        groups[raster.time, str(raster.grid.crs), raster.grid].append(raster)
    tiles: dict[datetime, int] = defaultdict(int)
    items = []
    for (time, _, grid), group in sorted(groups.items(), key=lambda pair: pair[1][0].path):
        tiles[time] += 1
        place = f"-{tiles[time]}" if tiles[time] > 1 else ""
        items.append(_item(f"{collection}-{time:%Y%m%dT%H%M}{place}", time, grid, group, href))
    return sorted(items, key=lambda item: item.id)


def collection_of(
    items: Sequence[pystac.Item], id: str, title: str, description: str, license: str
) -> pystac.Collection:
    """The collection, with bands where readers look for them: item_assets and summaries."""
    boxes, times = [item.bbox for item in items if item.bbox], [item.datetime for item in items if item.datetime]
    west, south = (min(box[side] for box in boxes) for side in (0, 1))
    east, north = (max(box[side] for box in boxes) for side in (2, 3))
    extent = pystac.Extent(
        pystac.SpatialExtent([[west, south, east, north]]), pystac.TemporalExtent([[min(times), max(times)]])
    )
    assets: dict[str, dict[str, Any]] = {}
    for item in items:
        for key, asset in item.assets.items():
            assets.setdefault(key, {name: v for name, v in asset.to_dict().items() if name not in ("href", "title")})
    bands = {band["name"]: {"name": band["name"]} for asset in assets.values() for band in asset["bands"]}
    collection = pystac.Collection(
        id, description, extent, title=title or None, license=license, stac_extensions=list(EXTENSIONS)
    )
    collection.summaries = pystac.Summaries({"bands": list(bands.values())})
    collection.extra_fields["item_assets"] = assets
    return collection


def _item(id: str, time: datetime, grid: GeoBox, rasters: Sequence[Raster], href: Href) -> pystac.Item:
    outline = grid.geographic_extent.boundingbox
    bbox = [max(outline.left, -180.0), max(outline.bottom, -90.0), min(outline.right, 180.0), min(outline.top, 90.0)]
    item = pystac.Item(
        id, _rectangle(bbox), bbox, time, properties=dict(_projection(grid)), stac_extensions=list(EXTENSIONS)
    )
    seen: dict[str, Path] = {}
    for raster in sorted(rasters, key=lambda raster: raster.path):
        for band in raster.bands:
            if band.name in seen:
                raise DrylandsError(
                    f"files {seen[band.name].name!r} and {raster.path.name!r} both have band {band.name!r} of {time}: "
                    "name the bands by --bands, or find them in the name by a group (?P<band>...) of --pattern"
                )
            seen[band.name] = raster.path
        key = raster.bands[0].name if len(raster.bands) == 1 else "-".join(band.name for band in raster.bands[:4])
        item.add_asset(key, _asset(raster, href))
    return item


def _asset(raster: Raster, href: Href) -> pystac.Asset:
    fields = {"bands": [_band(band) for band in raster.bands]}
    return pystac.Asset(href(raster.path), media_type=pystac.MediaType.COG, roles=["data"], extra_fields=fields)


def _band(band: RasterBand) -> dict[str, Any]:
    found: dict[str, Any] = {"name": band.name, "data_type": band.dtype}
    if band.nodata is not None:
        found["nodata"] = nodata_text(band.nodata)
    if band.unit:
        found["unit"] = band.unit
    if (band.scale, band.offset) != (1.0, 0.0):
        found |= {"raster:scale": band.scale, "raster:offset": band.offset}
    return found


def _projection(grid: GeoBox) -> Mapping[str, Any]:
    code = grid.crs.epsg if grid.crs is not None else None
    if code is None:
        raise DrylandsError(f"projection {str(grid.crs)[:80]} has no EPSG code: bring the files to one that has")
    return {
        "proj:code": f"EPSG:{code}",
        "proj:bbox": list(grid.boundingbox.bbox),
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.affine)[:6],
    }


def _rectangle(bbox: Sequence[float]) -> dict[str, Any]:
    west, south, east, north = bbox
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [corners]}
