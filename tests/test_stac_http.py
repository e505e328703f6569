"""A real STAC API and COGs over HTTP give exactly what the local catalogue gives."""

import importlib
import json
import urllib.request

import numpy as np
import pystac_client
import pytest
import scenes
import servers

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import AssetError, NoItemsError, UnknownCollectionError
from drylands_openeo.stac import StacSource, load, search

AREA = Area.of(scenes.LONLAT)
POLYGON = Area.of(
    {"type": "Polygon", "coordinates": [[[113.99, 42.477], [114.0, 42.477], [113.995, 42.484], [113.99, 42.477]]]}
)
PERIOD = Period.of("2021/2022")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return scenes.write_catalogue(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def address(catalogue):
    """The files, over HTTP."""
    with servers.files(catalogue.folder) as url:
        yield url


@pytest.fixture(scope="module")
def features(catalogue, address):
    """The items, with the addresses that their files have over HTTP."""
    content = json.loads(catalogue.collection_file.read_text())
    for feature in content["features"]:
        for asset in feature["assets"].values():
            asset["href"] = f"{address}/{asset['href']}"
    return content["features"]


@pytest.fixture(scope="module")
def rustac_api(features, tmp_path_factory):
    path = tmp_path_factory.mktemp("rustac") / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    with servers.rustac(path) as url:
        yield url


@pytest.fixture(scope="module")
def pgstac_api(features, tmp_path_factory):
    collections = [
        {
            "id": name,
            "type": "Collection",
            "stac_version": "1.0.0",
            "description": name,
            "license": "proprietary",
            "links": [],
            "extent": {
                "spatial": {"bbox": [[113, 42, 115, 43]]},
                "temporal": {"interval": [["2010-01-01T00:00:00Z", None]]},
            },
        }
        for name in ("sentinel-2-l2a", "dem")
    ]
    with servers.pgstac(collections, features, tmp_path_factory.mktemp("pgstac")) as url:
        yield url


@pytest.fixture(params=["rustac_api", "pgstac_api"])
def api(request):
    return request.getfixturevalue(request.param)


def ids(items):
    return [item.id for item in items]


def test_the_file_server_answers_ranges(address, catalogue):
    item = next(item for item in catalogue.items if item.collection_id == "sentinel-2-l2a")
    request = urllib.request.Request(f"{address}/{item.id}/red.tif", headers={"Range": "bytes=0-9"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 206


@pytest.mark.parametrize("area", [AREA, POLYGON], ids=["bbox", "polygon"])
@pytest.mark.parametrize("limit", [None, 50])
def test_an_api_finds_what_the_local_catalogue_has(api, catalogue, area, limit):
    local = search(catalogue.collection_file, area=area, period=PERIOD, max_cloud_cover=limit)
    assert ids(search(api, area=area, period=PERIOD, max_cloud_cover=limit)) == ids(local)


@pytest.mark.parametrize(
    "where",
    [
        "\"grid:code\" = 'MGRS-49TGE'",
        '"eo:cloud_cover" <= 50',
        {"op": "in", "args": [{"property": "grid:code"}, ["MGRS-49TGE", "MGRS-50TKL"]]},
    ],
)
def test_a_condition_means_the_same_everywhere(api, catalogue, where):
    local = search(catalogue.collection_file, area=AREA, period=PERIOD, where=where)
    assert ids(search(api, area=AREA, period=PERIOD, where=where)) == ids(local)


def test_a_server_that_filters_is_sent_the_filter(pgstac_api, monkeypatch):
    sent = []
    plain = pystac_client.Client.search

    def spy(self, **query):
        sent.append(query)
        return plain(self, **query)

    monkeypatch.setattr(pystac_client.Client, "search", spy)
    search(pgstac_api, area=AREA, period=PERIOD, where="\"grid:code\" = 'MGRS-49TGE'")
    search(pgstac_api, area=AREA, period=PERIOD, where='"eo:cloud_cover" <= 50', max_cloud_cover=50)
    assert sent[0]["filter_lang"] == "cql2-json"
    assert "filter" not in sent[1]
    assert "query" not in sent[1]


def test_every_page_is_fetched(api, catalogue, monkeypatch):
    monkeypatch.setattr(importlib.import_module("drylands_openeo.stac.search"), "PAGE", 2)
    assert len(search(api, area=AREA, period=PERIOD)) == len(search(catalogue.static, area=AREA, period=PERIOD))


def test_a_wrong_collection_lists_what_the_api_has(api):
    with pytest.raises(UnknownCollectionError, match="dem, sentinel-2-l2a"):
        search(api, area=AREA, collection="sentinel-9")


def test_no_items_is_not_a_wrong_collection(api):
    with pytest.raises(NoItemsError, match="0 found"):
        search(api, area=AREA, period=Period.of("2035"))


def test_loading_over_http_equals_loading_from_disk(api, catalogue):
    bands = ["blue", "red", "nir", "scl"]
    layers = [
        StacSource(source, crs=32650).layer(
            "sentinel-2-l2a", spatial_extent=AREA, temporal_extent=["2021-01-01", "2023-01-01"], bands=bands
        )
        for source in (api, catalogue.collection_file, catalogue.static)
    ]
    over_http, *from_disk = [layer.read(layer.grid) for layer in layers]
    assert np.isfinite(over_http).any()
    for cube in from_disk:
        assert over_http.identical(cube)


def test_stackstac_over_http_too(rustac_api, catalogue):
    pytest.importorskip("stackstac", reason="the stackstac extra is not installed")
    found = [search(source, area=AREA, period=Period.of("2022")) for source in (rustac_api, catalogue.static)]
    cubes = [load(items, ["red", "scl"], scenes.WEST, loader="stackstac") for items in found]
    assert np.array_equal(cubes[0], cubes[1], equal_nan=True)


def test_a_file_that_the_server_does_not_have_is_named(rustac_api, address):
    items = search(rustac_api, area=AREA, period=Period.of("2022"))
    items[0].assets["nir"].href = f"{address}/gone.tif"
    with pytest.raises(AssetError, match=rf"item '{items[0].id}', asset 'nir'.*gone\.tif"):
        load(items, ["nir"], scenes.EAST)
    assert len(load(items, ["nir"], scenes.EAST, on_error="gap").attrs["gaps"]) == 1


def test_a_busy_file_server_is_asked_again(catalogue):
    items = search(catalogue.static, area=AREA, period=Period.of("2022"))
    local = load(items, ["red"], scenes.EAST)
    with servers.files(catalogue.folder, busy=2) as url:
        items[0].assets["red"].href = f"{url}/{items[0].id}/red.tif"
        assert load(items, ["red"], scenes.EAST).identical(local)
