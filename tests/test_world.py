"""The generated world: real formats, the traps of real archives, and a truth that its pixels keep."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.warp import transform
from scipy.ndimage import binary_dilation
from shapely.geometry import box, shape

from drylands_openeo.area import Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.world import Patch, World, build

SIZE = (1500.0, 1200.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return build(tmp_path_factory.mktemp("world") / "w", seed=3, size=SIZE)


@pytest.fixture(scope="module")
def items(world) -> list[pystac.Item]:
    return list(pystac.Catalog.from_file(str(world.catalogue)).get_items(recursive=True))


def numbers(item: pystac.Item, asset: str) -> np.ndarray:
    with rasterio.open(item.assets[asset].get_absolute_href()) as image:
        return image.read(1)


def reflectance(item: pystac.Item, asset: str) -> np.ndarray:
    band = item.assets[asset].extra_fields["raster:bands"][0]
    counts = numbers(item, asset).astype(float)
    return np.where(counts == band["nodata"], np.nan, counts * band["scale"] + band["offset"])


def grid(item: pystac.Item, asset: str = "red") -> GeoBox:
    with rasterio.open(item.assets[asset].get_absolute_href()) as image:
        return GeoBox.from_rio(image)


def baseline(item: pystac.Item) -> str:
    return item.properties["s2:processing_baseline"]


def start(item: pystac.Item) -> str:
    """The beginning of the datastrip, as its id says it."""
    return next(part for part in item.properties["s2:datastrip_id"].split("_") if part.startswith("S20"))


def clear(item: pystac.Item, *, rim: int = 3) -> np.ndarray:
    """20 m pixels farther than ``rim`` from any flagged one, and from the edge: beyond it may be a cloud."""
    scl = numbers(item, "scl")
    return ~binary_dilation(np.isin(scl, (0, 3, 8, 9, 10)), iterations=rim, border_value=1)


def by_day(items: list[pystac.Item], tile: str) -> dict[str, list[pystac.Item]]:
    days: dict[str, list[pystac.Item]] = {}
    for item in items:
        if item.properties["grid:code"] == f"MGRS-{tile}":
            days.setdefault(item.datetime.strftime("%Y%m%d"), []).append(item)
    return days


def test_the_catalogue_covers_three_years_of_two_tiles_in_two_zones(items):
    assert {item.properties["proj:code"] for item in items} == {"EPSG:32649", "EPSG:32650"}
    for tile in ("49TGH", "50TKN"):
        years = [day[:4] for day in by_day(items, tile)]
        assert all(20 <= years.count(year) <= 25 for year in ("2020", "2021", "2022"))
    assert {item.properties["platform"] for item in items} == {"sentinel-2a", "sentinel-2b"}


def test_every_asset_is_a_cog_as_its_item_says(items):
    for item in (items[0], items[-1]):
        for asset in item.assets.values():
            declared = asset.extra_fields
            with rasterio.open(asset.get_absolute_href()) as image:
                assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
                assert image.nodata == 0
                assert image.dtypes[0] == declared["raster:bands"][0]["data_type"]
                assert list(image.shape) == declared["proj:shape"]
                assert list(image.transform)[:6] == declared["proj:transform"]
                assert image.crs.to_string() == item.properties["proj:code"]


def test_the_item_collection_holds_the_same_items_with_files_that_exist(world, items):
    found = pystac.ItemCollection.from_file(str(world.items))
    assert [item.id for item in found] == [item.id for item in items]
    assert all(Path(asset.href).is_file() for item in found for asset in item.assets.values())


def test_ndvi_of_clear_pixels_is_the_truth(world, items):
    """Rounding to 1e-4 moves NDVI by at most 1e-4 / (red + nir); water is the darkest."""
    checked = 0
    for item in items:
        red, nir = reflectance(item, "red"), reflectance(item, "nir")
        seen = np.kron(clear(item), np.ones((2, 2), bool))
        error = (nir - red) / (nir + red) - world.ground(grid(item)).ndvi(item.datetime)
        assert np.all(np.abs(error[seen]) <= 1.01e-4 / (nir + red)[seen])
        checked += int(seen.sum())
    assert checked > 0.3 * len(items) * 9000


def test_twenty_metre_bands_are_means_of_a_mixture_between_soil_and_leaves(items):
    item = next(item for item in items if item.properties["eo:cloud_cover"] < 1)
    red = reflectance(item, "red").reshape(grid(item, "scl").shape[0], 2, -1, 2).mean(axis=(1, 3))
    assert np.all(reflectance(item, "nir08") > 0)
    assert np.corrcoef(red[clear(item)], reflectance(item, "swir22")[clear(item)])[0, 1] > 0.9


def test_both_zones_see_one_ground(world):
    """A point named in either zone's metres, or in degrees, has the same truth."""
    truths = []
    for code in ("EPSG:32649", "EPSG:32650", "EPSG:4326"):
        pixel = 1e-6 if code == "EPSG:4326" else 0.1
        lon, lat = np.mean(world.area.bbox[::2]), np.mean(world.area.bbox[1::2])
        x, y = transform("EPSG:4326", code, [lon], [lat])
        there = GeoBox.from_bbox(
            (x[0] - pixel / 2, y[0] - pixel / 2, x[0] + pixel / 2, y[0] + pixel / 2),
            crs=code, resolution=pixel, tight=True,
        )  # fmt: skip
        truths.append([float(value[0, 0]) for value in world.truth(there).values()])
    np.testing.assert_allclose(truths[1:], truths[:1] * 2, atol=1e-4)


def test_a_decline_and_a_recovery_are_planted_across_the_border(world):
    area = GeoBox.from_bbox(world.area.bbox, crs="EPSG:4326", resolution=1e-4)
    truth = world.truth(area)
    assert set(np.unique(truth["patch"])) == {int(patch) for patch in Patch}
    assert np.all(truth["trend"][truth["patch"] == Patch.DECLINING] == -0.02)
    assert np.all(truth["trend"][truth["patch"] == Patch.RECOVERING] == 0.03)
    assert np.all(truth["trend"][truth["patch"] < Patch.DECLINING] == 0)
    longitudes = area.coordinates["longitude"].values[np.any(truth["patch"] == Patch.DECLINING, axis=0)]
    assert longitudes.min() < 114 < longitudes.max()


def test_the_area_is_seen_whole(world, items):
    day = [item for item in items if item.datetime.strftime("%Y%m%d") == "20200103"]
    seen = shape(day[0].geometry).union(shape(day[1].geometry))
    assert box(*world.area.bbox).difference(seen).area < 1e-5 * seen.area


def test_offset_follows_the_baseline_and_not_the_date(items):
    offsets = {(baseline(item), item.assets["red"].extra_fields["raster:bands"][0]["offset"]) for item in items}
    assert offsets == {("02.14", 0), ("03.00", 0), ("03.01", 0), ("04.00", -0.1), ("05.00", -0.1)}
    first = min(item.datetime for item in items if baseline(item) == "04.00")
    assert first >= datetime(2022, 1, 25, tzinfo=first.tzinfo)
    assert not any("earthsearch:boa_offset_applied" in item.properties for item in items)


def test_one_scene_comes_in_two_baselines(items):
    for tile in ("49TGH", "50TKN"):
        ((early, late),) = [day for day in by_day(items, tile).values() if [*map(baseline, day)] == ["02.14", "05.00"]]
        assert early.datetime == late.datetime
        assert start(early) == start(late)
        np.testing.assert_array_equal(numbers(early, "red") + 1000, numbers(late, "red"))
        np.testing.assert_array_equal(numbers(early, "scl"), numbers(late, "scl"))


def test_one_datatake_comes_in_two_halves(items):
    for tile in ("49TGH", "50TKN"):
        ((north, south),) = [day for day in by_day(items, tile).values() if [*map(baseline, day)] == ["03.01", "03.01"]]
        assert north.datetime == south.datetime
        assert start(north) != start(south)
        north_seen, south_seen = numbers(north, "red") > 0, numbers(south, "red") > 0
        assert np.all(north_seen | south_seen)
        assert 0 < np.mean(north_seen & south_seen) < 0.1
        assert 0.25 < np.mean(north_seen) < 0.75
        footprints = [shape(item.geometry) for item in (north, south)]
        assert footprints[0].intersection(footprints[1]).area < 0.1 * footprints[0].union(footprints[1]).area


def test_a_swath_edge_leaves_no_data_in_numbers_and_classes(items):
    edged = [item for item in items if 5 < item.properties["s2:nodata_pixel_percentage"] < 95]
    assert len(edged) > 10
    scl, red = numbers(edged[0], "scl"), numbers(edged[0], "red")
    blank = red.reshape(scl.shape[0], 2, -1, 2).min(axis=(1, 3)) == 0
    np.testing.assert_array_equal(scl == 0, blank)


def test_classes_say_what_the_pixels_show(items):
    """Certain clouds are bright, shadows dark, and false clouds stand alone on clear sand."""
    seen = {code: [] for code in (3, 5, 6, 8, 9, 10)}
    for item in items:
        scl, blue = numbers(item, "scl"), reflectance(item, "nir08")
        for code in seen:
            seen[code].append(blue[scl == code])
    means = {code: np.concatenate(values).mean() for code, values in seen.items()}
    assert means[9] > 0.6
    assert means[3] < means[5] < means[9]
    assert means[6] < 0.1


def test_false_clouds_are_single_pixels(world, items):
    item = next(item for item in items if 0 < item.properties["eo:cloud_cover"] < 1)
    speck = numbers(item, "scl") == 8
    assert speck.any()
    assert not (speck[:, 1:] & speck[:, :-1]).any()
    assert not (speck[1:] & speck[:-1]).any()
    assert np.all(world.truth(grid(item, "scl"))["patch"][speck] == Patch.DUNES)


def pixels(folder: Path) -> dict[str, str]:
    digests = {}
    for path in sorted(folder.rglob("*.tif")):
        with rasterio.open(path) as image:
            digests[str(path.relative_to(folder))] = hashlib.sha256(image.read().tobytes()).hexdigest()
    return digests


def test_a_seed_is_a_world(tmp_path):
    options = {"size": (600.0, 600.0), "period": Period.of("2020-06-01/2020-07-31")}
    first, again, other = (
        pixels(build(tmp_path / name, seed=seed, **options).folder) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again
    assert first.keys() == other.keys()
    assert first != other


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DrylandsError, match="not empty"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("options", "message"), [({"size": (100, 100)}, "400 x 400"), ({"period": Period.of("2019")}, "2019-01-01")]
)
def test_an_impossible_world_leaves_nothing_behind(tmp_path, options, message):
    with pytest.raises(DrylandsError, match=message):
        build(tmp_path / "new", **options)
    assert list(tmp_path.iterdir()) == []


def test_shares_make_up_the_pixels_and_sum_to_one(world, items):
    """Green, dry and bare ground of the truth, in the world's own colours, are the reflectance but for brightness."""
    item = next(item for item in items if item.properties["eo:cloud_cover"] < 20 and item.datetime.month == 8)
    truth = world.retrievals(grid(item), item.datetime)
    land = truth["patch"] != Patch.LAKE
    np.testing.assert_allclose((truth["pv"] + truth["npv"] + truth["bare"])[land], 1)
    assert min(float(truth[name][land].min()) for name in ("pv", "npv", "bare")) >= 0
    steppe = truth["patch"] == Patch.STEPPE
    assert 0.15 < truth["npv"][steppe].mean() < 0.4
    seen = np.kron(clear(item), np.ones((2, 2), bool)) & steppe
    ratio = reflectance(item, "nir")[seen] / world.ground(grid(item)).brightness[seen]
    own = {"pv": 0.45, "npv": 0.26, "bare": 0.24}
    expected = sum(truth[name][seen] * level for name, level in own.items())
    np.testing.assert_allclose(ratio, expected, atol=2e-4)


def test_grain_is_what_neighbours_differ_by(world, items):
    ground = world.ground(grid(items[0]))
    rough = np.abs(np.diff(ground.brightness, axis=1))
    kind = ground.patch[:, 1:]
    assert rough[kind == Patch.DECLINING].mean() > 2 * rough[kind == Patch.STEPPE].mean()
    assert rough[kind == Patch.STEPPE].mean() > 2 * rough[kind == Patch.CROPLAND].mean()


def test_plots_measure_the_truth_with_their_errors(world):
    plots = pd.read_csv(world.plots)
    assert len(plots) == 160
    assert set(plots["patch"]) <= {patch.name.lower() for patch in Patch} - {"lake"}
    step = 1e-6
    errors = {"soc": [], "agb": []}
    for row in plots.itertuples():
        west, south = row.longitude - step / 2, row.latitude - step / 2
        spot = GeoBox.from_bbox((west, south, west + step, south + step), "EPSG:4326", resolution=step, tight=True)
        truth = world.retrievals(spot, datetime(2021, 7, 27, tzinfo=UTC))
        for name, found in errors.items():
            found.append(getattr(row, name) - float(truth[name].ravel()[0]))
    assert np.std(errors["soc"]) == pytest.approx(0.6, rel=0.25)
    assert np.std(errors["agb"]) == pytest.approx(12, rel=0.25)
