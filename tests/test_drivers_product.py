"""Drivers as a product on the engine: planted shares of climate and land."""

import numpy as np
from cubes import GRID, computed, held, months, years

PERIOD = ["2001-01-01", "2021-01-01"]
COUNT = 20
COURSE = np.linspace(-0.5, 0.5, COUNT).reshape(-1, 1, 1)


def layers(land=0.0, drying=0.0, seed=0):
    rng = np.random.default_rng(seed)
    mi = 0.3 * (1 + drying * COURSE) * np.exp(rng.normal(0, 0.2, (COUNT, *GRID.shape)))
    npp = 150 * (1 + land * COURSE) * mi / 0.3 + rng.normal(0, 2, mi.shape)
    rain = np.repeat(mi * 50, 12, axis=0)
    climate = held(months("2001-01", "2020-12"), precipitation=rain, pet=50.0, tmean=15.0)
    return {"npp": held(years(2001, 2020), npp=npp), "climate": climate}


def driver(found):
    return found.sel(bands="driver").values


def test_a_fall_of_the_land_is_not_explained_by_climate():
    found = computed("drivers", layers(land=-0.8), PERIOD, predictors=["precipitation"])
    assert np.isin(driver(found), [4, 6]).mean() > 0.8
    assert float(found.sel(bands="unexplained").median()) > 70


def test_a_fall_of_the_rain_is_explained_by_climate():
    found = computed("drivers", layers(drying=-1.2), PERIOD, predictors=["precipitation"])
    told = np.isin(driver(found), [4, 5])
    assert told.mean() > 0.6
    assert float(found.sel(bands="climate").median()) > 90


def test_shares_add_up_and_slopes_too():
    found = computed("drivers", layers(land=-0.5, drying=-0.5), PERIOD)
    both = found.sel(bands="climate") + found.sel(bands="unexplained")
    np.testing.assert_allclose(both.values[~np.isnan(both.values)], 100, rtol=1e-5)
    parts = found.sel(bands="slope_predicted") + found.sel(bands="slope_residual")
    np.testing.assert_allclose(parts, found.sel(bands="slope_observed"), atol=1e-4)


def test_constant_production_has_no_driver():
    given = {**layers(), "npp": held(years(2001, 2020), npp=150.0)}
    assert set(np.unique(driver(computed("drivers", given, PERIOD)))) == {0.0}


def test_scaling_the_production_changes_no_driver():
    given = layers(land=-0.5, drying=-0.5)
    scaled = held(years(2001, 2020), npp=3 * given["npp"].values[:, 0])
    one, other = (computed("drivers", source, PERIOD) for source in (given, {**given, "npp": scaled}))
    assert (driver(one) == driver(other)).mean() > 0.99
