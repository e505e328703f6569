"""Items to reflectance: the ground that was put into the files comes out, on any grid, by either loader."""

import json
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import odc.stac
import pystac
import pytest
import scenes
from odc.geo.geobox import GeoBox
from scenes import EAST, WEST, truth

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import AssetError, ContractWarning, DrylandsError, NoItemsError
from drylands_openeo.stac import StacSource, check_contract, deduplicate, load, search
from drylands_openeo.stac.contract import Contract, disagreement

DAYS = ["2021-06-01", "2021-06-11", "2021-06-21", "2021-07-01", "2022-06-01"]
HALF_A_NUMBER = 0.5e-4 + 1e-6


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    return scenes.write_catalogue(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def items(catalogue):
    return deduplicate([item for item in catalogue.items if item.collection_id == "sentinel-2-l2a"])


def changed(item, folder, band, **numbers_or_metadata):
    """A copy of an item with another file or other metadata of one band."""
    document = json.loads(json.dumps(item.to_dict()))
    asset = document["assets"][band]
    for key, value in numbers_or_metadata.items():
        if key == "numbers":
            path = folder / f"{item.id}-{band}.tif"
            scenes.write_band(path, value, EAST, 0)
            asset["href"] = str(path)
        else:
            asset["raster:bands"][0][key] = value
    return pystac.Item.from_dict(document)


def of(items, tile, day):
    return next(one for one in items if tile in one.id and one.datetime.date().isoformat() == day)


def test_the_ground_comes_back_on_every_day(items):
    cube = load(items, ["red", "B08"], EAST)
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.dtype == np.float32
    assert cube.t.dtype == "datetime64[ns]"
    assert [str(day)[:10] for day in cube.t.values] == DAYS
    assert list(cube.bands.values) == ["red", "B08"]
    assert cube.attrs["crs"] == "EPSG:32650"
    for day in ("2021-06-01", "2021-06-11", "2021-06-21", "2022-06-01"):
        for label, band in (("red", "red"), ("B08", "nir")):
            seen = cube.sel(t=day, bands=label).values
            assert np.nanmax(np.abs(seen - truth(band, EAST, day))) < HALF_A_NUMBER
            assert np.isfinite(seen).all()


def test_a_split_data_take_is_one_whole_day(items):
    halves = [item for item in items if "20210621" in item.id]
    assert len(halves) == 2
    assert np.isfinite(load(halves, ["red"], EAST)).all()
    assert 0.3 < np.isnan(load(halves[:1], ["red"], EAST)).mean() < 0.7


def test_scenes_of_two_contracts_and_two_zones_make_one_day(items):
    day = [item for item in items if "20210701" in item.id]
    assert {item.properties["s2:processing_baseline"] for item in day} == {"02.14", "05.00"}
    cube = load(day, ["red"], EAST)
    assert cube.sizes["t"] == 1
    error = np.abs(cube.values[0, 0] - truth("red", EAST, "2021-07-01"))
    assert np.mean(error < 2 * HALF_A_NUMBER) > 0.98
    assert error.max() < 1e-3  # half a pixel of the ground's slope, at the western image's edge


def test_the_first_valid_pixel_by_time_wins(items, tmp_path):
    first = of(items, "50TKL", "2022-06-01")
    numbers = np.full(EAST.shape, 3000, np.uint16)
    numbers[:, :50] = 0
    early = changed(first, tmp_path, "red", numbers=numbers)
    early.id, early.datetime = "early", first.datetime.replace(minute=1)
    cube = load([first, early], ["red"], EAST).values[0, 0]
    assert np.allclose(cube[:, 50:], 0.2)
    assert np.array_equal(cube[:, :50], load([first], ["red"], EAST).values[0, 0, :, :50])


def test_nodata_is_masked_before_the_offset_and_negative_reflectance_stays(items, tmp_path):
    numbers = np.full(EAST.shape, 900, np.uint16)
    numbers[0] = 0
    item = changed(of(items, "50TKL", "2022-06-01"), tmp_path, "red", numbers=numbers)
    red = load([item], ["red"], EAST).values[0, 0]
    assert np.isnan(red[0]).all()
    assert np.allclose(red[1:], -0.01)
    coarse = load([item], ["red"], EAST.zoom_out(1.5), resampling="cubic").values
    assert np.nanmin(coarse) == pytest.approx(-0.01, abs=1e-4)


def test_classes_are_never_interpolated_and_class_0_is_nan(items):
    half = next(item for item in items if "20210621" in item.id)
    for resampling in ("bilinear", "cubic"):
        cube = load([half], ["SCL", "red"], WEST, resampling=resampling)
        classes = cube.sel(bands="SCL").values
        assert set(np.unique(classes[np.isfinite(classes)])) <= {5, 9}
        assert np.isnan(classes).any()


def test_an_aligned_load_equals_odc_stac(items):
    window = EAST[13:71, 5:60]
    day = [item for item in items if "20210601" in item.id and "50TKL" in item.id]
    plain = odc.stac.load(day, bands=["red", "nir"], geobox=window, groupby="solar_day", pool=None)
    ours = load(day, ["red", "nir"], window)
    for band in ("red", "nir"):
        assert np.allclose(ours.sel(bands=band), plain[band].astype("float32") * 1e-4, atol=1e-7)


@pytest.mark.parametrize("grid", [EAST, EAST[11:50, 7:80], WEST, EAST.zoom_out(0.5), EAST.translate_pix(0.3, 0.4)])
@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
def test_stackstac_gives_the_same_pixels(items, grid, resampling):
    pytest.importorskip("stackstac", reason="the stackstac extra is not installed")
    bands = ["red", "nir", "scl"]
    ours = load(items, bands, grid, resampling=resampling)
    theirs = load(items, bands, grid, resampling=resampling, loader="stackstac")
    assert ours.dims == theirs.dims
    assert np.array_equal(ours.values, theirs.values, equal_nan=True)
    assert np.isfinite(ours.values).any()


@pytest.mark.parametrize("grid", [EAST, WEST, EAST.zoom_out(0.7)])
@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
def test_lazy_blocks_give_the_pixels_of_one_read(items, grid, resampling):
    whole = load(items, ["red", "scl"], grid, resampling=resampling)
    lazy = load(items, ["red", "scl"], grid, resampling=resampling, chunks={"t": 2, "y": 31, "x": 50})
    assert lazy.chunks is not None
    assert np.allclose(whole.values, lazy.values, rtol=0, atol=1e-6, equal_nan=True)


def test_bilinear_is_gdals_but_for_the_approximation(items):
    day = [of(items, "49TGE", "2021-06-01")]
    inner = EAST[20:70, 5:60]
    gdal = odc.stac.load(day, bands=["red"], geobox=inner, resampling="bilinear", dtype="float32", nodata=np.nan)
    ours = load(day, ["red"], inner).values[0, 0]
    assert np.isfinite(ours).any()
    assert np.nanmax(np.abs(ours - gdal["red"].values[0] * 1e-4)) < 2e-4


def test_other_rasters_keep_their_values(catalogue):
    dem = [item for item in catalogue.items if item.collection_id == "dem"]
    grid = GeoBox.from_bbox((253050, 4707030, 253950, 4707930), "EPSG:32650", resolution=30)
    cube = load(dem, ["elevation"], grid)
    rows, columns = np.mgrid[0:30, 0:30]
    assert np.array_equal(cube.values[0, 0], (1000 + rows + 2 + 2 * (columns + 2)).astype(np.float32))
    beyond = load(dem, ["elevation"], grid.pad(10))
    assert np.isnan(beyond.values[0, 0, 0]).all()


@pytest.fixture
def broken(items, tmp_path):
    """The day of 2022 with a file that is not there, and a day with a file that is cut off."""
    gone = changed(of(items, "50TKL", "2022-06-01"), tmp_path, "nir")
    gone.assets["nir"].href = str(tmp_path / "gone.tif")
    cut = changed(of(items, "50TKL", "2021-06-11"), tmp_path, "nir")
    cut.assets["nir"].href = str(tmp_path / "cut.tif")
    (tmp_path / "cut.tif").write_bytes(b"II*\0not a tiff any more")
    return [gone, cut]


def test_a_missing_file_is_an_error_that_names_item_and_asset(broken):
    for item in broken:
        with pytest.raises(AssetError, match=rf"item '{item.id}', asset 'nir'"):
            load([item], ["red", "nir"], EAST)


@pytest.mark.parametrize("chunks", [None, {"t": 1}])
def test_or_a_gap_that_is_reported(broken, chunks):
    cube = load(broken, ["red", "nir"], EAST, on_error="gap", chunks=chunks)
    assert [gap.split(":")[0] for gap in sorted(cube.attrs["gaps"])] == sorted(f"{item.id}/nir" for item in broken)
    assert np.isnan(cube.sel(bands="nir").values).all()
    assert np.isfinite(cube.sel(bands="red").values).all()


def test_a_band_that_one_item_lacks_is_an_error_or_a_gap(items, tmp_path):
    item = changed(items[0], tmp_path, "red")
    del item.assets["nir"]
    with pytest.raises(AssetError, match="no band 'nir'"):
        load([item], ["nir"], EAST)
    assert len(load([item], ["nir"], EAST, on_error="gap").attrs["gaps"]) == 1


def test_nothing_wrong_leaves_no_gaps(items):
    assert "gaps" not in load(items, ["red"], EAST, on_error="gap").attrs


def test_wrong_options_are_named(items):
    with pytest.raises(DrylandsError, match="loader 'rioxarray'"):
        load(items, ["red"], EAST, loader="rioxarray")
    with pytest.raises(DrylandsError, match="on_error 'ignore'"):
        load(items, ["red"], EAST, on_error="ignore")
    with pytest.raises(DrylandsError, match="time"):
        load(items, ["red"], EAST, chunks={"time": 1})


def test_the_contract_of_good_data_holds(items):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ContractWarning)
        assert check_contract(items, EAST) == []


def test_an_offset_forgotten_is_seen(items, tmp_path):
    item = of(items, "50TKL", "2022-06-01")
    for band in ("blue", "red"):
        item = changed(item, tmp_path, band, offset=0)
    with pytest.warns(ContractWarning, match=r"offset of -0\.1 seems not to have been applied"):
        check_contract([*items, item], EAST)


def test_an_offset_taken_off_twice_is_seen(items, tmp_path):
    item = of(items, "50TKL", "2022-06-01")
    for band in ("blue", "red"):
        numbers = np.round(truth(band, EAST, "2022-06-01") * 10000).astype(np.uint16)
        item = changed(item, tmp_path, band, numbers=numbers)
    with pytest.warns(ContractWarning, match="negative reflectance"):
        check_contract([item], EAST)


def test_digital_numbers_are_seen(items, tmp_path):
    item = of(items, "50TKL", "2022-06-01")
    for band in ("blue", "red"):
        item = changed(item, tmp_path, band, scale=1, offset=0)
    with pytest.warns(ContractWarning, match="scale seems not"):
        check_contract([item], EAST)


def test_too_few_clear_pixels_say_nothing():
    assert disagreement({"blue": np.full(99, 0.3)}, Contract("any", True, 0.0)) is None


@pytest.fixture(scope="module")
def layer(catalogue):
    return StacSource(catalogue.collection_file).layer(
        "sentinel-2-l2a",
        spatial_extent=list(scenes.LONLAT),
        temporal_extent=["2021-01-01", "2023-01-01"],
        bands=["B04", "nir", "scl"],
    )


def test_a_layer_lies_on_whole_multiples_in_the_zone_of_its_centre(layer):
    assert layer.grid.crs.epsg == 32649
    assert layer.grid.resolution.x == 10
    assert all(edge % 10 == 0 for edge in layer.grid.boundingbox.bbox)
    assert layer.bands == ("B04", "nir", "scl")
    assert [str(day)[:10] for day in layer.times] == DAYS


def test_every_window_of_a_layer_has_all_days_and_the_pixels_of_the_whole(layer):
    whole = layer.read(layer.grid)
    for rows, columns in ((slice(0, 30), slice(0, 40)), (slice(30, 80), slice(11, 103))):
        part = pickle.loads(pickle.dumps(layer)).read(layer.grid[rows, columns])
        assert np.array_equal(part.t, whole.t)
        assert np.allclose(part.values, whole.values[:, :, rows, columns], rtol=0, atol=1e-6, equal_nan=True)
    assert list(whole.bands.values) == ["B04", "nir", "scl"]


def test_a_window_where_nothing_was_seen_is_all_nan(layer):
    beside = layer.grid.translate_pix(20000, 0)
    assert layer.read(beside).shape == (5, 3, *layer.grid.shape)
    assert np.isnan(layer.read(beside)).all()


def test_a_copy_for_another_process_is_light(layer):
    assert len(pickle.dumps(layer)) < 20_000
    assert layer.items


def test_a_layer_takes_the_users_grid_and_predicates(catalogue):
    source = StacSource(catalogue.static, crs=32650, resolution=20)
    layer = source.layer(
        "sentinel-2-l2a",
        spatial_extent={"west": 253100, "south": 4707100, "east": 253500, "north": 4707600, "crs": "EPSG:32650"},
        temporal_extent=["2021-01-01", None],
        properties={"eo:cloud_cover": lambda cover: cover < 50},
    )
    assert layer.grid.boundingbox.bbox == (253100, 4707100, 253500, 4707600)
    assert layer.grid.resolution.x == 20
    assert layer.bands == ("blue", "red", "nir", "scl")
    assert len(layer.times) == 3
    never = {"eo:cloud_cover": lambda cover: cover < 0}
    with pytest.raises(NoItemsError, match="eo:cloud_cover"):
        source.layer("sentinel-2-l2a", spatial_extent=Area.of(scenes.LONLAT), properties=never)


def test_another_role_has_its_own_resolution(catalogue):
    layer = StacSource(catalogue.static).layer("dem", spatial_extent=list(scenes.LONLAT))
    assert layer.grid.resolution.x == 30
    assert layer.bands == ("elevation",)
    assert np.isfinite(layer.read(layer.grid)).any()


def test_the_first_of_search_and_load_together(catalogue):
    found = search(catalogue.static, area=Area.of(scenes.LONLAT), period=Period.of("2022"))
    assert np.nanmax(np.abs(load(found, ["red"], EAST)[0, 0] - truth("red", EAST, "2022-06-01"))) < HALF_A_NUMBER


def test_layers_of_one_run_ask_the_catalogue_once(catalogue, monkeypatch):
    from drylands_openeo.stac import layer as module

    asked = []
    monkeypatch.setattr(module, "search", lambda *args, **kwargs: asked.append(kwargs) or search(*args, **kwargs))
    what = {"spatial_extent": list(scenes.LONLAT), "temporal_extent": "2021"}
    lasting, of_a_run = StacSource(catalogue.static), StacSource(catalogue.static, memory={})
    for source, often in ((lasting, 2), (of_a_run, 1)):
        asked.clear()
        red, scl = (source.layer("sentinel-2-l2a", bands=[band], **what) for band in ("red", "scl"))
        assert (len(asked), [item.id for item in red.items]) == (often, [item.id for item in scl.items])
    of_a_run.layer("sentinel-2-l2a", bands=["red"], spatial_extent=list(scenes.LONLAT), temporal_extent="2022")
    assert len(asked) == 2
    assert pickle.loads(pickle.dumps(of_a_run)).memory is None


def test_an_unknown_resampling_is_named_with_those_there_are(catalogue):
    source = StacSource(catalogue.static, resampling="near")
    with pytest.raises(DrylandsError, match="resampling 'near' is not one of nearest, bilinear, cubic"):
        source.layer("sentinel-2-l2a", spatial_extent=list(scenes.LONLAT), bands=["red"])


def test_a_pool_of_threads_reads_the_same(catalogue):
    layer = StacSource(catalogue.static, crs=32650).layer("sentinel-2-l2a", spatial_extent=list(scenes.LONLAT))
    with ThreadPoolExecutor(3) as pool:
        np.testing.assert_array_equal(layer.read_on(layer.grid, pool), layer.read(layer.grid))
    assert layer.block is None or layer.block >= 16
