"""Sentinel-2-like COGs on local disk, made in seconds: one tile, many dates, smooth seasons with noise and cloud."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pystac
import rasterio
import rasterio.shutil
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter

CORNER, CRS = (500_000, 4_700_000), "EPSG:32650"
STEP = timedelta(days=5)


def grid(side: int) -> GeoBox:
    """A square of ``side`` pixels of 10 m."""
    left, top = CORNER
    return GeoBox.from_bbox((left, top - side * 10, left + side * 10, top), CRS, resolution=10, tight=True)


def make(folder: Path, *, side: int, dates: int) -> Path:
    """An ItemCollection of ``dates`` scenes; the path of its JSON."""
    path = folder / "items.json"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    relief = gaussian_filter(rng.normal(size=(side, side)), 20) * 800
    texture = rng.normal(0, 25, (side, side))
    items = [_scene(folder, rng, relief, texture, number) for number in range(dates)]
    pystac.ItemCollection(items).save_object(str(path))
    return path


def _scene(folder: Path, rng: np.random.Generator, relief: np.ndarray, texture: np.ndarray, number: int) -> pystac.Item:
    moment = datetime(2023, 1, 3, 3, 15, tzinfo=UTC) + number * STEP
    season = np.cos(2 * np.pi * (number * STEP.days / 365.25 - 0.55))
    cloud = gaussian_filter(rng.normal(size=[size // 2 for size in relief.shape]), 25) * 25 > 0.6
    scl = np.where(cloud, 9, 5).astype(np.uint8)
    noise = rng.permutation(texture)
    pixels = {
        "red": 1800 + relief - 300 * season + noise,
        "nir": 2600 + relief + 600 * season + noise[::-1],
    }
    item = _item(f"S2A_50TKN_{moment:%Y%m%d}_0_L2A", moment, relief.shape[0])
    for name, values in {**pixels, "scl": scl}.items():
        file = folder / f"{item.id}_{name}.tif"
        _write(file, values.clip(1).astype(np.uint8 if name == "scl" else np.uint16), 20 if name == "scl" else 10)
        item.add_asset(name, _asset(file, name))
    return item


def _item(name: str, moment: datetime, side: int) -> pystac.Item:
    outline = grid(side).geographic_extent
    item = pystac.Item(name, outline.json, list(outline.boundingbox.bbox), moment, {})
    item.collection_id = "sentinel-2-l2a"
    item.properties |= {
        "platform": "sentinel-2a",
        "proj:code": CRS,
        "s2:processing_baseline": "05.09",
        "s2:mgrs_tile": "50TKN",
        "s2:datastrip_id": f"S2A_OPER_MSI_L2A_DS_X_{moment:%Y%m%dT%H%M%S}_S{moment:%Y%m%dT%H%M%S}_N05.09",
        "eo:cloud_cover": 20.0,
    }
    return item


def _asset(file: Path, name: str) -> pystac.Asset:
    kind = {"scl": {"data_type": "uint8", "nodata": 0}}.get(
        name, {"data_type": "uint16", "nodata": 0, "scale": 0.0001, "offset": 0.0}
    )
    with rasterio.open(file) as source:
        place = {"proj:shape": list(source.shape), "proj:transform": list(source.transform)[:6]}
    bands = {"eo:bands": [{"name": name, "common_name": name}], "raster:bands": [kind]}
    return pystac.Asset(str(file), media_type=pystac.MediaType.COG, roles=["data"], extra_fields={**place, **bands})


def _write(file: Path, values: np.ndarray, step: int) -> None:
    left, top = CORNER
    profile = {
        "count": 1,
        "dtype": values.dtype,
        "crs": CRS,
        "transform": rasterio.Affine(step, 0, left, 0, -step, top),
    }
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", height=values.shape[0], width=values.shape[1], nodata=0, **profile) as plain:
            plain.write(values, 1)
        with memory.open() as plain:
            rasterio.shutil.copy(plain, file, driver="COG", compress="DEFLATE", predictor="YES", blocksize=512)
