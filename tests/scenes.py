"""A handful of generated Sentinel-2 scenes by the border of UTM zones 49 and 50, as COGs and STAC items.

Reflectance is a smooth function of place, band and day, so that every scene of a day shows the same ground.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pystac
import rasterio
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely.geometry import mapping

EAST = GeoBox.from_bbox((253000, 4707000, 253960, 4707960), "EPSG:32650", resolution=10)
WEST = GeoBox.from_bbox((746020, 4707000, 746980, 4707960), "EPSG:32649", resolution=10)
TILES = {"50TKL": EAST, "49TGE": WEST}
BASE = {"blue": 0.06, "red": 0.18, "nir": 0.27}
KEYS = {"blue": "B02", "red": "B04", "nir": "B08", "scl": "SCL"}
LONLAT = (113.9895, 42.4770, 114.0015, 42.4840)
"""An area inside the two tiles."""


def truth(band: str, grid: GeoBox, day: str) -> np.ndarray:
    """Reflectance at the pixel centres of a grid on a day."""
    x, y = np.meshgrid(grid.coords["x"].values, grid.coords["y"].values)
    if grid.crs.epsg != 32650:
        x, y = Transformer.from_crs(grid.crs.epsg, 32650, always_xy=True).transform(x, y)
    season = 0.02 * np.sin(np.datetime64(day).astype("datetime64[D]").astype(int) / 58)
    return BASE[band] + season + 0.04 * np.sin((x - 253000) / 260) * np.cos((y - 4707000) / 340)


def classes(grid: GeoBox) -> np.ndarray:
    """SCL at 20 m: 5 with a block of 9."""
    scl = np.full(grid.shape, 5, dtype=np.uint8)
    scl[4:12, 6:14] = 9
    return scl


@dataclass(frozen=True)
class Shot:
    """One item: ``strip`` is the data strip's start; ``first`` and ``last`` the rows that it shows."""

    tile: str
    time: str
    baseline: str
    strip: str
    cloud: float = 10.0
    first: int = 0
    last: int = 96
    shift: float = 0.0
    generated: str = "2021-12-01T00:00:00Z"

    @property
    def id(self) -> str:
        stamp = self.time[:19].replace("-", "").replace(":", "")
        return f"S2A_{self.tile}_{stamp}_{self.strip[-4:]}_{self.baseline.replace('.', '')}"

    @property
    def rows(self) -> slice:
        return slice(self.first, self.last)

    @property
    def offset(self) -> float:
        return -0.1 if self.baseline >= "04.00" else 0.0


SHOTS = (
    Shot("50TKL", "2021-06-01T03:10:05Z", "02.14", "20210601T031000"),
    Shot("49TGE", "2021-06-01T03:10:09Z", "02.14", "20210601T031000"),
    Shot("50TKL", "2021-06-11T03:10:05Z", "02.14", "20210611T031000", cloud=40, shift=0.01),
    Shot("50TKL", "2021-06-11T03:10:06Z", "05.00", "20210611T031000", cloud=60, generated="2023-01-01T00:00:00Z"),
    Shot("50TKL", "2021-06-21T03:10:05Z", "05.00", "20210621T031000", last=40),
    Shot("50TKL", "2021-06-21T03:10:05Z", "05.00", "20210621T031019", first=40),
    Shot("49TGE", "2021-07-01T03:10:05Z", "02.14", "20210701T031000"),
    Shot("50TKL", "2021-07-01T03:10:09Z", "05.00", "20210701T031000"),
    Shot("50TKL", "2022-06-01T03:10:05Z", "05.00", "20220601T031000", cloud=85),
)


@dataclass(frozen=True)
class Catalogue:
    """The scenes in a folder: ``collection_file`` (item collection) and ``static`` (catalog.json), relative hrefs."""

    folder: Path

    @property
    def collection_file(self) -> Path:
        return self.folder / "items.json"

    @property
    def static(self) -> Path:
        return self.folder / "static" / "catalog.json"

    @cached_property
    def items(self) -> list[pystac.Item]:
        content = json.loads(self.collection_file.read_text())
        items = [pystac.Item.from_dict(feature) for feature in content["features"]]
        for item in items:
            for asset in item.assets.values():
                asset.href = str(self.folder / asset.href)
        return items


def write_catalogue(folder: Path) -> Catalogue:
    """Writes every shot and both catalogues."""
    features = [_write_shot(shot, folder) for shot in SHOTS] + [_write_dem(folder)]
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    root = pystac.Catalog("scenes", "generated scenes")
    for name in ("sentinel-2-l2a", "dem"):
        extent = pystac.Extent(
            pystac.SpatialExtent([[113.9, 42.4, 114.1, 42.5]]),
            pystac.TemporalExtent([[datetime(2021, 1, 1), None]]),
        )
        child = pystac.Collection(name, name, extent)
        root.add_child(child)
        for feature in features:
            if feature["collection"] == name:
                item = pystac.Item.from_dict(feature)
                for asset in item.assets.values():
                    asset.href = str(folder / asset.href)
                child.add_item(item)
    root.normalize_hrefs(str(folder / "static"))
    for item in root.get_items(recursive=True):
        item.make_asset_hrefs_relative()
    root.save(pystac.CatalogType.SELF_CONTAINED)
    return Catalogue(folder)


def write_band(path: Path, numbers: np.ndarray, grid: GeoBox, nodata: float | None) -> None:
    """One COG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "COG",
        "width": grid.width,
        "height": grid.height,
        "count": 1,
        "dtype": numbers.dtype,
        "crs": str(grid.crs),
        "transform": grid.transform,
        "compress": "deflate",
        "blocksize": 64,
    }
    if nodata is not None:
        profile["nodata"] = nodata
    with rasterio.open(path, "w", **profile) as target:
        target.write(numbers, 1)


def numbers_of(shot: Shot, band: str) -> np.ndarray:
    """The digital numbers that a shot stores, 0 outside its rows."""
    grid = TILES[shot.tile]
    reflectance = truth(band, grid, shot.time[:10]) + shot.shift
    numbers = np.zeros(grid.shape, np.uint16)
    numbers[shot.rows] = np.round((reflectance - shot.offset) * 10000).astype(np.uint16)[shot.rows]
    return numbers


def _write_shot(shot: Shot, folder: Path) -> dict:
    grid = TILES[shot.tile]
    assets = {}
    for band in BASE:
        path = Path(shot.id) / f"{band}.tif"
        write_band(folder / path, numbers_of(shot, band), grid, 0)
        raster = {"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": shot.offset}
        assets[band] = {
            "href": str(path),
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data", "reflectance"],
            "eo:bands": [{"name": KEYS[band], "common_name": band}],
            "raster:bands": [raster],
        }
    coarse = grid.zoom_out(2)
    scl = classes(coarse)
    hidden = np.ones(scl.shape, bool)
    hidden[shot.first // 2 : shot.last // 2] = False
    scl[hidden] = 0
    write_band(folder / shot.id / "scl.tif", scl, coarse, 0)
    assets["scl"] = {
        "href": f"{shot.id}/scl.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "raster:bands": [{"nodata": 0, "data_type": "uint8"}],
    }
    generated = shot.generated.replace("-", "").replace(":", "")[:15]
    seen = grid[shot.rows, :]
    return _feature(
        shot.id,
        seen,
        "sentinel-2-l2a",
        {
            "datetime": shot.time,
            "platform": "sentinel-2a",
            "constellation": "sentinel-2",
            "eo:cloud_cover": shot.cloud,
            "proj:epsg": grid.crs.epsg,
            "grid:code": f"MGRS-{shot.tile}",
            "s2:processing_baseline": shot.baseline,
            "s2:generation_time": shot.generated,
            "s2:datastrip_id": f"S2A_OPER_MSI_L2A_DS_GEN__{generated}_S{shot.strip}_N{shot.baseline}",
        },
        assets,
    )


def _write_dem(folder: Path) -> dict:
    """Heights [m] at 30 m in zone 50, float32, without a no-data mark."""
    grid = GeoBox.from_bbox((252990, 4706970, 254010, 4707990), "EPSG:32650", resolution=30)
    heights = (1000 + np.arange(grid.shape[0])[:, None] + 2 * np.arange(grid.shape[1])[None]).astype(np.float32)
    write_band(folder / "dem" / "dem.tif", heights, grid, None)
    asset = {
        "href": "dem/dem.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "proj:transform": list(grid.transform)[:6],
        "proj:shape": list(grid.shape),
    }
    properties = {"datetime": "2015-01-01T00:00:00Z", "proj:epsg": 32650}
    return _feature("dem", grid, "dem", properties, {"elevation": asset})


def _feature(identity: str, grid: GeoBox, collection: str, properties: dict, assets: dict) -> dict:
    footprint = grid.extent.to_crs("EPSG:4326").geom
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        ],
        "id": identity,
        "collection": collection,
        "geometry": json.loads(json.dumps(mapping(footprint))),
        "bbox": list(footprint.bounds),
        "properties": properties,
        "assets": assets,
        "links": [],
    }
