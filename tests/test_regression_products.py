"""Covariates are what their names say, and a model on the map is the model that was trained."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from layers import GRID
from pyproj import Transformer

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.windows import on_grid
from drylands_openeo.errors import DrylandsError
from drylands_openeo.local.sample import sampled
from drylands_openeo.products import get_product
from drylands_openeo.products.covariates import SOIL, VEGETATION, covariate
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.predictors import quarters_of
from drylands_openeo.profiles import get_profile
from drylands_openeo.samples import samples_of
from drylands_openeo.train import train

LOCAL = get_profile("local")
PLACE = {"spatial_extent": [117.0, 42.45, 117.01, 42.455], "temporal_extent": "2020/2021"}
TIMES = pd.date_range("2020-01-10", "2021-12-25", freq="25D").to_numpy()
LEVEL = {"blue": 0.08, "green": 0.11, "red": 0.15, "rededge1": 0.165, "rededge2": 0.18, "rededge3": 0.19, "nir": 0.2,
         "nir08": 0.21, "swir16": 0.36, "swir22": 0.3}  # fmt: skip


@dataclass(frozen=True)
class Land:
    """Reflectance that grows green towards the east and in summer; a few gaps; a plane of elevation."""

    bands: tuple[str, ...]
    times: tuple = tuple(TIMES)
    grid = GRID

    def read(self, window):
        columns, rows = window.coords["x"].values, window.coords["y"].values[:, None]
        east = (columns - GRID.boundingbox.left) / 700 + 0 * rows
        if self.bands == ("DEM",):
            plane = 1000 + 0.03 * columns + 0.04 * rows - 0.04 * 4_700_000 - 0.03 * 500_000
            return on_grid(plane[None, None].astype(np.float32), window, t=np.array(self.times[:1]), bands=["DEM"])
        day = (np.array(self.times) - np.datetime64("2020-01-01")) / np.timedelta64(1, "D")
        summer = (0.5 - 0.5 * np.cos(2 * np.pi * day / 365))[:, None, None]
        green = 0.6 * (0.1 + east) * summer
        grain = 1 + 0.1 * np.sin(columns * 0.31 + rows * 0.17)
        layers = [self.layer(band, green, grain) for band in self.bands]
        values = np.stack(layers, axis=1).astype(np.float32)
        gaps = np.sin(12.9 * columns + 78.2 * rows + day[:, None, None]) > 0.97
        values[np.broadcast_to(gaps[:, None], values.shape)] = np.nan
        values[
            ..., np.broadcast_to((np.round(columns) == GRID.boundingbox.left + 5) & (rows > 4_700_400), gaps.shape[1:])
        ] = np.nan
        return on_grid(values, window, t=np.array(self.times), bands=list(self.bands))

    @staticmethod
    def layer(band, green, grain):
        if band == "scl":
            return np.full((green * grain).shape, 5.0)
        leaf = {"red": 0.04, "nir": 0.45, "nir08": 0.47, "rededge3": 0.4, "rededge2": 0.32, "swir22": 0.12}.get(
            band, 0.1
        )
        return (LEVEL[band] * (1 - green) + leaf * green) * grain


class LandSource:
    def collection(self, collection, extent):
        return Land(tuple(extent.bands))

    def stac_at(self, url, extent):
        return self.collection(url, extent)


def evaluated(graph, arguments=None):
    return Plan(Program.parse(graph), Environment(LandSource()), arguments).evaluate().transpose("bands", "y", "x")


def predictors(*names, **arguments):
    return evaluated(get_product("predictors").flat_graph(LOCAL, predictor=list(names), **PLACE, **arguments))


def seen(*bands):
    """The land's own values, cleared as the product clears them."""
    cube = Land((*bands, "scl")).read(GRID)
    return cube.sel(bands=list(bands)).where(cube.sel(bands="scl", drop=True) == 5)


def index(name, cube):
    return INDICES[name].formula(**{band: cube.sel(bands=band, drop=True) for band in INDICES[name].bands})


# Covariates


def test_covariates_come_in_the_order_asked_for():
    names = ["ndvi_q3", "elevation", "bare_red", "nir_variance", "blue", "ndvi_amplitude", "slope", "bare_bsi", "ndi45"]
    cube = predictors(*names)
    assert [*cube.bands.values] == names
    assert np.isfinite(cube.values[:, 20, 30]).all()


def test_a_quarter_is_the_mean_over_the_years_of_its_medians():
    ndvi = index("ndvi", seen("red", "nir"))
    years = [ndvi.sel(t=slice(f"{year}-07-01", f"{year}-09-30")).median("t") for year in (2020, 2021)]
    expected = xr.concat(years, "year").mean("year")
    np.testing.assert_allclose(predictors("ndvi_q3").values[0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    "names", [["ndvi", "red"], ["ndvi", "evi2"], ["bare_red", "bare_nir", "bare_ndvi", "bare_bsi"]]
)
def test_as_many_covariates_as_bands_are_told_apart(names):
    """A back-end keeps the labels where their number stays."""
    cube = predictors(*names)
    assert [*cube.bands.values] == names
    for number, name in enumerate(names):
        np.testing.assert_allclose(cube.values[number], predictors(name).values[0], rtol=1e-6)


def test_as_many_indices_as_bands_have_their_names():
    cube = evaluated(get_product("indices").flat_graph(LOCAL, index=["ndvi", "evi2"], **PLACE))
    assert [*cube.bands.values] == ["ndvi", "evi2", "count"]


def test_a_line_of_three_covariates_is_a_graph_of_three_bands(samples, stack):
    names = NAMES[:3]
    chosen = samples_of(samples.predictors.assign(soc=samples.target), samples.degrees, target="soc", predictors=names)
    document = train(chosen, target="soc", model="mlr", folds=3).document
    found = on_map(document, applicability=False)
    assert [*found.bands.values] == ["soc", "soc_lower", "soc_upper"]
    np.testing.assert_allclose(found.values, on_map(document).values[:3], rtol=2e-5)


def test_bare_soil_is_seen_on_the_dates_without_cover():
    cube = seen("red", "nir", "swir16", "swir22")
    bare = (index("ndvi", cube) <= 0.2) & (index("nbr2", cube) <= 0.12)
    expected = cube.where(bare).sel(bands="swir16").median("t")
    assert 0.2 < float(bare.mean()) < 0.9
    found = predictors("bare_swir16", bare_ndvi=0.2, bare_nbr2=0.12)
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-5)


def test_the_slope_of_a_plane_is_its_gradient_and_its_edge_is_not_a_cliff():
    cube = predictors("red", "slope", "elevation")
    slope = cube.sel(bands="slope").values
    np.testing.assert_allclose(slope[1:-1, 1:-1], 0.05, rtol=2e-3)
    assert np.isnan(slope[0]).all()
    assert np.isnan(slope[:, -1]).all()
    assert float(cube.sel(bands="elevation").values[0, 0]) == pytest.approx(1000 + 0.03 * 5 + 0.04 * 525, abs=0.01)


@pytest.mark.parametrize(("names", "pixel"), [(["red", "slope"], 10), (["swir16", "slope"], 20)])
def test_the_pixel_of_the_slope_is_that_of_the_finest_band(names, pixel):
    graph = get_product("predictors").flat_graph(get_profile("cdse"), predictor=names, **PLACE)
    factors = {node["arguments"]["factor"] for node in graph.values() if node["process_id"] == "apply_kernel"}
    assert 1 / (8 * pixel) in factors


def test_the_climate_of_a_back_end_comes_in_our_units_and_anybody_s_as_it_is():
    graph = get_product("predictors").flat_graph
    own = graph(get_profile("cdse"), predictor=["red", "climate_tmean"], **PLACE)
    assert -273.15 in {
        inner["arguments"].get("y")
        for node in own.values()
        if node["process_id"] == "apply"
        for inner in node["arguments"]["process"]["process_graph"].values()
    }
    address = "https://stac.example.org/collections/climate"
    other = graph(get_profile("cdse"), predictor=["red", "climate_t2m"], climate=address, **PLACE)
    assert address in {node["arguments"].get("url") for node in other.values()}
    with pytest.raises(DrylandsError, match=r"\['t2m'\] are not known; common names are: precipitation"):
        graph(get_profile("cdse"), predictor=["red", "climate_t2m"], **PLACE)


def test_every_default_covariate_has_a_unit_and_words():
    for name in (*SOIL, *VEGETATION, "climate_temperature", "ndvi_phase"):
        assert covariate(name).name == name
        assert covariate(name).unit
        assert covariate(name).text


@pytest.mark.parametrize("name", ["nvdi", "bare_", "ndvi_q5", "red_amplitude", "ndvi_contrast", "climate_"])
def test_an_unknown_covariate_is_told(name):
    with pytest.raises(DrylandsError, match=f"covariate '{name}' is not known: a band or index"):
        predictors(name)


def test_terrain_alone_has_no_pixels_to_stand_on():
    with pytest.raises(DrylandsError, match="at least one must come from Sentinel-2"):
        predictors("elevation")


def test_a_period_without_a_quarter_asks_for_a_longer_one():
    graph = get_product("predictors").flat_graph
    short = {**PLACE, "temporal_extent": "2020-01-01/2020-05-31"}
    assert graph(LOCAL, predictor=["ndvi_q1"], **short)
    with pytest.raises(DrylandsError, match="no quarter 4 lies in the period"):
        graph(LOCAL, predictor=["ndvi_q4"], **short)
    assert quarters_of(["2020-01-01", "2021-01-01"])[3] == [["2020-10-01", "2021-01-01"]]


# Models on the map

NAMES = ["bare_red", "ndvi_q3", "ndi45", "nir"]


@pytest.fixture(scope="module")
def stack():
    return predictors(*NAMES)


@pytest.fixture(scope="module")
def samples(stack):
    """Plots on the land, with carbon that falls with bare red and rises with green, and noise."""
    random = np.random.default_rng(0)
    rows, columns = random.integers(2, 50, 150), random.integers(3, 68, 150)
    frame = pd.DataFrame(stack.values[:, rows, columns].T.astype(float), columns=NAMES)
    frame["soc"] = 12 - 40 * frame["bare_red"] + 15 * frame["ndvi_q3"] + random.normal(0, 0.3, 150)
    degrees = np.column_stack([117 + columns * 1e-4, 42.45 + rows * 1e-4])
    return samples_of(frame, degrees, target="soc", predictors=NAMES)


@pytest.fixture(scope="module", params=["cart", "mlr", "rf", "svm"])
def made(request, samples):
    return train(samples, target="soc", unit="g kg-1", model=request.param, folds=4, trees=20)


def on_map(document, **arguments):
    return evaluated(get_product("soil_carbon").flat_graph(LOCAL, model=document, **PLACE, **arguments))


def expected_of(made, stack):
    values = stack.values.reshape(len(NAMES), -1).T
    sound = np.isfinite(values).all(axis=1)
    result = np.full(len(values), np.nan)
    result[sound] = made.fitted.predict(values[sound].astype(float))
    return result.reshape(stack.shape[1:])


def test_the_map_is_what_scikit_learn_predicts(made, stack, tmp_path):
    paths = made.save(tmp_path, "soc")
    cube = on_map(str(paths["model"]))
    assert [*cube.bands.values] == ["soc", "soc_lower", "soc_upper", "dissimilarity", "applicable"]
    expected = expected_of(made, stack)
    assert np.isnan(expected).any()
    np.testing.assert_allclose(cube.values[0], expected, rtol=0, atol=2e-6 * np.nanmax(expected))
    np.testing.assert_allclose(cube.values[2] - cube.values[0], made.document["interval"] + 0 * expected, atol=1e-5)
    assert set(np.unique(cube.sel(bands="applicable").values[np.isfinite(expected)])) <= {0, 1}
    assert float(np.nanmean(cube.sel(bands="applicable"))) > 0.5


def test_a_tree_and_a_line_are_pure_graphs_and_exact(made, stack):
    if made.document["kind"] == "onnx":
        pytest.skip("a forest is no graph")
    graph = get_product("soil_carbon").flat_graph(LOCAL, model=made.document, applicability=False, **PLACE)
    assert json.dumps(graph).count("run_udf") == 0
    found, expected = evaluated(graph), expected_of(made, stack)
    assert [*found.bands.values] == ["soc", "soc_lower", "soc_upper"]
    if made.document["kind"] == "tree":
        np.testing.assert_array_equal(found.values[0], expected.astype(np.float32))
    else:
        np.testing.assert_allclose(found.values[0], expected, rtol=2e-5)


def test_a_logarithm_comes_back_as_the_target_in_both_ways(made):
    document = {**made.document, "log": True, "interval": 0.2}
    plain = on_map({**document, "log": False})
    logged = on_map(document)
    np.testing.assert_allclose(logged.values[:3], np.exp(plain.values[:3].astype(float)), rtol=1e-5)
    if document["kind"] != "onnx":
        np.testing.assert_allclose(on_map(document, applicability=False).values, logged.values[:3], rtol=3e-5)


def test_the_published_process_takes_the_model_as_an_argument(samples):
    names = ["ndvi_q3", "ndvi_mean"]
    chosen = samples_of(
        samples.predictors[["ndvi_q3"]].assign(ndvi_mean=samples.predictors["ndi45"], soc=samples.target),
        samples.degrees, target="soc", predictors=names,
    )  # fmt: skip
    document = train(chosen, target="soc", model="rf", folds=3, trees=10).document
    udp = get_product("soil_carbon").udp(LOCAL)
    arguments = {
        "spatial_extent": {"west": 117.0, "south": 42.45, "east": 117.01, "north": 42.455},
        "temporal_extent": ["2020-01-01", "2022-01-01"],
        "model": document,
        "quarters": quarters_of(["2020-01-01", "2022-01-01"]),
    }
    theirs = evaluated(udp, arguments)
    np.testing.assert_allclose(theirs.values, on_map(document).values, rtol=1e-6)


def test_a_model_is_needed_and_checked():
    graph = get_product("biomass").flat_graph
    with pytest.raises(DrylandsError, match="product 'biomass' needs parameter 'model'"):
        graph(LOCAL, **PLACE)
    with pytest.raises(DrylandsError, match=r"model 'gone\.json' cannot be read"):
        graph(LOCAL, model="gone.json", **PLACE)
    with pytest.raises(DrylandsError, match="model: 'target' is a required property"):
        graph(LOCAL, model={"kind": "linear"}, **PLACE)


# Samples from the map


def test_samples_are_the_values_of_the_pixels_they_lie_in(stack):
    random = np.random.default_rng(4)
    rows, columns = random.integers(0, 53, 40), random.integers(0, 70, 40)
    x = GRID.boundingbox.left + 10 * columns + random.uniform(1, 9, 40)
    y = GRID.boundingbox.top - 10 * rows - random.uniform(1, 9, 40)
    lon, lat = Transformer.from_crs("EPSG:32650", "EPSG:4326", always_xy=True).transform(x, y)
    degrees = np.column_stack([lon, lat])
    degrees[7] += 1  # far outside
    graph = get_product("predictors").flat_graph(LOCAL, predictor=NAMES, **PLACE)
    found = sampled(graph, Environment(LandSource()), degrees)
    assert [*found.columns] == NAMES
    assert found.iloc[7].isna().all()
    expected = stack.values[:, rows, columns].T
    expected[7] = np.nan
    np.testing.assert_array_equal(found.to_numpy(np.float32), expected)


def test_points_elsewhere_are_told():
    graph = get_product("predictors").flat_graph(LOCAL, predictor=["ndvi"], **PLACE)
    with pytest.raises(DrylandsError, match="none of the points lies on the result's grid"):
        sampled(graph, Environment(LandSource()), np.array([[0.0, 0.0]]))
