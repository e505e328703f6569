"""Every catalogue's writing of Sentinel-2 gives the same bands; the offset is what is still to be applied."""

import json
import re

import pystac
import pytest
from shared import need

from drylands_openeo.errors import AssetError
from drylands_openeo.stac.dialects import DIALECTS, BandAsset, asset_of, bands_of, dialect_of
from drylands_openeo.stac.metadata import is_sentinel2


def items_in(content):
    """Every item in a JSON document, however deep."""
    if isinstance(content, dict):
        if content.get("type") == "Feature":
            yield pystac.Item.from_dict(content)
        else:
            for value in content.values():
                yield from items_in(value)
    elif isinstance(content, list):
        for value in content:
            yield from items_in(value)


def real(pattern):
    folder = need("data/stac")
    found = [item for path in sorted(folder.glob(pattern)) for item in items_in(json.loads(path.read_text()))]
    assert found, f"no items in {pattern}"
    return found


def test_every_real_sentinel2_level2a_item_parses():
    count = 0
    for item in [*real("*/*.json"), *real("*/*.geojson"), *real("*/*/*.json")]:
        if not is_sentinel2(item) or "L1C" in item.id or item.collection_id == "sentinel-2-global-mosaics":
            continue
        count += 1
        for band in ("blue", "green", "red", "nir", "nir08", "swir16", "swir22"):
            asset = asset_of(item, band)
            assert asset.kind == "reflectance", (item.id, band)
            assert asset.scale == pytest.approx(1e-4), (item.id, band)
            assert asset.offset in (0, -0.1, -0.7), (item.id, band)
            assert asset.nodata in (0, -999), (item.id, band)
        mask = asset_of(item, "fmask" if dialect_of(item).name == "DEA" else "scl")
        assert mask.kind == "classes"
        assert (mask.scale, mask.offset) == (1, 0)
    assert count >= 100


@pytest.mark.parametrize(
    ("pattern", "dialect", "red", "offset"),
    [
        ("earth_search/earth_search_v1*.json", "Earth Search v1", "red", 0),
        ("odc_tools/S2A_17SPR*.json", "Earth Search v0", "B04", 0),
        ("odc_tools/S2B_42TUM*.json", "Earth Search v0", "B04", 0),
        ("odc_tools/S2B_T37MGP*_C1.json", "DE Africa Collection 1", "red", -0.1),
        ("odc_tools/ga_s2am*.json", "DEA", "nbart_red", 0),
        ("odc_stac/site1*.geojson", "Planetary Computer", "B04", 0),
        ("planetary_computer/pc_*.json", "Planetary Computer", "B04", -0.1),
        ("planetary_computer/sentinel-2-l2a-pc.json", "Planetary Computer", "B04", -0.1),
        ("cdse/*.json", "CDSE", "B04_10m", -0.1),
        ("stactools_sentinel2/S2A*T34LBQ.json", "plain STAC", "red", -0.7),
        ("stactools_sentinel2/S2B*N0400*.json", "plain STAC", "red", -0.1),
        ("stactools_sentinel2/esa_*N0214*.json", "plain STAC", "red", 0),
    ],
)
def test_who_has_applied_the_offset(pattern, dialect, red, offset):
    for item in real(pattern):
        assert dialect_of(item).name == dialect
        asset = asset_of(item, "B04")
        assert (asset.key, asset.offset) == (red, offset), item.id


def test_earth_search_originals_keep_the_offset_that_its_own_copies_have_lost():
    applied = [
        item
        for item in real("earth_search/*.json")
        if item.properties["earthsearch:boa_offset_applied"] and "red-jp2" in item.assets
    ]
    assert applied
    for item in applied:
        assert asset_of(item, "red").offset == 0
        assert asset_of(item, "red-jp2").offset == -0.1


def test_aerosol_never_gets_the_offset_of_reflectance():
    for item in real("cdse/*.json"):
        asset = asset_of(item, "aot")
        assert (asset.scale, asset.offset, asset.kind) == (1e-3, 0, "other")


def test_earth_search_collection_1_is_the_declared_offset():
    item = plain({"red": {"raster:bands": [{"scale": 1e-4, "offset": -0.1, "nodata": 0}]}})
    item.collection_id = "sentinel-2-c1-l2a"
    assert dialect_of(item).name == "Earth Search Collection 1"
    assert asset_of(item, "red").offset == -0.1


def plain(assets, **properties):
    document = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "own",
        "geometry": None,
        "properties": {"datetime": "2021-06-11T03:10:00Z", **properties},
        "assets": {key: {"href": f"{key}.tif", "type": "image/tiff", **asset} for key, asset in assets.items()},
        "links": [],
    }
    return pystac.Item.from_dict(document)


def test_plain_stac_by_common_name_in_either_version():
    old = {"eo:bands": [{"name": "x", "common_name": "nir"}], "raster:bands": [{"scale": 0.001, "offset": -0.2}]}
    new = {"bands": [{"name": "y", "eo:common_name": "nir"}], "raster:scale": 0.001, "raster:offset": -0.2, "nodata": 7}
    for asset, nodata in ((old, None), (new, 7)):
        found = asset_of(plain({"band5": asset}), "B08")
        assert (found.key, found.scale, found.offset, found.nodata) == ("band5", 0.001, -0.2, nodata)


def test_plain_stac_finds_a_band_inside_a_file_of_several():
    bands = [{"name": "r", "eo:common_name": "red"}, {"name": "n", "eo:common_name": "nir", "raster:scale": 0.5}]
    found = asset_of(plain({"all": {"bands": bands}}), "nir")
    assert (found.key, found.index, found.scale) == ("all", 2, 0.5)


def test_other_rasters_keep_their_numbers():
    item = plain({"data": {"raster:bands": [{"nodata": -9999}]}, "map": {"classification:classes": [{"value": 10}]}})
    assert asset_of(item, "data") == BandAsset("data", 1, 0, -9999, "other")
    assert asset_of(item, "map").kind == "classes"
    assert bands_of(item) == ("data", "map")


def test_real_items_of_other_roles():
    dem = real("odc_stac/lidar_dem.json")[0]
    assert (asset_of(dem, "dem").scale, asset_of(dem, "dem").kind) == (1, "other")
    worldcover = json.loads(next(need("data/landcover/worldcover").glob("ESA*2021*.json")).read_text())
    assert asset_of(pystac.Item.from_dict(worldcover), "map").kind == "classes"


def test_a_band_that_is_not_there_is_named_with_those_that_are():
    item = plain({"red": {}})
    with pytest.raises(AssetError, match=re.escape("'own' (plain STAC) has no band 'swir16'; it has red")):
        asset_of(item, "swir16")


def test_the_table_names_bands_alike():
    for dialect in DIALECTS:
        assert {"blue", "green", "red", "nir", "nir08", "swir16", "swir22"} <= set(dialect.assets)
