"""What a STAC source holds, collection by collection."""

import json

import pystac

from drylands_openeo import local


def seen(name, collection, day, bbox, assets):
    outline = {"type": "Polygon", "coordinates": [[bbox[:2], bbox[2:], bbox[:2]]]} if bbox else None
    item = pystac.Item(name, outline, bbox, pystac.utils.str_to_datetime(f"{day}T00:00:00Z"), {})
    item.collection_id = collection
    for key in assets:
        item.add_asset(key, pystac.Asset(f"https://example.org/{key}.tif", media_type=pystac.MediaType.COG))
    return item.to_dict()


def test_collections_of_a_file_of_items(tmp_path):
    from drylands_openeo.server.collections import collections_of

    items = [
        seen("one", "sentinel-s2-l2a-cogs", "2020-05-01", [113, 42, 114, 43], ("B04", "B08", "SCL")),
        seen("two", "sentinel-s2-l2a-cogs", "2020-06-01", [114, 42, 115, 44], ("B04", "B08", "SCL")),
        seen("rain", "rain", "2020-01-01", None, ("precipitation",)),
    ]
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}), "utf-8")
    found = collections_of(local.source_of(source=path))
    assert found.ids() == ["rain", "sentinel-2-l2a", "sentinel-s2-l2a-cogs"]
    by_role = found.full("sentinel-2-l2a")
    assert by_role["id"] == "sentinel-2-l2a"
    assert by_role["cube:dimensions"]["bands"]["values"] == ["red", "nir", "scl"]
    assert by_role["cube:dimensions"]["x"]["extent"] == [113, 115]
    assert by_role["cube:dimensions"]["y"]["extent"] == [42, 44]
    assert by_role["cube:dimensions"]["t"]["extent"] == ["2020-05-01T00:00:00Z", "2020-06-01T00:00:00Z"]
    assert found.full("rain")["cube:dimensions"]["x"]["extent"] == [-180, 180]
    assert found.full("rain")["cube:dimensions"]["bands"]["values"] == ["precipitation"]
