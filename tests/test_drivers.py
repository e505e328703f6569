"""Climate and what it does not explain: the six cases, the sums that must hold, and models that fail."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from drylands_openeo.udf import drivers
from hypothesis import given
from hypothesis import strategies as st

from drylands_openeo import tables

TABLE = tables.read("drivers")
YEARS = np.arange(2001, 2021)
COURSE = np.linspace(-1, 1, 20)


def ascribed(observed, predicted, **options):
    return drivers.attribute(observed, predicted, YEARS, TABLE, **options)


@pytest.mark.parametrize(
    ("observed", "predicted", "driver", "climate"),
    [
        (2.0, 0.5, 1, 25),
        (2.0, 3.0, 2, 100),
        (2.0, -1.0, 3, 0),
        (-2.0, -0.5, 4, 25),
        (-2.0, -3.0, 5, 100),
        (-2.0, 1.0, 6, 0),
        (2.0, 0.0, 3, 0),
        (-2.0, -2.0, 5, 100),
    ],
)
def test_the_six_cases(observed, predicted, driver, climate):
    found = ascribed(100 + observed * COURSE, 100 + predicted * COURSE)
    assert int(found["driver"]) == driver
    np.testing.assert_allclose([found["climate"], found["unexplained"]], [climate, 100 - climate], atol=1e-9)


def test_the_six_rows_are_the_six_sign_sets_that_least_squares_allows():
    signs = {(row["observed"], row["predicted"], row["residual"]) for row in TABLE["drivers"]}
    possible = {(o, p, r) for o in (-1, 1) for p in (-1, 1) for r in (-1, 1) if not (p == r == -o)}
    assert signs == possible
    assert not any("human" in row["name"] for row in TABLE["drivers"])


def test_signs_in_no_row_are_flagged():
    rows = {"drivers": [row for row in TABLE["drivers"] if row["value"] != 2]}
    found = drivers.attribute(COURSE * 2, COURSE * 3, YEARS, rows)
    assert int(found["driver"]) == drivers.IMPOSSIBLE
    assert np.isnan(found["climate"])


def test_no_trend_is_ascribed_to_nothing():
    found = ascribed(np.full(20, 5.0), COURSE)
    assert int(found["driver"]) == drivers.NO_TREND
    assert np.isnan(found["climate"])


@given(st.integers(0, 2**31), st.booleans())
def test_slopes_add_up_and_shares_are_of_a_hundred(seed, gaps):
    rng = np.random.default_rng(seed)
    y, rain = rng.normal(size=(2, 7, 20)) + COURSE * rng.normal(size=(2, 7, 1))
    if gaps:
        y[rng.random(y.shape) < 0.2] = np.nan
    fitted = drivers.predict(y, [rain])
    found = ascribed(y, fitted["predicted"], alpha=0.99)
    np.testing.assert_allclose(found["slope_predicted"] + found["slope_residual"], found["slope_observed"], atol=1e-12)
    shares = found["climate"][~np.isnan(found["climate"])]
    assert ((shares >= 0) & (shares <= 100)).all()
    assert set(found["driver"]) <= set(range(7))


def test_predictions_are_those_of_lstsq():
    rng = np.random.default_rng(0)
    y, a, b = rng.normal(size=(3, 5, 20))
    found = drivers.predict(y, [a, b])
    for pixel in range(5):
        design = np.stack([np.ones(20), a[pixel], b[pixel]], axis=1)
        expected = design @ np.linalg.lstsq(design, y[pixel], rcond=None)[0]
        np.testing.assert_allclose(found["predicted"][pixel], expected, atol=1e-10)
        np.testing.assert_allclose(found["r2"][pixel], np.corrcoef(expected, y[pixel])[0, 1] ** 2, atol=1e-10)


def test_a_predictor_that_others_make_up_changes_nothing():
    rng = np.random.default_rng(1)
    y, a = rng.normal(size=(2, 4, 20))
    one, two = drivers.predict(y, [a]), drivers.predict(y, [a, 3 * a + 5])
    np.testing.assert_allclose(one["predicted"], two["predicted"], atol=1e-9)
    constant = drivers.predict(y, [a, np.full_like(a, 7.0)])
    np.testing.assert_allclose(one["predicted"], constant["predicted"], atol=1e-9)


def cube(**bands):
    t = pd.to_datetime([f"{year}-01-01" for year in YEARS])
    values = np.stack([np.asarray(band, np.float32).reshape(20, 1, 1) for band in bands.values()], axis=1)
    return xr.DataArray(values, dims=("t", "bands", "y", "x"), coords={"t": t, "bands": list(bands)})


def test_a_fall_that_rain_does_not_explain_is_named_so():
    rng = np.random.default_rng(2)
    rain = rng.normal(300, 60, 20)
    npp = 0.4 * rain - 4 * np.arange(20) + rng.normal(0, 2, 20)
    found = drivers.apply_datacube(cube(observed=npp, precipitation=rain), {"table": TABLE}).isel(y=0, x=0)
    assert int(found.sel(bands="driver")) in (4, 6)
    assert float(found.sel(bands="unexplained")) > 70


def test_a_climate_that_explains_nothing_is_indeterminate():
    rain = np.tile([300.0, 200.0], 10)
    found = drivers.apply_datacube(cube(observed=COURSE, precipitation=rain), {"table": TABLE}).isel(y=0, x=0)
    assert int(found.sel(bands="driver")) == drivers.INDETERMINATE
    assert np.isnan(found.sel(bands="climate"))
    given_model = drivers.apply_datacube(cube(observed=COURSE, predicted=rain), {"table": TABLE}).isel(y=0, x=0)
    assert int(given_model.sel(bands="driver")) == 3


def test_dtypes_empty_and_wrong_input():
    assert drivers.predict(np.ones((2, 9), np.float32), [np.ones((2, 9), np.float32)])["r2"].dtype == np.float32
    assert ascribed(np.empty((0, 20)), np.empty((0, 20)))["driver"].shape == (0,)
    few = np.full(20, np.nan)
    few[:2] = 1
    assert int(ascribed(few, few)["driver"]) == -1
    with pytest.raises(ValueError, match="must have one shape"):
        ascribed(np.ones(19), np.ones(19))
    with pytest.raises(ValueError, match="as 'table'"):
        drivers.apply_datacube(cube(a=COURSE, b=COURSE), {})
    with pytest.raises(ValueError, match="a predictor at least"):
        drivers.apply_datacube(cube(a=COURSE), {"table": TABLE})
