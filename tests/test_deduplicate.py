"""Reprocessed duplicates go; the halves of a split data take stay."""

import json

import pystac
import pytest
from shared import need

from drylands_openeo.errors import ContractWarning
from drylands_openeo.stac.deduplicate import deduplicate

STRIP = "S2A_OPER_MSI_L2A_DS_2BPS_20210101T000000_S{start}_N{baseline}"


def item(identity, *, tile="50TKL", start="20210611T031000", baseline="05.00", generated="2021-06-12", **properties):
    said = {
        "platform": "Sentinel-2A",
        "constellation": "Sentinel 2",
        "s2:mgrs_tile": tile,
        "s2:processing_baseline": baseline,
        "s2:generation_time": f"{generated}T00:00:00Z",
        "s2:datastrip_id": STRIP.format(start=start, baseline=baseline),
    }
    document = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": identity,
        "geometry": None,
        "properties": {"datetime": "2021-06-11T03:10:00Z", **said, **properties},
        "assets": {},
        "links": [],
    }
    return pystac.Item.from_dict(document)


def ids(items):
    return [one.id for one in items]


def real(name):
    return [pystac.Item.from_dict(feature) for feature in json.loads(need(f"data/stac/{name}").read_text())["features"]]


def test_the_highest_baseline_is_kept_then_the_latest_generation():
    old = item("old", baseline="02.14", generated="2024-01-01")
    new = item("new")
    newer = item("newer", generated="2023-01-01")
    assert ids(deduplicate([new, old, newer])) == ["newer"]
    assert ids(deduplicate([newer, old, new])) == ["newer"]


def test_two_data_strips_of_one_tile_and_time_are_both_kept():
    assert ids(deduplicate([item("north"), item("south", start="20210611T031019")])) == ["north", "south"]


def test_other_tiles_and_platforms_are_other_scenes():
    items = [item("a"), item("b", tile="49TGE"), item("c", platform="sentinel-2b")]
    assert deduplicate(items) == items


def test_platform_is_compared_without_case():
    assert ids(deduplicate([item("a", baseline="02.14"), item("b", platform="sentinel-2a")])) == ["b"]


def test_a_test_version_is_set_aside_with_a_warning():
    with pytest.warns(ContractWarning, match="junk"):
        assert ids(deduplicate([item("junk", baseline="99.05"), item("real")])) == ["real"]


def test_items_that_name_no_data_strip_or_are_not_sentinel2_pass_unchanged():
    dem = pystac.Item.from_dict({**item("dem").to_dict(), "properties": {"datetime": "2021-06-11T03:10:00Z"}})
    nameless = [item(name, **{"s2:datastrip_id": ""}) for name in "ab"]
    items = [dem, dem.clone(), *nameless]
    assert deduplicate(items) == items


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("earth_search/earth_search_v1_from_cassettes.json", 15),
        ("planetary_computer/pc_split_datatake_pairs.json", 8),
        ("planetary_computer/pc_one_pass_multi_utm.json", 30),
        ("cdse/cdse_sentinel-2-l2a_from_xcube_stac_cassettes.json", 5),
    ],
)
def test_real_items(name, kept):
    assert len(deduplicate(real(name))) == kept


def test_of_the_eight_real_pairs_the_reprocessed_scene_is_kept():
    kept = {one.id: one for one in deduplicate(real("earth_search/earth_search_v1_from_cassettes.json"))}
    pair = [name for name in kept if "32UMU_20200302" in name]
    assert len(pair) == 1
    assert kept[pair[0]].properties["s2:processing_baseline"] == "05.00"
