"""The light-use efficiency model against its formulas month by month, and against what steppes are known to produce."""

import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from drylands_openeo.udf.npp import annual, apply_datacube, casa, moisture_of, optimum_temperature
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

NDVI = np.array([0.08, 0.08, 0.10, 0.14, 0.22, 0.33, 0.42, 0.43, 0.32, 0.20, 0.12, 0.09])
RADIATION = np.array([270, 340, 500, 590, 690, 670, 640, 570, 480, 390, 280, 230.0])
TEMPERATURE = np.array([-18, -14, -5, 5, 12, 18, 21, 19, 12, 4, -7, -15.0])
MOISTURE = np.array([0.3, 0.3, 0.3, 0.3, 0.35, 0.5, 0.65, 0.65, 0.5, 0.4, 0.3, 0.3])
STEPPE = (NDVI, RADIATION, TEMPERATURE, MOISTURE)


def one_month(ndvi, radiation, temperature, moisture, optimum):
    """The formulas, in plain numbers."""
    ratio, least, most = ((1 + v) / (1 - v) for v in (min(max(ndvi, 0.023), 0.634), 0.023, 0.634))
    in_ndvi = (min(max(ndvi, 0.023), 0.634) - 0.023) / 0.611 * 0.949 + 0.001
    in_ratio = (ratio - least) / (most - least) * 0.949 + 0.001
    absorbed = 0.5 * radiation * (in_ndvi + in_ratio) / 2
    if temperature <= -10:
        return 0.0
    site = 0.8 + 0.02 * optimum - 0.0005 * optimum**2
    season = (
        1.1814
        / (1 + math.exp(0.2 * (optimum - 10 - temperature)))
        / (1 + math.exp(0.3 * (-optimum - 10 + temperature)))
    )
    return absorbed * site * season * (0.5 + 0.5 * moisture) * 0.542


def test_every_month_follows_the_formulas():
    expected = [one_month(*month, optimum=19.0) for month in zip(*STEPPE, strict=True)]
    assert casa(*STEPPE) == pytest.approx(expected, rel=1e-12)
    assert casa(*STEPPE, optimum=21.0).sum() == pytest.approx(230, abs=1)


def test_a_typical_steppe_produces_what_is_published_for_inner_mongolia():
    """146 to 503, mean 290 gC m-2 yr-1 in 1982-2002 (Zhang et al. 2008, Chinese J. Plant Ecol. 32(4):786-797)."""
    assert 145.8 < annual(casa(*STEPPE))[0] < 502.8


def test_the_optimum_is_the_temperature_of_the_greenest_month_of_the_mean_year():
    years = np.concatenate([NDVI, NDVI, NDVI])
    years[13] = 0.9
    warmth = np.concatenate([TEMPERATURE, TEMPERATURE + 2, TEMPERATURE + 1])
    assert optimum_temperature(years, warmth) == pytest.approx(20.0)
    years[[7, 19]] = np.nan
    assert optimum_temperature(years, warmth) == pytest.approx(20.0)
    assert optimum_temperature(years[:15], warmth[:15]) == pytest.approx(-13.0)
    assert np.isnan(optimum_temperature(years * np.nan, warmth))


@given(
    ndvi=hnp.arrays(float, (2, 3, 12), elements=st.floats(-1, 1)),
    radiation=st.floats(0, 1000),
    warmth=hnp.arrays(float, (3, 12), elements=st.floats(-60, 60)),
    moisture=st.floats(-1, 2),
)
def test_npp_is_never_negative_and_never_more_than_the_light_allows(ndvi, radiation, warmth, moisture):
    found = casa(ndvi, radiation, warmth, moisture)
    assert found.shape == (2, 3, 12)
    assert (found >= 0).all()
    assert (found <= 0.5 * radiation * 0.95 * 0.542 + 1e-9).all()


def test_more_light_green_or_water_is_never_less_npp():
    base = casa(*STEPPE, optimum=20.0)
    for changed in (0, 1, 3):
        more = [values * 1.1 if i == changed else values for i, values in enumerate(STEPPE)]
        assert (casa(*more, optimum=20.0) >= base).all()


def test_gaps_shapes_and_dtypes():
    gap = NDVI.copy()
    gap[3] = np.nan
    gap.flags.writeable = False
    found = casa(gap, *STEPPE[1:])
    assert np.isnan(found).tolist() == [month == 3 for month in range(12)]
    assert found[4:] == pytest.approx(casa(*STEPPE)[4:])
    assert casa(*(values.astype(np.float32) for values in STEPPE)).dtype == np.float32
    assert casa(*(np.tile(values, (2, 3, 1)) for values in STEPPE))[1, 2] == pytest.approx(casa(*STEPPE))
    assert casa(*(np.zeros((0, 12)) for _ in range(4))).shape == (0, 12)


def test_annual_totals_need_whole_years():
    assert annual(np.arange(24.0).reshape(1, 24)).tolist() == [[66.0, 210.0]]
    assert np.isnan(annual([np.nan] + [1.0] * 23)).tolist() == [True, False]
    with pytest.raises(ValueError, match=r"shape \(13,\), .* multiple of 12"):
        annual(np.zeros(13))


def test_the_udf_gives_one_band_a_month():
    ndvi, radiation, warmth, _ = STEPPE
    rain, demand = np.linspace(2, 60, 12), np.linspace(10, 140, 12)
    days = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    given = np.stack([ndvi, radiation / days, warmth, rain, demand], axis=1)
    values = np.tile(given[:, :, None, None], (1, 1, 2, 3)).astype(np.float32)
    names = ["ndvi", "radiation", "tmean", "precipitation", "pet"]
    coords = {"t": pd.date_range("2024-01-01", periods=12, freq="MS"), "bands": names, "x": [0.0, 1.0, 2.0]}
    cube = xr.DataArray(values, coords, ("t", "bands", "y", "x"))
    found = apply_datacube(cube.isel(bands=[2, 0, 3, 1, 4]), {"efficiency": 0.4})
    assert found.dims == ("t", "bands", "y", "x")
    assert found.dtype == np.float32
    assert list(found.bands.values) == ["npp"]
    assert (found.t == cube.t).all()
    expected = casa(ndvi, radiation, warmth, moisture_of(rain, demand), efficiency=0.4)
    assert found.values[:, 0, 1, 2] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="'pet'"):
        apply_datacube(cube.isel(bands=[0, 1, 2, 3]), {})
    with pytest.raises(ValueError, match="'emax'"):
        apply_datacube(cube, {"emax": 0.4})


@given(rain=st.floats(0, 1000), demand=st.floats(0.1, 400))
def test_moisture_is_a_share_that_grows_with_rain_and_falls_with_demand(rain, demand):
    share = float(moisture_of(rain, demand))
    assert 0 <= share <= 1
    assert share <= float(moisture_of(rain + 10, demand)) + 1e-12
    assert float(moisture_of(rain, 1.1 * demand)) <= share + 1e-12


def test_a_gap_in_the_water_is_a_gap_in_moisture():
    assert np.isnan(moisture_of([np.nan, 5.0, np.nan], [10.0, np.nan, 0.0])).all()


@pytest.mark.parametrize("wrong", [{"ndvi_low": 0.7}, {"ndvi_high": 1.0}, {"fpar_high": 1.2}, {"efficiency": 0}])
def test_impossible_constants_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        casa(*STEPPE, **wrong)
