"""MNPP on the engine: the formula, the years, and what is masked."""

import numpy as np
import pytest
from cubes import GRID, computed, held, months, years
from odc.geo.geobox import GeoBox

from drylands_openeo.errors import DrylandsError
from drylands_openeo.products.years import calendar_years, whole_years

PERIOD = ["2001-01-01", "2005-01-01"]


def layers(npp=150.0, precipitation=25.0, pet=50.0, grid=GRID):
    climate = held(months("2001-01", "2004-12"), grid, precipitation=precipitation, pet=pet)
    return {"npp": held(years(2001, 2004), npp=npp), "climate": climate}


def test_the_ratio_of_the_definition():
    """150 gC at an MI of 0.30 are 5 gC a percentage point."""
    found = computed("mnpp", layers(precipitation=15.0), PERIOD)
    assert found.dims == ("t", "bands", "y", "x")
    assert [str(label)[:10] for label in found.t.values] == [f"{year}-01-01" for year in range(2001, 2005)]
    np.testing.assert_allclose(found.sel(bands="mnpp"), 5.0, rtol=1e-6)
    np.testing.assert_allclose(found.sel(bands="mi"), 0.3, rtol=1e-6)
    np.testing.assert_allclose(found.sel(bands="npp"), 150.0)


def test_sums_of_the_year_are_divided_not_months():
    month = np.arange(48).reshape(48, 1, 1) % 12 + 1.0
    found = computed("mnpp", layers(precipitation=month, pet=2 * month[::-1]), PERIOD)
    np.testing.assert_allclose(found.sel(bands="mi"), 0.5, rtol=1e-6)


def test_a_missing_month_makes_the_year_no_data_and_no_other():
    rain = np.full((48, 1, 1), 25.0)
    rain[13] = np.nan
    found = computed("mnpp", layers(precipitation=rain), PERIOD).sel(bands="mnpp")
    assert np.isnan(found.isel(t=1)).all()
    assert not np.isnan(found.isel(t=[0, 2, 3])).any()


def test_hyper_arid_and_bare_pixels_are_no_data():
    npp = np.full(GRID.shape, 150.0)
    npp[0, 0] = 0.3
    rain = np.full(GRID.shape, 25.0)
    rain[1, 1] = 1.0
    found = computed("mnpp", layers(npp=npp, precipitation=rain), PERIOD).isel(t=0).sel(bands="mnpp").values
    assert np.isnan(found[0, 0])
    assert np.isnan(found[1, 1])
    assert np.isnan(found).sum() == 2


def test_a_rainless_year_is_held_at_the_least_moisture():
    rain = np.full((48, 1, 1), 25.0)
    rain[12:24] = 0.0
    found = computed("mnpp", layers(precipitation=rain), PERIOD).isel(t=1)
    np.testing.assert_allclose(found.sel(bands="mnpp"), 150 / 5)
    np.testing.assert_allclose(found.sel(bands="mi"), 0)


def test_hydrological_years_take_annual_production_from_the_year_they_lie_in():
    rain = np.where(np.arange(48) < 9, 10.0, 25.0).reshape(48, 1, 1)
    npp = np.array([100.0, 200.0, 300.0, 400.0]).reshape(4, 1, 1)
    found = computed("mnpp", layers(npp=npp, precipitation=rain), PERIOD, hydrological_month=10)
    assert [str(label)[:10] for label in found.t.values] == ["2001-10-01", "2002-10-01", "2003-10-01"]
    np.testing.assert_allclose(found.sel(bands="npp").isel(y=0, x=0), [200, 300, 400])
    np.testing.assert_allclose(found.sel(bands="mi"), 0.5)


def test_monthly_production_is_summed():
    monthly = {**layers(), "npp": held(months("2001-01", "2004-12"), npp=10.0)}
    np.testing.assert_allclose(computed("mnpp", monthly, PERIOD, npp_step="month").sel(bands="npp"), 120)


def test_a_coarse_climate_comes_onto_the_fine_grid():
    coarse = GeoBox.from_bbox((498_000, 4_698_000, 514_000, 4_710_000), "EPSG:32650", resolution=4000, tight=True)
    rain = np.linspace(20, 30, coarse.shape[1])
    found = computed("mnpp", layers(precipitation=rain, grid=coarse), PERIOD)
    mi = found.sel(bands="mi").isel(t=0).values
    assert mi.shape == tuple(GRID.shape)
    assert (np.diff(mi, axis=1) > 0).all()
    near = computed("mnpp", layers(precipitation=rain, grid=coarse), PERIOD, resampling="near")
    assert len(np.unique(near.sel(bands="mi").isel(t=0).values.round(5))) <= coarse.shape[1]


def test_scaling_production_scales_mnpp():
    one, many = (computed("mnpp", layers(npp=npp), PERIOD).sel(bands="mnpp") for npp in (150.0, 450.0))
    np.testing.assert_allclose(many, 3 * one)


@pytest.mark.parametrize(("month", "count"), [(1, 4), (2, 3), (12, 3)])
def test_years_are_those_that_lie_in_the_period_as_a_whole(month, count):
    found = whole_years(PERIOD, month)
    assert len(found) == count
    assert found[0][0] == f"2001-{month:02}-01"
    assert len(calendar_years(found)) == count


def test_a_period_without_a_whole_year_is_refused():
    with pytest.raises(DrylandsError, match="no whole year from month 4 on lies in"):
        whole_years(["2001-01-01", "2002-03-01"], 4)


def test_trends_are_those_of_the_raw_annual_series():
    npp = 100 + 3.0 * np.arange(4).reshape(4, 1, 1) + np.zeros(GRID.shape)
    found = computed("mnpp_trend", layers(npp=npp), PERIOD)
    np.testing.assert_allclose(found.sel(bands="npp_slope"), 3, rtol=2e-3)
    np.testing.assert_allclose(found.sel(bands="mnpp_slope"), 3 / 50, rtol=2e-3)
    np.testing.assert_allclose(found.sel(bands="mi_slope"), 0, atol=1e-6)
    assert len(found.bands) == 24
