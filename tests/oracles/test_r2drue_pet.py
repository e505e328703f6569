"""Radiation and Hargreaves evapotranspiration beside the outputs of r2dRue 1.0.4."""

import numpy as np
import pytest
from drylands_openeo.udf import evapotranspiration
from drylands_openeo.udf.evapotranspiration import MID_MONTH, hargreaves, r2drue_radiation
from shared import need


@pytest.fixture
def oracle():
    return np.load(need("oracles/r2drue/unit_r2drue_oracle.npz"))


def test_radiation_equals_r2drue(oracle):
    found = r2drue_radiation(oracle["rad_lat"], MID_MONTH["r2drue"])
    np.testing.assert_allclose(found, oracle["rad"], rtol=1e-12)


def test_evapotranspiration_equals_r2drue_where_that_is_right(oracle, monkeypatch):
    """The oracle gives radiation, not latitude: it stands in for the sun here. Its negative values are 0 with us."""
    radiation = oracle["pet_rad"]
    monkeypatch.setattr(evapotranspiration, "r2drue_radiation", lambda latitude, day: radiation[:, None])
    month = oracle["pet_month"].astype(int)
    expected = oracle["pet_pet"]
    temperatures = [oracle[name][:, None] for name in ("pet_tmin", "pet_tmed", "pet_tmax")]
    for calendar in range(1, 13):
        pet = hargreaves(*temperatures, 0.0, [calendar], convention="r2drue")[:, 0]
        here = month == calendar
        np.testing.assert_array_equal(np.isnan(pet[here]), np.isnan(expected[here]))
        np.testing.assert_allclose(pet[here], np.maximum(expected[here], 0), rtol=1e-12)


def test_both_conventions_stay_within_seven_percent():
    latitude = np.linspace(-50, 50, 41)
    warm = [np.full((41, 12), t) for t in (15.0, 22.0, 30.0)]
    fao, r2drue = (hargreaves(*warm, latitude, np.arange(1, 13), convention=c) for c in ("fao56", "r2drue"))
    np.testing.assert_allclose(r2drue, fao, rtol=0.07)
