"""The same items from every kind of source, duplicates gone before anything chooses by cloud."""

import json

import pytest
import scenes
from shared import need

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import DrylandsError, NoItemsError, SourceError, UnknownCollectionError
from drylands_openeo.stac import search
from drylands_openeo.stac.sources import KNOWN, api_of, collection_ids
from drylands_openeo.stac.where import Where

AREA = Area.of(scenes.LONLAT)
PERIOD = Period.of("2021/2022")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return scenes.write_catalogue(tmp_path_factory.mktemp("scenes"))


def ids(items):
    return [item.id for item in items]


def test_an_item_collection_a_static_catalogue_and_geoparquet_give_the_same(catalogue, tmp_path):
    rustac = pytest.importorskip("rustac", reason="the geoparquet extra is not installed")
    content = json.loads(catalogue.collection_file.read_text())
    for feature in content["features"]:
        for asset in feature["assets"].values():
            asset["href"] = str(catalogue.folder / asset["href"])
    features = [feature for feature in content["features"] if feature["collection"] == "sentinel-2-l2a"]
    rustac.write_sync(str(tmp_path / "items.parquet"), features)
    found = [
        search(source, area=AREA, period=PERIOD)
        for source in (catalogue.collection_file, catalogue.static, tmp_path / "items.parquet")
    ]
    assert ids(found[0]) == ids(found[1]) == ids(found[2])
    assert len(found[0]) == 8
    for items in found:
        assert {asset.href for item in items for asset in item.assets.values()} == {
            str(catalogue.folder / item.id / f"{band}.tif") for item in items for band in (*scenes.BASE, "scl")
        }


def test_items_come_by_time_and_each_scene_once(catalogue):
    items = search(catalogue.collection_file, area=AREA, period=PERIOD)
    assert [item.datetime for item in items] == sorted(item.datetime for item in items)
    june = [item for item in items if item.datetime.isoformat().startswith("2021-06-11")]
    assert [item.properties["s2:processing_baseline"] for item in june] == ["05.00"]


def test_the_period_is_half_open(catalogue):
    days = {
        item.datetime.date().isoformat()
        for item in search(
            catalogue.collection_file, area=AREA, period=Period.of(["2021-06-01T03:10:05Z", "2021-06-21T03:10:05Z"])
        )
    }
    assert days == {"2021-06-01", "2021-06-11"}


def test_cloud_cover_chooses_among_scenes_not_between_two_processings_of_one(catalogue):
    # The old processing of 11 June says 40 %, the new one 60 %: the scene is not below 50 %.
    items = search(catalogue.collection_file, area=AREA, period=PERIOD, max_cloud_cover=50)
    assert not [item for item in items if item.datetime.isoformat().startswith("2021-06-11")]
    assert len(items) == 6
    same = search(catalogue.collection_file, area=AREA, period=PERIOD, where='"eo:cloud_cover" <= 50')
    assert ids(same) == ids(items)


def test_the_limit_of_cloud_cover_is_a_number(catalogue):
    # As text "85" < "9": a limit of 9 % would let 85 % through.
    assert len(search(catalogue.collection_file, area=AREA, period=PERIOD, max_cloud_cover=85)) == 8
    with pytest.raises(NoItemsError):
        search(catalogue.collection_file, area=AREA, period=PERIOD, max_cloud_cover=9)


def test_where_as_text_and_as_json(catalogue):
    text = '"grid:code" = \'MGRS-49TGE\' AND "eo:cloud_cover" < 20'
    either = [
        ids(search(catalogue.collection_file, area=AREA, period=PERIOD, where=where))
        for where in (text, Where(text).json)
    ]
    assert either[0] == either[1]
    assert len(either[0]) == 2


@pytest.mark.parametrize(
    ("where", "message"), [("eo cloud <", "not CQL2"), ("\"eo:cloud_cover\" < '20'", "without quotes")]
)
def test_a_wrong_condition_is_named(catalogue, where, message):
    with pytest.raises(DrylandsError, match=message):
        search(catalogue.collection_file, area=AREA, period=PERIOD, where=where)


def test_a_property_that_no_item_has_finds_nothing_and_says_so(catalogue):
    with pytest.raises(NoItemsError, match="8 scenes after duplicates, 0 where cloudiness < 3"):
        search(catalogue.collection_file, area=AREA, period=PERIOD, where="cloudiness < 3")


def test_no_items_tells_the_count_after_each_step(catalogue):
    with pytest.raises(NoItemsError, match=r"2030-01-01 to 2031-01-01 .*: 9 found, 0 in area and period"):
        search(catalogue.collection_file, area=AREA, period=Period.of("2030"))


def test_a_wrong_collection_lists_what_there_is(catalogue):
    with pytest.raises(UnknownCollectionError, match=r"no such collection; it has dem, sentinel-2-l2a"):
        search(catalogue.collection_file, area=AREA, collection="sentinel-9")


def test_a_role_finds_the_collection_under_its_name(catalogue):
    assert ids(search(catalogue.static, area=AREA, collection="dem")) == ["dem"]
    assert collection_ids("dem", KNOWN["cdse"], ()) == ["cop-dem-glo-30-dged-cog"]
    assert collection_ids("sentinel-2-l2a", KNOWN["earth-search-c1"], ()) == ["sentinel-2-c1-l2a"]
    own = api_of("https://example.org/stac")
    assert collection_ids("land-cover", own, ["dem", "esa-worldcover"]) == ["esa-worldcover"]
    with pytest.raises(UnknownCollectionError, match="npp"):
        collection_ids("npp", own, ["dem"])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("earth-serch", "neither a known name"),
        ("http://127.0.0.1:9/stac", "cannot be reached"),
    ],
)
def test_a_source_out_of_reach_is_named(source, message):
    with pytest.raises(SourceError, match=message):
        search(source, area=AREA, period=PERIOD)


def test_a_file_that_is_not_stac_is_named(tmp_path):
    for content, message in (("no json", "cannot be read as JSON"), ('{"type": "Topology"}', "neither a STAC item")):
        path = tmp_path / "x.json"
        path.write_text(content)
        with pytest.raises(SourceError, match=message):
            search(path, area=AREA)


def test_only_what_reprocessing_does_not_change_may_go_to_a_server_first():
    assert Where("platform = 'sentinel-2a'").may_precede_deduplication
    assert not Where("platform = 'sentinel-2a' AND \"eo:cloud_cover\" < 20").may_precede_deduplication
    assert not Where("\"s2:processing_baseline\" = '02.14'").may_precede_deduplication


def test_real_items_of_a_geoparquet_file():
    pytest.importorskip("rustac", reason="the geoparquet extra is not installed")
    path = need("data/stac/rustac/100-sentinel-2-items.parquet")
    items = search(path, area=Area.of([-106, 40, -105, 41]), period=Period.of("2024"), max_cloud_cover=20)
    assert items
    assert all(item.properties["eo:cloud_cover"] <= 20 for item in items)
