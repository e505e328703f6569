"""Products of the climate compute what they say, here and on a back-end's own data."""

import climates
import numpy as np
import pytest
import xarray as xr
from agera5 import AgEra5
from climates import saved, truth, with_units

from drylands_openeo import tables
from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.tiles import evaluate_tiles
from drylands_openeo.kernel import Kernel
from drylands_openeo.local import source_of
from drylands_openeo.products import PRODUCTS, get_product
from drylands_openeo.products.aridity import CLASSES, within_extent
from drylands_openeo.products.indices import PRODUCT as INDICES
from drylands_openeo.profiles import CLIMATE, get_profile

LOCAL, CDSE = get_profile("local"), get_profile("cdse")
EVERYWHERE = {"spatial_extent": [-180, -90, 180, 90], "temporal_extent": "1900/2100"}
WATER = [name for name, product in PRODUCTS.items() if product.inputs == (CLIMATE,)]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return saved(with_units(truth(months=120)), tmp_path_factory.mktemp("climate") / "climate.nc")


def plan(name, source, profile=LOCAL, **arguments):
    graph = get_product(name).flat_graph(profile, **{**EVERYWHERE, **arguments})
    return Plan(Program.parse(graph), Environment(source))


def computed(name, file, **arguments):
    return plan(name, source_of(cube=file), **arguments).evaluate()


def made(tmp_path, **fields):
    """A file of constant fields (years of twelve equal months), each (y=3, x=4)."""
    dataset = truth(months=24)
    for name, value in fields.items():
        dataset[name] = dataset[name] * 0 + np.asarray(value, float)
    return saved(with_units(dataset), tmp_path / "made.nc")


# evapotranspiration


@pytest.mark.parametrize("method", ["hargreaves", "thornthwaite"])
def test_evapotranspiration_is_the_kernel_s_with_the_latitude_of_each_row(file, method):
    found = computed("evapotranspiration", file, pet_method=method)
    data = truth(months=120)
    t = data.indexes["time"]
    place = {"latitude": np.broadcast_to(data.lat.values[:, None], (3, 4)), "month": t.month, "days": t.days_in_month}
    names = ("tmean",) if method == "thornthwaite" else ("tmin", "tmean", "tmax")
    fields = [data[name].values.transpose(1, 2, 0) for name in names]
    expected = getattr(Kernel("evapotranspiration").module, method)(*fields, **place)
    np.testing.assert_allclose(found.values[:, 0], expected.transpose(2, 0, 1), rtol=2e-5, atol=1e-3)


def test_penman_monteith_takes_moisture_by_either_name(tmp_path):
    dataset = truth(months=24)
    pressure = 0.6108 * np.exp(17.27 * dataset.tmin / (dataset.tmin + 237.3))
    dataset = with_units(dataset.drop_vars("pet"))
    dataset["u2"] = (dataset.tmin.dims, np.full(dataset.tmin.shape, 2.0), {"units": "m s-1"})
    dataset["vap"] = (dataset.tmin.dims, (10 * pressure).values, {"units": "hPa"})
    found = computed("evapotranspiration", saved(dataset, tmp_path / "pm.nc"), pet_method="penman_monteith")
    july = found.sel(t="1990-07-01").values[0, 0, 0] / 31
    assert 4 < july < 8  # mm a day of a clear July at 46 degrees
    assert np.isfinite(found).all()


# aridity


def test_the_index_is_the_ratio_of_the_sums_over_whole_years(file):
    found = computed("aridity", file, pet_method="given")
    data = truth(months=120)
    rain, demand = data.precipitation.sum("time") / 10, data.pet.sum("time") / 10
    np.testing.assert_allclose(found.sel(bands="mi"), rain / demand, rtol=1e-5)
    np.testing.assert_allclose(found.sel(bands="precipitation"), rain, rtol=1e-5)
    np.testing.assert_allclose(found.sel(bands="pet"), demand, rtol=1e-5)


def test_classes_change_exactly_at_the_limits_of_fao_unep(tmp_path):
    limits = np.array([0.05, 0.20, 0.50, 0.65], np.float32)
    below, at = np.nextafter(limits, 0) * 0.9999, limits * 1.0001
    mi = np.array([[0.0, *below[:3]], [at[0], at[1], at[2], below[3]], [at[3], 1.0, 5.0, 0.3]])
    found = computed("aridity", made(tmp_path, precipitation=100 * mi, pet=100.0), pet_method="given")
    expected = [[1, 1, 2, 3], [2, 3, 4, 4], [5, 5, 5, 3]]
    np.testing.assert_array_equal(found.sel(bands="aridity_class"), expected)
    inside = np.isin(expected, [2, 3, 4])
    np.testing.assert_array_equal(found.sel(bands="desertification_extent"), inside)


def test_the_limit_itself_belongs_to_the_wetter_class(tmp_path):
    mi = np.array([[0.5, 0.25, 0.75, 0.5]] * 3)  # 0.5 and the others are exact in binary
    found = computed("aridity", made(tmp_path, precipitation=64 * mi, pet=64.0), pet_method="given")
    np.testing.assert_array_equal(found.sel(bands="aridity_class")[0], [4, 3, 5, 4])


def test_a_year_counts_only_where_every_month_has_both(tmp_path):
    dataset = truth(months=30)
    dataset["precipitation"] = dataset.precipitation * 0 + 10
    dataset["pet"] = dataset.pet * 0 + 20
    dataset["precipitation"][0:12, 0, 0] = 1000
    dataset["pet"][3, 0, 0] = np.nan  # the first year of this pixel is lost, rain and all
    dataset["pet"][[3, 15], 1, 1] = np.nan  # no year is left of this one
    path = saved(with_units(dataset), tmp_path / "gaps.nc")
    found = computed("aridity", path, pet_method="given")
    assert float(found.sel(bands="mi")[0, 0]) == pytest.approx(0.5)
    assert float(found.sel(bands="precipitation")[0, 0]) == pytest.approx(120)
    assert np.isnan(found[:, 1, 1]).all()
    years = computed("aridity_series", path, pet_method="given")
    assert [str(label) for label in years.t.values] == ["1990", "1991", "1992"]
    assert np.isnan(years.sel(bands="mi").values[2]).all()  # six months are no year
    np.testing.assert_array_equal(np.isnan(years.sel(bands="mi").values[0]).sum(), 2)


def test_where_nothing_evaporates_there_is_no_index_and_the_cold_have_a_class(tmp_path):
    demand = np.array([[0.0, 20.0, 33.0, 34.0]] * 3)
    path = made(tmp_path, precipitation=10.0, pet=demand)
    found = computed("aridity", path, pet_method="given", coldest_pet=400)
    np.testing.assert_array_equal(found.sel(bands="aridity_class")[0], [np.nan, 6, 6, 3])
    np.testing.assert_array_equal(found.sel(bands="desertification_extent")[0], [np.nan, 0, 0, 1])
    assert not (computed("aridity", path, pet_method="given").sel(bands="aridity_class") == 6).any()


def test_the_method_stands_in_every_band_that_depends_on_it():
    for band in get_product("aridity").outputs({"pet_method": "thornthwaite"}):
        assert "thornthwaite" in band.description or band.name == "precipitation"


def test_the_table_of_classes_is_the_published_one():
    assert [row["below"] for row in tables.read("aridity")["classes"]] == [0.05, 0.2, 0.5, 0.65, None]
    assert CLASSES == {
        1: "hyper-arid", 2: "arid", 3: "semi-arid", 4: "dry sub-humid", 5: "humid", 6: "cold"
    }  # fmt: skip


# drought and trends


def test_drought_is_the_kernel_s(file):
    found = computed("drought", file, pet_method="given", calibration=[1990, 1999])
    data = truth(months=120)
    rows = [data[name].values.transpose(1, 2, 0) for name in ("precipitation", "pet")]
    expected = Kernel("drought").module.scpdsi(*rows, data.awc.values, start_year=1990, calibration=(1990, 1999))
    for name, values in expected.items():
        np.testing.assert_allclose(found.sel(bands=name), values.transpose(2, 0, 1), atol=2e-3)
    whole = computed("drought", file, pet_method="given")
    xr.testing.assert_equal(whole, found)


@pytest.mark.parametrize(("index", "bands"), [("spi", ["spi"]), ("spei", ["spei"])])
def test_standardised_indices_of_an_accumulation(file, index, bands):
    found = computed("drought", file, drought_index=index, accumulation=6, pet_method="given")
    assert [*found.bands.values] == bands
    assert np.isnan(found.values[:5]).all()
    assert np.isfinite(found.values[5:]).all()


def test_a_planted_trend_of_rain_comes_back(tmp_path):
    dataset = truth(months=240)
    years = (np.arange(240) // 12)[:, None, None]
    dataset["precipitation"] = dataset.precipitation * 0 + 50 - 0.5 * years
    path = saved(with_units(dataset), tmp_path / "drying.nc")
    found = computed("climate_trend", path, variable="precipitation", pet_method="given", autocorrelation=True)
    np.testing.assert_allclose(found.sel(bands="slope"), -6, rtol=1e-4)
    np.testing.assert_allclose(found.sel(bands="p"), 0, atol=1e-6)
    assert [*found.bands.values[-2:]] == ["p_hamed_rao", "p_prewhitened"]
    decade = computed("climate_trend", path, variable="precipitation", pet_method="given", unit="decade")
    np.testing.assert_allclose(decade.sel(bands="slope"), -60, rtol=1e-4)


# Every one of them


@pytest.mark.parametrize("name", WATER)
def test_the_bands_are_those_declared(file, name):
    product = get_product(name)
    found = computed(name, file)
    assert [*found.bands.values] == [band.name for band in product.outputs({})]
    assert all(band.unit and band.description for band in product.outputs({}))


@pytest.mark.parametrize("name", WATER)
def test_pixels_do_not_depend_on_the_tiles(file, name):
    here = plan(name, source_of(cube=file))
    whole = here.evaluate()
    for tile, part in evaluate_tiles(here, size=2, threads=2):
        rows, columns = tile.window.shape
        there = whole.isel(y=slice(tile.row, tile.row + rows), x=slice(tile.column, tile.column + columns))
        np.testing.assert_array_equal(part.values, there.values)


@pytest.mark.parametrize("name", WATER)
def test_a_back_end_s_days_give_what_our_months_give(file, name):
    """AgERA5 has one latitude for all: compared on the row where it is right, on the soil that is taken there."""
    there = plan(name, AgEra5(truth(months=120)), CDSE, latitude=44.0, **({"awc": 90} if name == "drought" else {}))
    here = computed(name, file, **({"awc": 90} if name == "drought" else {}))
    ours, theirs = here.values[..., 1, :], there.evaluate().values[..., 1, :]
    if name == "climate_trend":  # scores of ranks jump with rounding; slopes do not
        ours, theirs = ours[[0, 2, 3]], theirs[[0, 2, 3]]
    np.testing.assert_allclose(theirs, ours, rtol=2e-3, atol=2e-3 if name != "drought" else 0.05)


def test_the_extent_of_desertification_masks_any_other_product():
    arguments = {"spatial_extent": {"west": 100, "south": 42, "east": 101, "north": 43}, "index": ["ndvi"]}
    common = {"temporal_extent": ["2020-01-01", "2021-01-01"], "resolution": 10.0}
    given = {"keep": [4, 5], "erosion": 0, "dilation": 0, "pet_method": "hargreaves", "coldest_pet": 0}
    cube = INDICES.cube(LOCAL, {**arguments, **common, **given})
    masked = within_extent(cube, LOCAL, {**arguments, **common, **given, "latitude": 42.5})
    graph = masked.flat_graph()
    (last,) = [node for node in graph.values() if node.get("result")]
    assert last["process_id"] == "mask"
    mask = graph[last["arguments"]["mask"]["from_node"]]
    assert mask["process_id"] == "resample_cube_spatial"
    assert mask["arguments"]["target"] == last["arguments"]["data"]


def test_months_of_a_catalogue_and_of_a_file_are_the_same_climate(tmp_path, file):
    """The same numbers as COGs with STAC items: one asset a variable, units declared by the band."""
    items = climates.stac_items(truth(months=24), tmp_path / "stac")
    source = source_of(source=items)
    extent = {"spatial_extent": [99.2, 41.2, 106.8, 46.8], "temporal_extent": "1990/1991"}
    there = plan("aridity_series", source, pet_method="given", **extent).evaluate()
    here = computed("aridity_series", file, pet_method="given", temporal_extent="1990/1991")
    middle = there.sel(x=104.0, y=44.0, method="nearest").values
    np.testing.assert_allclose(middle, here.sel(x=104.0, y=44.0).values, rtol=2e-2)


def test_a_climate_of_one_s_own_is_not_taken_for_the_back_end_s():
    own = get_profile("cdse").with_stac("climate", "https://example.org/climate/collection.json")
    place = {"spatial_extent": [115.0, 42.0, 116.0, 43.0], "temporal_extent": "2000/2001"}
    theirs, ours = (get_product("aridity").flat_graph(one, **place) for one in (get_profile("cdse"), own))
    bands = [set(node["arguments"]["bands"]) for node in ours.values() if node["process_id"] == "load_stac"]
    assert set.union(*bands) == {"precipitation", "tmin", "tmean", "tmax"}

    def periods(graph):
        return [n["arguments"]["period"] for n in graph.values() if n["process_id"] == "aggregate_temporal_period"]

    assert "month" in periods(theirs)  # AgERA5 is daily, in hundredths
    assert periods(ours) == ["year"]
    assert "apply" in {node["process_id"] for node in theirs.values()}
    assert "apply" not in {node["process_id"] for node in ours.values()}
