"""Training: what is validated honestly, what is exported exactly, and what the model card says of it."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
from drylands_openeo.udf.regression import apply_datacube, dissimilarity, predict
from scipy.spatial import cKDTree
from shared import need
from sklearn.ensemble import RandomForestRegressor

from drylands_openeo.bands import BY_NAME
from drylands_openeo.endmembers import resample
from drylands_openeo.errors import DrylandsError
from drylands_openeo.model import checked, read
from drylands_openeo.products.fractional_cover import BANDS
from drylands_openeo.samples import read_table, samples_of
from drylands_openeo.train import MODELS, Metrics, train
from drylands_openeo.train.applicability import area_of_applicability, half_width
from drylands_openeo.train.folds import group_folds, random_folds, spatial_folds, splits
from drylands_openeo.train.importance import collinear_groups, twins, variance_inflation
from drylands_openeo.train.metrics import findings


def table(count=120, *, seed=0, spatial=False):
    """Samples with a target of known make: 2 a + sin(3 b), or one that only neighbours share."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.uniform(0, 1, (count, 4)), columns=["a", "b", "c", "d"])
    frame["longitude"], frame["latitude"] = 114 + random.uniform(0, 0.5, count), 42 + random.uniform(0, 0.5, count)
    frame["soc"] = 2 * frame["a"] + np.sin(3 * frame["b"]) + random.normal(0, 0.1, count) + 3
    if spatial:  # clumps: predictors and target are each a clump's own, and unrelated
        clump = np.arange(count) // 12
        for name in ("a", "b", "c", "d", "soc", "longitude", "latitude"):
            centre = random.uniform(0, 1, count // 12)[clump]
            frame[name] = centre + random.normal(0, 0.01, count) + {"longitude": 114, "latitude": 42}.get(name, 5)
    return frame


def prepared(frame, **options):
    degrees = frame[["longitude", "latitude"]].to_numpy()
    return samples_of(frame, degrees, target="soc", predictors=["a", "b", "c", "d"], **options)


@pytest.fixture(scope="module", params=MODELS)
def trained(request):
    return train(prepared(table()), target="soc", unit="g kg-1", model=request.param, folds=4, trees=25)


# The model as data


def test_every_model_is_exported_to_what_scikit_learn_predicts(trained):
    values = np.random.default_rng(1).uniform(-0.2, 1.2, (3000, 4)).astype(np.float32)
    values[5, 2] = np.nan
    found = predict(trained.document, values)
    assert np.isnan(found[5])
    sound = np.isfinite(values).all(axis=1)
    expected = trained.fitted.predict(values[sound].astype(float))
    np.testing.assert_allclose(found[sound], expected, rtol=0, atol=1e-5 * expected.std())


def test_every_model_learns_what_is_there_and_says_where_it_ends(trained):
    random, spatial = trained.validations
    assert spatial.metrics.r2 > 0.55
    assert random.kind == "random"
    assert not [said for said in trained.card["findings"] if "FAILS" in said]
    top = trained.card["importance"][0]["predictors"][0]
    assert top in ("a", "b")
    away = dissimilarity(trained.document["applicability"], [[0.5, 0.5, 0.5, 0.5], [9.0, 9.0, 0.5, 0.5]])
    threshold = trained.document["applicability"]["threshold"]
    assert away[0] <= threshold < away[1]


def test_the_model_and_its_card_are_saved_and_read_back(trained, tmp_path):
    paths = trained.save(tmp_path, "soc")
    assert read(paths["model"]) == trained.document
    described = json.loads(paths["card"].read_text())
    assert described["data"]["samples"] == 120
    assert described["versions"]["scikit-learn"]
    text = paths["text"].read_text()
    assert "| random | 4 |" in text
    assert "RPD" in text


def test_intervals_hold_about_what_they_say():
    fresh = prepared(table(600, seed=9))
    model = train(prepared(table(200)), target="soc", model="mlr", folds=5, level=0.8).document
    middle = predict(model, fresh.predictors.to_numpy())
    inside = np.abs(middle - fresh.target) <= model["interval"]
    assert 0.72 < inside.mean() < 0.88


# Honest validation


def test_a_model_of_clumps_shines_at_random_and_fails_in_space():
    made = train(prepared(table(spatial=True)), target="soc", model="rf", folds=5, trees=25)
    random, spatial = made.validations
    assert random.metrics.r2 > 0.9
    assert spatial.metrics.r2 < 0.2
    said = made.card["findings"]
    assert said[0].startswith("FAILS UNDER SPATIAL VALIDATION: R2 = -")
    assert "Do not make a map with it" in said[0]
    assert said[1].startswith("Random folds flatter")


def test_without_positions_the_card_says_so():
    samples = samples_of(table(), None, target="soc", predictors=["a", "b"])
    made = train(samples, target="soc", model="mlr", folds=4)
    assert len(made.validations) == 1
    assert made.card["findings"][0].startswith("NOT VALIDATED IN SPACE")


@pytest.mark.parametrize(("r2", "rpd", "fails"), [(0.3, 1.2, False), (0.0, 1.2, True), (0.3, 0.99, True)])
def test_failing_is_no_better_than_the_mean(r2, rpd, fails):
    spatial = Metrics(r2, 1, 1, 0, rpd, 50)
    assert spatial.fails is fails
    assert bool(findings(spatial, spatial)) is fails


def test_rmse_is_never_below_mae():
    random = np.random.default_rng(0)
    for _ in range(20):
        found = Metrics.of(random.normal(size=30), random.normal(size=30))
        assert found.rmse >= found.mae >= abs(found.bias)


def test_given_groups_stay_together():
    frame = table()
    frame["plot"] = np.repeat(np.arange(30), 4)
    samples = prepared(frame, group="plot")
    made = train(samples, target="soc", model="mlr", folds=5)
    assert made.validations[1].kind == "groups"
    for _, test in splits(made.validations[1].folds):
        assert not set(frame["plot"][test]) & set(np.delete(frame["plot"].to_numpy(), test))


def test_blocks_of_ground_are_squares_of_the_edge():
    metres = np.random.default_rng(0).uniform(0, 3000, (300, 2))
    folds = spatial_folds(metres, 4, block=500)
    cells = np.floor((metres - metres.min(axis=0)) / 500).astype(int)
    for cell in np.unique(cells, axis=0):
        assert len(set(folds[(cells == cell).all(axis=1)])) == 1
    assert np.bincount(folds).min() > 50


def test_folds_are_disjoint_and_whole():
    for folds in (random_folds(37, 5), group_folds(np.arange(37) // 3, 5)):
        tested = np.concatenate([test for _, test in splits(folds)])
        assert sorted(tested) == list(range(37))


# Predictors that are one


def test_the_two_red_edge_positions_are_called_one_variable():
    s2rep = np.random.default_rng(0).uniform(715, 730, 50)
    values = np.column_stack([704.1 + 1.04 * (s2rep - 705), s2rep, np.random.default_rng(1).random(50)])
    names = ["reip", "s2rep", "blue"]
    assert twins(values, names) == [
        "reip and s2rep are the same variable: reip = 704.1 + 1.04 (s2rep - 705) by definition. Leave one out."
    ]
    assert collinear_groups(values) == [[0, 1], [2]]
    assert np.isinf(variance_inflation(values)[:2]).all()
    assert variance_inflation(values)[2] < 1.2


def test_variance_inflation_is_the_diagonal_of_the_inverse_correlation():
    random = np.random.default_rng(3)
    values = random.normal(size=(80, 4)) @ random.normal(size=(4, 4))
    expected = np.diag(np.linalg.inv(np.corrcoef(values.T)))
    np.testing.assert_allclose(variance_inflation(values), expected, rtol=1e-8)


# Area of applicability


def test_dissimilarity_is_the_nearest_distance_of_the_recipe():
    random = np.random.default_rng(0)
    values, weights = random.normal(size=(200, 5)), np.array([0.5, 1.0, 0.0, 2.0, 0.1])
    folds = random_folds(200, 5)
    made = area_of_applicability(values, weights, folds)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1) * weights
    pairs = np.sqrt(((scaled[:, None] - scaled[None]) ** 2).sum(axis=2))
    mean = pairs.sum() / (200 * 199)
    index = np.array([pairs[i, folds != folds[i]].min() for i in range(200)]) / mean
    low, high = np.quantile(index, [0.25, 0.75])
    assert made["distance"] == pytest.approx(mean)
    assert made["threshold"] == pytest.approx(min(high + 1.5 * (high - low), index.max()))
    fresh = random.normal(size=(1000, 5))
    scaled_fresh = (fresh - values.mean(axis=0)) / values.std(axis=0, ddof=1) * weights
    expected = cKDTree(scaled).query(scaled_fresh)[0] / mean
    np.testing.assert_allclose(dissimilarity(made, fresh), expected, atol=2e-4)


def test_the_interval_is_a_quantile_with_the_correction_for_few():
    errors = np.arange(1.0, 20.0)
    assert half_width(errors, 0.9) == 18
    assert half_width(errors, 0.99) == 19
    with pytest.raises(DrylandsError, match="level: 1"):
        half_width(errors, 1)


# The UDF


def test_the_function_adds_interval_and_applicability_and_picks_its_bands():
    import xarray as xr

    known = {"mean": [0.0], "scale": [1.0], "train": [[0.0], [1.0]], "distance": 1.0, "threshold": 0.5}
    model = {"kind": "linear", "intercept": 1.0, "coefficients": [2.0], "predictors": ["b"], "log": True,
             "interval": 0.5, "applicability": known}  # fmt: skip
    values = np.stack([np.full((2, 3), 7.0), [[0, 0.5, 1], [np.nan, 2, 3]]]).astype(np.float32)
    cube = xr.DataArray(values, dims=("bands", "y", "x"), coords={"bands": ["a", "b"]})
    found = apply_datacube(cube, {"model": model, "name": "soc"})
    assert [*found.bands.values] == ["soc", "soc_lower", "soc_upper", "dissimilarity", "applicable"]
    np.testing.assert_allclose(found.values[:3, 0, 1], np.exp([2.0, 1.5, 2.5]), rtol=1e-6)
    assert np.isnan(found.values[:, 1, 0]).all()
    np.testing.assert_array_equal(found.sel(bands="applicable").values[0], [1, 1, 1])
    np.testing.assert_array_equal(found.sel(bands="applicable").values[1, 1:], [0, 0])
    assert found.dtype == np.float32
    assert apply_datacube(cube, {"model": model, "name": "soc", "applicability": False}).sizes["bands"] == 3
    with pytest.raises(ValueError, match="missing"):
        apply_datacube(cube.isel(bands=[0]), {"model": model, "name": "soc"})


def test_no_pixels_give_no_predictions():
    model = {"kind": "linear", "intercept": 1.0, "coefficients": [2.0], "predictors": ["b"]}
    assert predict(model, np.empty((0, 1))).shape == (0,)


# Tables


@pytest.mark.parametrize("ending", ["csv", "gpkg", "parquet"])
def test_a_table_is_read_in_every_form(tmp_path, ending):
    import geopandas

    frame = table(20)
    path = tmp_path / f"plots.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    else:
        points = geopandas.points_from_xy(frame["longitude"], frame["latitude"], crs="EPSG:4326")
        geo = geopandas.GeoDataFrame(frame.drop(columns=["longitude", "latitude"]), geometry=points).to_crs(32650)
        geo.to_parquet(path) if ending == "parquet" else geo.to_file(path, driver="GPKG")
    read_frame, degrees = read_table(path)
    np.testing.assert_allclose(degrees, frame[["longitude", "latitude"]], atol=1e-7)
    samples = samples_of(read_frame, degrees, target="soc")
    assert [*samples.predictors.columns] == ["a", "b", "c", "d"]


def test_rows_with_gaps_are_left_out_and_counted():
    frame = table(30)
    frame.loc[3, "b"] = np.nan
    samples = prepared(frame)
    assert (len(samples), samples.dropped) == (29, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "carbon"}, "column 'carbon' is not in the table, which has a, b, c, d"),
        ({"target": "soc", "predictors": ["z"]}, "column 'z'"),
        ({"target": "negative", "predictors": ["a"], "log": True}, "a logarithm needs them above 0"),
        ({"target": "few"}, "3 of 30 rows have target and predictors; at least 10 are needed"),
    ],
)
def test_a_wrong_table_is_told(options, message):
    frame = table(30).assign(negative=-1.0, few=[1.0, 2.0, 3.0] + [np.nan] * 27)
    with pytest.raises(DrylandsError, match=message):
        samples_of(frame, None, **options)


def test_a_broken_model_is_told(tmp_path):
    (tmp_path / "m.json").write_text("{")
    with pytest.raises(DrylandsError, match=r"m\.json' cannot be read"):
        read(tmp_path / "m.json")
    good = train(prepared(table()), target="soc", model="mlr", folds=3).document
    with pytest.raises(DrylandsError, match="coefficients has 3 entries for 4 predictors"):
        checked({**good, "coefficients": good["coefficients"][:3]})
    with pytest.raises(DrylandsError, match="'intercept' is a required property"):
        checked({key: value for key, value in good.items() if key != "intercept"})


# Real soils


def geeves():
    """Soils of eastern Australia (391 samples, 4 measured depths mixed): Sentinel-2 bands and total carbon [%]."""
    with gzip.open(need("data/soil/soilspec/geeves_vnir_5nm.csv.gz"), "rt") as file:
        frame = pd.read_csv(file)
    channels = [name for name in frame if name.startswith("w")]
    response = {name: (BY_NAME[name].centre, BY_NAME[name].width) for name in BANDS}
    wavelengths = [float(name[1:]) for name in channels]
    bands = pd.DataFrame(resample(wavelengths, frame[channels].to_numpy(), response), columns=list(BANDS))
    return bands.assign(soc=frame["TotalCarbon"])


def test_carbon_of_real_soils_comes_back_from_ten_bands():
    frame = geeves()
    samples = samples_of(frame[frame["soc"] > 0], None, target="soc", log=True, source="geeves")
    random_only = train(samples, target="soc", unit="%", model="svm", log=True, folds=10)
    assert random_only.validations[0].metrics.r2 == pytest.approx(0.63, abs=0.05)
    assert random_only.card["findings"][0].startswith("NOT VALIDATED IN SPACE")


def test_a_forest_is_scikit_learn_s_own():
    """The search changes settings only, and a standardised target is the same forest."""
    samples = prepared(table())
    made = train(samples, target="soc", model="rf", folds=3, trees=10)
    leaf = made.fitted.get_params()["regressor__min_samples_leaf"]
    plain = RandomForestRegressor(10, min_samples_leaf=leaf, max_features=1 / 3, random_state=0)
    values = samples.predictors.to_numpy(np.float32).astype(float)
    expected = plain.fit(values, samples.target).predict(values)
    np.testing.assert_allclose(predict(made.document, values), expected, atol=1e-5)
