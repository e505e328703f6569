"""A product's graph computes what the product says, on whatever back-end it is built for."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from offered import needed
from scipy import ndimage
from small_graph import run

from drylands_openeo.area import Area
from drylands_openeo.bands import BY_NAME, SCL_KEEP
from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import Kernel, fingerprint, own_kernels
from drylands_openeo.product import NO_DEFAULT, Parameter
from drylands_openeo.products import PRODUCTS, get_product
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.harmonic_series import mid_months
from drylands_openeo.profiles import get_profile

LOCAL, CDSE = get_profile("local"), get_profile("cdse")
TITILER = replace(get_profile("titiler"), band="bands")  # the interpreter of these tests knows that name only
TERRAIN_BAND = "DEM"
PLACE = {"spatial_extent": [115.0, 42.4, 115.1, 42.5], "temporal_extent": "2020/2021"}
SIZE = 40


def scene(profile, bands, *, dates=24, seed=0, cloud=0.0, resolution=10):
    """Cubes by band names as the profile's back-end would give them; the scene classification at its own pixel size."""
    rng = np.random.default_rng(seed)
    t = pd.date_range("2020-01-05", periods=dates, freq="30D")
    centres = (np.arange(SIZE) + 0.5) * resolution
    reflectance = xr.DataArray(
        rng.uniform(0.05, 0.5, (dates, len(bands), SIZE, SIZE)),
        dims=("t", "bands", "y", "x"),
        coords={"t": t, "bands": profile.band_names(bands), "y": -centres, "x": centres},
    )
    step = 1 if profile.one_grid else int(profile.scl_resolution / resolution)
    coarse = centres.reshape(-1, step).mean(axis=1)
    classes = np.where(rng.random((dates, 1, len(coarse), len(coarse))) < cloud, 9.0, 5.0)
    scl = xr.DataArray(
        classes,
        dims=("t", "bands", "y", "x"),
        coords={"t": t, "bands": profile.band_names(("scl",)), "y": -coarse, "x": coarse},
    )
    stored = reflectance if profile.reflectance_scale == 1 else (reflectance / profile.reflectance_scale).round()
    return {tuple(profile.band_names(bands)): stored, tuple(profile.band_names(("scl",))): scl}


def own_udf(text):
    kernel = Kernel(own_kernels()[fingerprint(text)])
    assert text == kernel.text
    return kernel.module.apply_datacube


def computed(name, profile, cubes, parameters=None, **arguments):
    graph = get_product(name).flat_graph(profile, **PLACE, **arguments)
    return run(graph, cubes, parameters, own_udf)


# The mask


def masked(classes, *, profile=LOCAL, resolution=10, **arguments):
    """Where the mask drops pixels of a picture of classes (y, x); on CDSE a pixel of it is four of 10 m."""
    bands = ("nir", "red")
    cubes = scene(profile, bands, dates=1)
    scl_key, key = tuple(profile.band_names(("scl",))), tuple(profile.band_names(bands))
    step = 1 if profile.one_grid else 2
    side = classes.shape[0]
    cubes[scl_key] = cubes[scl_key].isel(x=slice(side), y=slice(side)).copy(data=classes[None, None].astype(float))
    cubes[key] = cubes[key].isel(x=slice(side * step), y=slice(side * step))
    result = computed("indices", profile, cubes, resolution=resolution, **arguments)
    return np.isnan(result.sel(bands="ndvi").values)


def expected(classes, keep, erosion, dilation):
    """The same by scipy: binary opening of the rejected set with a square, then dilation; pixels as the unit."""

    def square(pixels):
        return np.ones((2 * pixels + 1, 2 * pixels + 1), bool)

    rejected = np.isin(classes, [code for code in range(2, 12) if code not in keep])
    core = ndimage.binary_erosion(rejected, square(erosion), border_value=1)
    grown = ndimage.binary_dilation(core, square(erosion + dilation))
    return grown | ~np.isin(classes, range(2, 12))


PICTURES = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).choice(
        [np.nan, 0, 1, 3, 4, 5, 8, 9], p=[0.02, 0.02, 0.02, 0.04, 0.3, 0.4, 0.1, 0.1], size=(24, 24)
    )
)


@given(PICTURES, st.integers(0, 2), st.integers(0, 3), st.sampled_from([SCL_KEEP, (5,), (4, 5, 8)]))
@settings(max_examples=25, deadline=None)
def test_the_mask_is_erosion_then_dilation_of_what_is_rejected(classes, erosion, dilation, keep):
    found = masked(classes, keep=list(keep), erosion=10 * erosion, dilation=10 * dilation)
    np.testing.assert_array_equal(found, expected(classes, keep, erosion, dilation))


def test_a_speck_of_bright_sand_is_forgiven_and_a_cloud_is_not():
    classes = np.full((40, 40), 5.0)
    classes[5:7, 5:7] = 8
    classes[20:25, 20:25] = 9
    dropped = masked(classes, erosion=20, dilation=50)
    rows, columns = np.nonzero(dropped)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (15, 29, 15, 29)


def test_no_data_and_defects_are_dropped_but_never_grown():
    classes = np.full((20, 20), 5.0)
    classes[3, 3], classes[8, 8], classes[15, 15] = 0, 1, np.nan
    assert sorted(zip(*np.nonzero(masked(classes)), strict=True)) == [(3, 3), (8, 8), (15, 15)]


def test_on_cdse_the_mask_is_built_on_the_classification_s_own_pixels():
    classes = np.full((20, 20), 4.0)
    classes[8:12, 8:12] = 9
    dropped = masked(classes, profile=CDSE, erosion=20, dilation=40)
    np.testing.assert_array_equal(dropped, np.kron(expected(classes, SCL_KEEP, 1, 2), np.ones((2, 2), bool)))


def test_here_the_run_s_resolution_sizes_the_kernels():
    classes = np.full((40, 40), 5.0)
    classes[20, 20] = 9
    assert masked(classes, erosion=0, dilation=60, resolution=20).sum() == 7 * 7
    assert masked(classes, erosion=0, dilation=60, resolution=60).sum() == 3 * 3


def test_keeping_every_class_needs_no_kernel():
    graph = get_product("indices").flat_graph(LOCAL, **PLACE, keep=list(range(2, 12)))
    assert "apply_kernel" not in {node["process_id"] for node in graph.values()}


def test_a_back_end_without_kernels_can_mask_only_what_is_not_clear():
    graph = get_product("indices").flat_graph(get_profile("titiler"), **PLACE, erosion=0, dilation=0)
    used = {node["process_id"] for node in graph.values()}
    assert {"load_stac", "mask"} <= used
    assert "apply_kernel" not in used
    for grown in ({"erosion": 0}, {"dilation": 0}):
        with pytest.raises(DrylandsError, match=r"'titiler' has no apply_kernel.*give erosion 0 and dilation 0"):
            get_product("indices").flat_graph(get_profile("titiler"), **PLACE, **grown)


def test_a_back_end_that_lacks_a_process_is_named_with_what_it_lacks():
    arguments = {"erosion": 0, "dilation": 0}
    with pytest.raises(DrylandsError, match="'titiler' does not offer run_udf, which product 'harmonic_ndvi' needs"):
        get_product("harmonic_ndvi").flat_graph(get_profile("titiler"), **PLACE, **arguments)
    with pytest.raises(DrylandsError, match="'titiler' does not offer filter_bands"):
        get_product("indices").udp(get_profile("titiler"), **arguments)


def test_a_process_can_be_fixed_where_its_maker_wants_it():
    udp = get_product("indices").udp(CDSE, index=["bsi"], dilation=100)
    assert [parameter["name"] for parameter in udp["parameters"]] == ["spatial_extent", "temporal_extent"]
    assert '`index` = ["bsi"]' in udp["description"]
    assert "`dilation` = 100" in udp["description"]
    (load,) = [n for n in udp["process_graph"].values() if "B08" in n["arguments"].get("bands", [])]
    assert set(load["arguments"]["bands"]) == {"B02", "B04", "B08", "B11"}
    with pytest.raises(DrylandsError, match="has no parameter 'bands'"):
        get_product("indices").udp(CDSE, bands=["B04"])


# indices


@pytest.mark.parametrize("profile", [LOCAL, CDSE, TITILER], ids=["local", "cdse", "titiler"])
@pytest.mark.parametrize("names", [["ndvi"], ["bsi", "ndvi", "s2rep"]])
def test_indices_are_medians_of_what_is_clear(profile, names):
    bands = tuple(dict.fromkeys(band for name in names for band in INDICES[name].bands))
    cubes = scene(profile, bands, cloud=0.2)
    result = computed("indices", profile, cubes, index=names, erosion=0, dilation=0)
    assert [*result.bands.values] == [*names, "count"]
    (scl,) = (cube for key, cube in cubes.items() if key[0].lower() == "scl")
    (stored,) = (cube for key, cube in cubes.items() if key[0].lower() != "scl")
    clear = (scl.isel(bands=0, drop=True) == 5).reindex(x=stored.x, y=stored.y, method="nearest")
    kept = (stored * profile.reflectance_scale).where(clear)
    for name in names:
        values = INDICES[name].formula(**{b: kept.sel(bands=profile.bands[b]) for b in INDICES[name].bands})
        np.testing.assert_allclose(result.sel(bands=name), values.median("t"), rtol=1e-9)
    np.testing.assert_array_equal(result.sel(bands="count"), clear.sum("t"))


def test_digital_numbers_and_reflectance_give_the_same_index():
    """An index with an additive constant is wrong by far where the scale is left out."""
    here, there = (computed("indices", p, scene(p, ("nir", "red")), index="savi") for p in (LOCAL, CDSE))
    np.testing.assert_allclose(here.sel(bands="savi"), there.sel(bands="savi"), atol=2e-4)


# harmonic_ndvi and harmonic_series


def seasonal(profile, mean=0.35, amplitude=0.15, phase=0.6):
    """A series whose NDVI is the curve given, over clear ground: red reflectance 0.1."""
    cubes = scene(profile, ("nir", "red"), dates=40)
    key = tuple(profile.band_names(("nir", "red")))
    years = (cubes[key].t.values - np.datetime64("2000-01-01")) / np.timedelta64(1, "D") / 365.2425
    ndvi = mean + amplitude * np.sin(2 * np.pi * years + phase)
    both = np.stack([0.1 * (1 + ndvi) / (1 - ndvi), np.full_like(ndvi, 0.1)], axis=1)[..., None, None]
    cubes[key] = cubes[key].copy(data=np.broadcast_to(both, cubes[key].shape) / profile.reflectance_scale)
    return cubes


def everything(profile):
    """Every band of two years, and the other inputs that products have, all on one grid."""
    cubes = scene(profile, tuple(BY_NAME), dates=24)
    named = ("radiation", "tmin", "tmean", "tmax", "precipitation", "latitude")
    some = next(iter(cubes.values())).isel(bands=slice(len(named) + 1))
    others = some.copy(data=np.full(some.shape, 5.0)).assign_coords(bands=[*named, TERRAIN_BAND])
    return {**cubes, ("others",): others}


@pytest.mark.parametrize("profile", [LOCAL, CDSE], ids=["local", "cdse"])
@pytest.mark.parametrize(("harmonics", "trend"), [(1, False), (2, True), (3, False)])
def test_the_planted_season_comes_back(profile, harmonics, trend):
    result = computed("harmonic_ndvi", profile, seasonal(profile), harmonics=harmonics, trend=trend)
    wave = "" if harmonics == 1 else "1"
    for band, value in {"mean": 0.35, f"amplitude{wave}": 0.15, f"phase{wave}": 0.6, "rmse": 0, "count": 40}.items():
        np.testing.assert_allclose(result.sel(bands=band), value, atol=2e-4)


def test_the_series_is_the_curve_on_the_dates():
    dates = ["2020-02-01", "2021-08-09"]
    result = computed("harmonic_series", LOCAL, seasonal(LOCAL), dates=dates)
    assert result.dims == ("t", "bands", "y", "x")
    assert [*result.bands.values] == ["ndvi", "count"]
    np.testing.assert_array_equal(result.sel(bands="count"), 40)
    years = (np.array(dates, "datetime64[D]") - np.datetime64("2000-01-01")) / np.timedelta64(1, "D") / 365.2425
    curve = 0.35 + 0.15 * np.sin(2 * np.pi * years + 0.6)
    np.testing.assert_allclose(result.isel(bands=0, y=0, x=0), curve, atol=1e-4)
    assert [str(label)[:10] for label in result.t.values] == dates


def test_the_dates_are_mid_months_unless_given():
    assert mid_months(["2021-02-10", "2021-05-02"]) == ["2021-02-15", "2021-03-16", "2021-04-16"]
    with pytest.raises(DrylandsError, match="give parameter 'dates'"):
        mid_months(["2021-02-16", "2021-03-10"])


@pytest.mark.parametrize("index", ["ndvi", "kndvi"])
@pytest.mark.parametrize("harmonics", [1, 2, 3])
@pytest.mark.parametrize("trend", [False, True])
def test_the_user_defined_process_gives_what_the_flat_graph_gives(index, harmonics, trend):
    values = {"index": index, "harmonics": harmonics, "trend": trend, "method": "ols"}
    cubes = seasonal(CDSE)
    udp = get_product("harmonic_ndvi").udp(CDSE)["process_graph"]
    extents = {"spatial_extent": None, "temporal_extent": None}
    theirs = run(udp, cubes, {**values, **extents}, own_udf)
    xr.testing.assert_allclose(theirs, computed("harmonic_ndvi", CDSE, cubes, **values), rtol=1e-6)


def test_the_process_of_all_indices_gives_those_asked_for():
    bands = tuple(dict.fromkeys(band for index in INDICES.values() for band in index.bands))
    cubes = scene(CDSE, bands)
    udp = get_product("indices").udp(CDSE)["process_graph"]
    result = run(udp, cubes, {"index": ["bsi", "ndvi"], "spatial_extent": None, "temporal_extent": None})
    assert [*result.bands.values] == ["bsi", "ndvi", "count"]
    some = {tuple(CDSE.band_names(("blue", "red", "nir", "swir16"))): cubes[tuple(CDSE.band_names(bands))]}
    scl = {("SCL",): cubes[("SCL",)]}
    flat = computed("indices", CDSE, {**some, **scl}, index=["bsi", "ndvi"])
    xr.testing.assert_allclose(result, flat)


# Every product


@pytest.mark.parametrize(
    "name",
    [
        *("indices", "harmonic_ndvi", "harmonic_series", "fractional_cover", "texture", "npp", "predictors"),
        *("soil_carbon", "biomass"),
    ],
)
@pytest.mark.parametrize("profile", [LOCAL, CDSE], ids=["local", "cdse"])
def test_the_result_has_the_declared_bands_with_units(name, profile):
    product = get_product(name)
    bands = product.outputs(needed(name))
    result = computed(name, profile, everything(profile), **needed(name))
    assert [*result.bands.values] == [band.name for band in bands]
    assert all(band.unit and band.description for band in bands)


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_form_of_extent_gives_the_same_graph(name):
    graph = partial(get_product(name).flat_graph, **get_product(name).example)
    forms = [
        PLACE["spatial_extent"],
        Area.of(PLACE["spatial_extent"]),
        {"west": 115.0, "south": 42.4, "east": 115.1, "north": 42.5},
    ]
    graphs = [graph(CDSE, spatial_extent=form, temporal_extent="2020/2021") for form in forms]
    graphs.append(graph(CDSE, spatial_extent=forms[0], temporal_extent=["2020-01-01", "2022-01-01"]))
    assert all(json.dumps(other) == json.dumps(graphs[0]) for other in graphs)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("harmonic_ndvi", {"harmonics": 4}, r"'harmonics': 4 is greater than the maximum of 3"),
        ("harmonic_ndvi", {"harmonics": 1.5}, r"'harmonics': 1.5 is not of type 'integer'"),
        ("harmonic_ndvi", {"index": "nvdi"}, r"'index': 'nvdi' is not one of \['ndvi', 'evi'"),
        ("harmonic_ndvi", {"trend": "yes"}, r"'trend': 'yes' is not of type 'boolean'"),
        ("harmonic_ndvi", {"window": 3}, r"no parameter 'window'; it has: index, harmonics, trend, method, keep"),
        ("harmonic_series", {"dates": ["2021-02-30"]}, r"'dates': '2021-02-30' is not a 'date'"),
        ("indices", {"index": []}, r"'index': \[\] should be non-empty"),
        ("indices", {"keep": [0, 4]}, r"'keep': 0 is not one of"),
        ("indices", {"dilation": -10}, r"'dilation': -10 is less than the minimum of 0"),
        ("indices", {"resolution": 0}, r"'resolution': 0 is less than or equal to the minimum of 0"),
        ("indices", {"spatial_extent": {"west": 1}}, r"'spatial_extent': 'south' is a required property"),
    ],
)
def test_a_wrong_argument_is_named_with_its_value_and_what_is_allowed(name, arguments, message):
    with pytest.raises(DrylandsError, match=message):
        get_product(name).flat_graph(LOCAL, **{**PLACE, **arguments})


def test_an_argument_without_default_is_asked_for():
    parameter = Parameter("model", "The trained model.", {"type": "string"})
    assert parameter.default is NO_DEFAULT
    product = get_product("indices")
    needy = type(product)(**{**vars(product), "parameters": (*product.parameters, parameter)})
    with pytest.raises(DrylandsError, match="product 'indices' needs parameter 'model': The trained model"):
        needy.flat_graph(LOCAL, **PLACE)


def test_an_unknown_product_is_answered_with_the_known_ones():
    with pytest.raises(
        DrylandsError, match="'ndvi' is not known; give one of: indices, harmonic_ndvi, harmonic_series"
    ):
        get_product("ndvi")
