"""The generated scenes as Cloud-optimised GeoTIFFs in a static STAC catalogue of the Earth Search kind."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry import Polygon, mapping
from shapely.geometry.base import BaseGeometry

from drylands_openeo.bands import BY_NAME
from drylands_openeo.world.landscape import FRAME
from drylands_openeo.world.passes import HalfPlane, Pass
from drylands_openeo.world.scenes import Scene, Tile
from drylands_openeo.world.sky import sun_elevation

COLLECTION = "sentinel-2-l2a"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
EXTENSIONS = [
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("eo/v1.1.0", "grid/v1.0.0", "mgrs/v1.0.0", "projection/v2.0.0", "raster/v1.1.0", "view/v1.0.0")
]
SHARES = {
    "s2:cloud_shadow_percentage": 3,
    "s2:vegetation_percentage": 4,
    "s2:not_vegetated_percentage": 5,
    "s2:water_percentage": 6,
    "s2:medium_proba_clouds_percentage": 8,
    "s2:high_proba_clouds_percentage": 9,
    "s2:thin_cirrus_percentage": 10,
}


def write_item(folder: Path, tile: Tile, passed: Pass, scene: Scene) -> dict[str, Any]:
    """Write a scene's images and its item into ``folder``/<item id>; return the item."""
    name = f"S2{passed.platform[-1].upper()}_{tile.name}_{passed.sensed:%Y%m%d}_{passed.sequence}_L2A"
    place = folder / name
    place.mkdir(parents=True)
    for band, numbers in scene.numbers.items():
        _write_cog(place / _file(band), numbers, tile.grids[_resolution(band)])
    _write_cog(place / "SCL.tif", scene.scl, tile.grids[20])
    footprint = _footprint(tile, passed.seen)
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": EXTENSIONS,
        "id": name,
        "collection": COLLECTION,
        "geometry": mapping(footprint),
        "bbox": list(footprint.bounds),
        "properties": _properties(tile, passed, scene.scl),
        "links": [
            {"rel": "root", "href": "../../catalog.json", "type": "application/json"},
            {"rel": "parent", "href": "../collection.json", "type": "application/json"},
            {"rel": "collection", "href": "../collection.json", "type": "application/json"},
        ],
        "assets": {band: _reflectance_asset(band, tile.grids[_resolution(band)], passed) for band in scene.numbers}
        | {"scl": _asset("SCL.tif", "Scene classification map (SCL)", tile.grids[20], "uint8")},
    }
    _write_json(place / f"{name}.json", item)
    return item


def write_catalogue(folder: Path, items: list[dict[str, Any]], *, final: Path) -> None:
    """Write catalog.json, the collection, and items.json.

    The catalogue's links are relative. items.json stands for the answer of a search: its hrefs name files below
    ``final``, the place where the folder will be.
    """
    west, south, east, north = np.array([item["bbox"] for item in items]).T
    moments = sorted(item["properties"]["datetime"] for item in items)
    extent = {
        "spatial": {"bbox": [[float(west.min()), float(south.min()), float(east.max()), float(north.max())]]},
        "temporal": {"interval": [[moments[0], moments[-1]]]},
    }
    root = {"rel": "root", "href": "../catalog.json", "type": "application/json"}
    members = [
        {"rel": "item", "href": f"./{item['id']}/{item['id']}.json", "type": "application/geo+json"} for item in items
    ]
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "title": "Generated Sentinel-2 Level-2A",
        "description": "A small dryland with a known truth, in the form of Sentinel-2 Level-2A. No satellite saw it.",
        "license": "CC0-1.0",
        "extent": extent,
        "links": [root, {**root, "rel": "parent"}, *members],
    }
    child = {"rel": "child", "href": f"./{COLLECTION}/collection.json", "type": "application/json"}
    catalogue = {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "generated-drylands",
        "description": "A generated dryland world.",
        "links": [{**root, "href": "./catalog.json"}, child],
    }
    _write_json(folder / COLLECTION / "collection.json", collection)
    _write_json(folder / "catalog.json", catalogue)
    features = [_located(item, final / COLLECTION / item["id"]) for item in items]
    _write_json(folder / "items.json", {"type": "FeatureCollection", "features": features})


def _located(item: dict[str, Any], place: Path) -> dict[str, Any]:
    self_link = {"rel": "self", "href": str(place / f"{item['id']}.json"), "type": "application/geo+json"}
    assets = {key: {**asset, "href": str(place / asset["href"])} for key, asset in item["assets"].items()}
    return {**item, "links": [self_link], "assets": assets}


def _properties(tile: Tile, passed: Pass, scl: NDArray[np.uint8]) -> dict[str, Any]:
    seen = scl[scl > 0]
    shares = {key: _percent(seen == code) for key, code in SHARES.items()}
    satellite, digits = f"S2{passed.platform[-1].upper()}", passed.baseline.replace(".", "")
    sensed, start, generated = (f"{moment:%Y%m%dT%H%M%S}" for moment in (passed.sensed, passed.start, passed.generated))
    return {
        "datetime": passed.sensed.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "created": f"{passed.generated:%Y-%m-%dT%H:%M:%SZ}",
        "updated": f"{passed.generated:%Y-%m-%dT%H:%M:%SZ}",
        "platform": passed.platform,
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "eo:cloud_cover": _percent(np.isin(seen, (8, 9, 10))),
        "proj:code": f"EPSG:{32600 + tile.zone}",
        "mgrs:utm_zone": tile.zone,
        "mgrs:latitude_band": tile.name[2],
        "mgrs:grid_square": tile.name[3:],
        "grid:code": f"MGRS-{tile.name}",
        "s2:mgrs_tile": tile.name,
        "view:sun_azimuth": 160.0,
        "view:sun_elevation": round(sun_elevation(passed.sensed), 3),
        "s2:nodata_pixel_percentage": _percent(scl == 0),
        **shares,
        "s2:product_type": "S2MSI2A",
        "s2:processing_baseline": passed.baseline,
        "s2:product_uri": f"{satellite}_MSIL2A_{sensed}_N{digits}_R{passed.orbit:03d}_T{tile.name}_{generated}.SAFE",
        "s2:generation_time": f"{passed.generated:%Y-%m-%dT%H:%M:%S.%fZ}",
        "s2:datastrip_id": f"{satellite}_OPER_MSI_L2A_DS_GEN__{generated}_S{start}_N{passed.baseline}",
        "s2:sequence": str(passed.sequence),
    }


def _percent(chosen: NDArray[np.bool_]) -> float:
    return round(100 * float(chosen.mean()), 6) if chosen.size else 0.0


def _reflectance_asset(band: str, grid: Any, passed: Pass) -> dict[str, Any]:
    """As Collection 1 declares it: the offset stands in the metadata and is still in the pixels."""
    sensed = BY_NAME[band]
    asset = _asset(_file(band), f"{band} - {sensed.resolution}m", grid, "uint16")
    asset["raster:bands"][0].update(scale=0.0001, offset=-passed.offset / 10000)
    colour = {
        "name": sensed.sensor_name,
        "common_name": "rededge" if band.startswith("rededge") else band,
        "center_wavelength": sensed.centre / 1000,
        "full_width_half_max": sensed.width / 1000,
    }
    return {**asset, "eo:bands": [colour], "roles": ["data", "reflectance"]}


def _asset(href: str, title: str, grid: Any, dtype: str) -> dict[str, Any]:
    resolution = int(grid.resolution.x)
    return {
        "href": f"./{href}",
        "type": COG,
        "title": title,
        "gsd": resolution,
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.affine)[:6],
        "raster:bands": [{"nodata": 0, "data_type": dtype, "spatial_resolution": resolution}],
        "roles": ["data"],
    }


def _resolution(band: str) -> int:
    return BY_NAME[band].resolution


def _file(band: str) -> str:
    return f"{BY_NAME[band].sensor_name}.tif"


def _footprint(tile: Tile, side: HalfPlane | None) -> BaseGeometry:
    """The outline [degrees] of the pixels that have data."""
    framed = _projected(tile.grids[10].extent.geom, str(tile.grids[10].crs), FRAME)
    if side is not None:
        framed = framed.intersection(_polygon(side, reach=1e6))
    return _projected(framed, FRAME, "EPSG:4326")


def _projected(outline: BaseGeometry, source: str, target: str) -> BaseGeometry:
    transformer = _transformer(source, target)
    return shapely.transform(outline, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))


@cache
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _polygon(side: HalfPlane, *, reach: float) -> Polygon:
    """A square of the half plane, ``reach`` [m] to each side of the foot of its edge."""
    normal = np.array([side.east, side.north])
    length = float(np.hypot(*normal))
    foot, normal = normal * side.limit / length**2, normal / length
    along = np.array([-normal[1], normal[0]]) * reach
    return Polygon([foot - along, foot + along, foot + along - normal * reach, foot - along - normal * reach])


def _write_cog(path: Path, image: NDArray[Any], grid: Any) -> None:
    block = 512 if max(image.shape) > 256 else 256
    options = {"compress": "deflate", "predictor": "YES", "level": 1, "blocksize": block}
    overviews = {"overview_resampling": "nearest" if image.dtype == np.uint8 else "average"}
    placed = {"crs": str(grid.crs), "transform": grid.affine, "nodata": 0}
    height, width = image.shape
    with rasterio.open(
        path,
        "w",
        driver="COG",
        height=height,
        width=width,
        count=1,
        dtype=image.dtype,
        **placed,
        **options,
        **overviews,
    ) as target:
        target.write(image, 1)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
