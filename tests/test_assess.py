"""An assessment as a whole: planted truth, tables that add up, and going on after being killed."""

import csv
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from pyproj import Geod

from drylands_openeo.assess import Settings, assess
from drylands_openeo.assess.counting import grid_of, parts, read
from drylands_openeo.assess.mapfile import MapFile
from drylands_openeo.assess.run import false_alarms
from drylands_openeo.demo_degradation import demonstrate, settings_of
from drylands_openeo.engine import Extent
from drylands_openeo.errors import DrylandsError, SourceError
from drylands_openeo.world.degradation import TOLD, Change, build_degradation

TOML = """
name = "planted"
area = [112.0, 41.4, 114.4, 43.0]
period = "2000/2020"
products = {products}

[sources.climate]
cube = "world/climate.nc"
[sources.npp]
cube = "world/npp.nc"
[sources.vegetation]
cube = "world/vegetation.nc"

[options]
pet_method = "given"
resampling = "near"
[options.contingency]
reading = "mirror"
[land_cover]
1 = "grassland"
"""


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    return demonstrate(tmp_path_factory.mktemp("demo") / "degradation")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return build_degradation(tmp_path_factory.mktemp("assess") / "world")


def written(world, products, name="area"):
    path = world.folder.parent / f"{name}.toml"
    path.write_text(TOML.format(products=json.dumps(products)))
    return path


def test_every_method_finds_what_it_can(comparison):
    found = {confusion.method: confusion.percent for confusion in comparison.confusions}
    told = {change: TOLD[change] for change in Change}
    for method in ("MNPP", "2dRUE", "RESTREND"):
        assert found[method][told[Change.DEGRADATION]]["degrading"] > 95
        assert found[method][told[Change.RESTORATION]]["improving"] > 95
        assert found[method][told[Change.MASKED]]["degrading"] > 85
        assert found[method][told[Change.NOTHING]]["no change"] > 80
    # what each cannot: a trend of NPP sees no degradation that moisture masks, and takes drying for one
    assert found["trend of NPP"][told[Change.MASKED]]["no change"] > 80
    assert found["trend of NPP"][told[Change.DRIER]]["degrading"] > 95
    assert found["RESTREND"][told[Change.DRIER]]["no change"] > 80
    assert found["2dRUE"][told[Change.DRIER]]["no change"] > 80


def test_degradation_is_ascribed_to_its_cause(comparison):
    assert min(comparison.ascribed.values()) > 90


def test_every_table_adds_up_to_the_area_on_the_ellipsoid(comparison):
    west, south, east, north = 112.0, 41.4, 114.4, 43.0
    edges = [(west, y) for y in np.linspace(south, north, 65)]
    across = np.linspace(west, east, 97)
    ring = [*((x, south) for x in across), *((east, y) for y in np.linspace(south, north, 65))]
    ring += [*((x, north) for x in across[::-1]), *edges[::-1]]
    longitudes, latitudes = zip(*ring, strict=True)
    # sides along parallels, not geodesics: the areas of 96 thin trapezoids differ from the zone's by parts in 1e7
    expected = abs(Geod(ellps="WGS84").polygon_area_perimeter(longitudes, latitudes)[0]) / 1e6
    outcome = comparison.outcome
    np.testing.assert_allclose(outcome.total, expected, rtol=1e-6)
    assert len(outcome.areas) == 9
    for title, table in outcome.areas.items():
        np.testing.assert_allclose(sum(table.values()), outcome.total, rtol=1e-6, err_msg=title)
    for agreement in outcome.agreements:
        np.testing.assert_allclose(sum(agreement.areas.values()), outcome.total, rtol=1e-6)


def test_agreement_is_between_nothing_and_all(comparison):
    assert len(comparison.outcome.agreements) == 6
    for found in comparison.outcome.agreements:
        assert 0 <= found.share <= 1
        assert found.kappa <= found.share


def test_files_say_what_was_found(comparison):
    outcome = comparison.outcome
    with outcome.files["areas"].open() as stream:
        rows = list(csv.DictReader(stream))
    by_title = {}
    for row in rows:
        by_title[row["table"]] = by_title.get(row["table"], 0) + float(row["percent"])
    assert set(by_title) == set(outcome.areas)
    np.testing.assert_allclose(list(by_title.values()), 100)
    summary = json.loads(outcome.files["summary"].read_text())
    assert summary["maturity"] == outcome.maturity
    assert -1 <= outcome.maturity <= 1
    assert outcome.files["rates plot"].stat().st_size > 5000
    assert {path.suffix for path in outcome.maps.values()} == {".tif"}


KILLED = """
import os, sys
from pathlib import Path
from drylands_openeo.assess import Settings, assess

def announce(step):
    if step == "rain_use":
        os._exit(9)

assess(Settings.read(sys.argv[1]), Path(sys.argv[2]), announce=announce)
"""


def test_a_killed_run_goes_on_where_it_was(world, tmp_path):
    path = written(world, ["aridity", "contingency", "rain_use"], "killed")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), str(tmp_path / "out")], check=False)
    assert killed.returncode == 9
    first = (tmp_path / "out" / "contingency.tif").stat().st_mtime_ns
    resumed = assess(Settings.read(path), tmp_path / "out")
    assert resumed.kept == ("aridity", "contingency")
    assert resumed.done == ("rain_use",)
    assert (tmp_path / "out" / "contingency.tif").stat().st_mtime_ns == first
    again = assess(Settings.read(path), tmp_path / "out")
    assert again.done == ()
    assert again.areas == resumed.areas


def test_a_changed_option_or_input_is_computed_anew(world, tmp_path):
    path = written(world, ["aridity", "contingency"], "changed")
    assess(Settings.read(path), tmp_path / "out")
    path.write_text(path.read_text().replace('"mirror"', '"printed"'))
    assert assess(Settings.read(path), tmp_path / "out").done == ("contingency",)
    (tmp_path / "out" / "aridity.tif").unlink()
    assert assess(Settings.read(path), tmp_path / "out").done == ("aridity",)
    climate = world.folder / "climate.nc"
    climate.write_bytes(climate.read_bytes())
    assert assess(Settings.read(path), tmp_path / "out").done == ("aridity", "contingency")


def test_an_area_with_a_slanted_side_counts_pixels_once(world, tmp_path):
    path = written(world, ["aridity"], "slanted")
    triangle = {"type": "Polygon", "coordinates": [[[112.0, 41.4], [114.4, 41.4], [112.0, 43.0], [112.0, 41.4]]]}
    (world.folder.parent / "area.geojson").write_text(json.dumps(triangle))
    path.write_text(path.read_text().replace("[112.0, 41.4, 114.4, 43.0]", '"area.geojson"'))
    settings = Settings.read(path)
    outcome = assess(settings, tmp_path / "out")
    np.testing.assert_allclose(sum(outcome.areas["aridity"].values()), outcome.total, rtol=1e-6)
    grid = grid_of(outcome.maps["aridity"])
    counted = sum(int((part.areas > 0).sum()) for part in parts(grid, settings.area))
    assert 0.4 * grid.shape[0] * grid.shape[1] < counted < 0.6 * grid.shape[0] * grid.shape[1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "planted"', 'title = "planted"', "key 'title' is not known"),
        ('period = "2000/2020"', "", "'period' is missing"),
        ('["aridity"]', '["aridity", "ndvi"]', "give some of aridity, mnpp_trend"),
        ('["aridity"]', '["land_condition"]', "'land_condition' needs the map of 'rain_use'"),
        ("[sources.npp]", "[sources.nnp]", "source 'nnp' is not known; there are climate, npp"),
        ('pet_method = "given"', "alpine = 3", "option 'alpine' is a parameter of none of: aridity"),
        ('cube = "world/climate.nc"', "scale = 1", r"\[sources.climate\] needs either cube"),
        ("1 = ", "grass = ", "'grass' is no code"),
        ("period =", "period ==", "is not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(world, old, new, message):
    path = written(world, ["aridity"], "wrong")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DrylandsError, match=message):
        Settings.read(path)


def test_a_product_without_its_source_asks_for_it(world):
    path = written(world, ["contingency"], "sourceless")
    path.write_text(path.read_text().replace('[sources.npp]\ncube = "world/npp.nc"\n', ""))
    with pytest.raises(DrylandsError, match=r"'contingency' needs a source: add a table \[sources.npp\]"):
        Settings.read(path)


def test_a_finished_map_is_a_layer(comparison):
    path = comparison.outcome.maps["rain_use"]
    layer = MapFile(path, np.datetime64("2000-01-01", "ns")).collection("rain-use", Extent(bands=["response"]))
    whole = layer.read(layer.grid)
    part = layer.read(layer.grid[10:20, 30:50])
    np.testing.assert_array_equal(part, whole[..., 10:20, 30:50])
    with pytest.raises(SourceError, match="has no band 'ndvi'; it has rue_mean"):
        MapFile(path, np.datetime64("2000-01-01", "ns")).collection("rain-use", Extent(bands=["ndvi"]))


def test_the_world_is_the_same_for_the_same_seed(tmp_path):
    one, other = (build_degradation(tmp_path / name, seed=3) for name in ("one", "other"))
    np.testing.assert_array_equal(one.quality, other.quality)
    assert settings_of(one).area.bbox == one.bbox
    with pytest.raises(DrylandsError, match="is not empty"):
        build_degradation(tmp_path / "one")


def test_the_potential_is_made_in_a_first_pass(world, tmp_path):
    path = written(world, ["aridity", "contingency"], "potential")
    cover = '[sources.land-cover]\ncube = "world/land_cover.nc"\n[options]'
    changed = (
        path.read_text()
        .replace("[options]\n", cover + "\n", 1)
        .replace('"mirror"', '"mirror"\nbenchmark = "potential"')
    )
    path.write_text(changed)
    outcome = assess(Settings.read(path), tmp_path / "out")
    assert outcome.done == ("aridity", "strata", "contingency")
    grid = grid_of(outcome.maps["contingency"])
    (part,) = parts(grid, Settings.read(path).area)
    decline = read(outcome.maps["contingency"], ["decline"], part, grid)["decline"]
    # the land's quality runs from 0.5 to 1 of what the best bear, and a half of it is lost where it degrades
    assert 0 < np.nanmedian(decline[world.change == Change.NOTHING]) < 45
    assert np.nanmedian(decline[world.change == Change.DEGRADATION]) > 50
    assert assess(Settings.read(path), tmp_path / "out").done == ()
    path.write_text(changed.replace('["aridity", "contingency"]', '["contingency"]'))
    with pytest.raises(DrylandsError, match="benchmark 'potential' needs"):
        Settings.read(path)


def test_false_alarms_stand_beside_the_classes(comparison):
    alarms = comparison.outcome.alarms
    for world in ("by chance", "drying"):
        np.testing.assert_allclose(sum(share[world] for share in alarms.values()), 100)
    assert alarms["degradation"]["by chance"] < 10
    assert alarms["fluctuation"]["by chance"] > 80
    assert alarms["degradation"]["drying"] > 50  # what climate drives is called degradation, too
    with comparison.outcome.files["areas"].open() as stream:
        rows = {row["class"]: row for row in csv.DictReader(stream) if row["table"] == "MNPP class"}
    assert float(rows["degradation"]["false_alarm_percent"]) == alarms["degradation"]["by chance"]
    assert rows["no data"]["false_alarm_percent"] == ""


def test_false_alarms_follow_the_level_of_significance(world):
    settings = Settings.read(written(world, ["contingency"]))
    strict, loose = (replace(settings, options={"contingency": {"alpha": alpha}}) for alpha in (0.01, 0.3))
    assert false_alarms(strict)["degradation"]["by chance"] < 3 < 20 < false_alarms(loose)["degradation"]["by chance"]
