"""The authors' own program (r2dRue 1.0.4), run on their pilot data and on generated series."""

from typing import Any

import numpy as np
import pytest
from drylands_openeo.udf import rain_use
from numpy.typing import NDArray
from shared import need

RUN: dict[str, Any] = {"first_year": 1998, "last_year": 2002, "hydrological_month": 6}
START = (1997, 12)
NAMES = ("rue_mean", "rue_extreme", "aridity_mean", "aridity_extreme")
DEGENERATE = (8, 11, 13)  # constant vegetation, constant aridity, aridity collinear with time


@pytest.fixture(scope="module")
def ferlo() -> dict[str, NDArray[Any]]:
    with np.load(need("oracles/r2drue/ferlo_r2drue_oracle.npz")) as archive:
        return {key: archive[key] for key in archive.files}


def monthly(ferlo: dict[str, NDArray[Any]], dtype: type = np.float64) -> tuple[NDArray[Any], ...]:
    keys = ("in_ndvi_dn", "in_rain_mm", "in_pet_mm")
    return tuple(np.moveaxis(ferlo[key], 0, -1).astype(dtype) for key in keys)


def test_observed_quantities_are_those_of_the_program(ferlo: dict[str, NDArray[Any]]) -> None:
    found = rain_use.observed(*monthly(ferlo), start=START, **RUN)
    for name, key in zip(NAMES, ("rueObsMe", "rueObsEx", "aiObsMe", "aiObsEx"), strict=True):
        np.testing.assert_allclose(found[name], ferlo[key], rtol=1e-12)


def test_the_inverse_aridity_is_had_by_changing_places(ferlo: dict[str, NDArray[Any]]) -> None:
    vi, rain, pet = monthly(ferlo)
    found = rain_use.observed(vi, pet, rain, start=START, **RUN)
    np.testing.assert_allclose(found["aridity_mean"], ferlo["aiObsMe_fao"], rtol=1e-12)
    np.testing.assert_allclose(found["aridity_extreme"], ferlo["aiObsEx_fao"], rtol=1e-12)


def test_float32_comes_near(ferlo: dict[str, NDArray[Any]]) -> None:
    found = rain_use.observed(*monthly(ferlo, np.float32), start=START, **RUN)
    for name, key in zip(NAMES, ("rueObsMe", "rueObsEx", "aiObsMe", "aiObsEx"), strict=True):
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], ferlo[key], rtol=1e-6)


def test_annual_series_are_those_of_the_program(ferlo: dict[str, NDArray[Any]]) -> None:
    vegetation, aridity = rain_use.annual(*monthly(ferlo), start=START, **RUN)
    np.testing.assert_allclose(np.moveaxis(vegetation, -1, 0), ferlo["annual_vi"], rtol=1e-12)
    np.testing.assert_allclose(np.moveaxis(aridity, -1, 0), ferlo["annual_ai"], rtol=1e-12)


def test_stepwise_on_the_pilot_area(ferlo: dict[str, NDArray[Any]]) -> None:
    vegetation, aridity = (np.moveaxis(ferlo[key], 0, -1) for key in ("annual_vi", "annual_ai"))
    found = rain_use.stepwise(vegetation, aridity, range(1998, 2003))
    expected = ferlo["regstep_f64"]
    np.testing.assert_array_equal(found["response"], expected[3])
    np.testing.assert_allclose(found["effect_time"], expected[1], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found["effect_aridity"], expected[2], rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(np.bincount(found["response"].ravel()), [0, 262, 3288, 479, 3639])


def test_the_program_s_own_maps_to_their_four_decimals(ferlo: dict[str, NDArray[Any]]) -> None:
    vegetation, aridity = (np.moveaxis(ferlo[key], 0, -1) for key in ("annual_vi_f32", "annual_ai_f32"))
    found = rain_use.stepwise(vegetation, aridity, range(1998, 2003))
    np.testing.assert_array_equal(found["response"], ferlo["mon_veg_response"])
    np.testing.assert_allclose(found["effect_time"], ferlo["mon_effect_time"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(found["effect_aridity"], ferlo["mon_effect_arid"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("years", [5, 8, 11, 15, 20, 30])
def test_stepwise_on_generated_series(years: int) -> None:
    with np.load(need("oracles/r2drue/unit_r2drue_oracle.npz")) as archive:
        vi, ai, when, expected = (archive[f"N{years}_{key}"] for key in ("vi", "ai", "years", "out"))
    found = rain_use.stepwise(vi.T, ai.T, when)
    sound = np.setdiff1d(np.arange(400), DEGENERATE)
    gaps = np.isnan(expected[3, sound])
    np.testing.assert_array_equal(found["response"][sound], np.where(gaps, 0, expected[3, sound]))
    np.testing.assert_allclose(found["effect_time"][sound], expected[1, sound], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found["effect_aridity"][sound], expected[2, sound], rtol=1e-12, atol=1e-13)
    assert np.all(found["response"][list(DEGENERATE)] == 0)
    assert np.all(np.isnan(found["effect_time"][list(DEGENERATE)]))


@pytest.mark.parametrize("years", [5, 8, 11, 15, 20, 30])
def test_compatible_has_the_program_s_fill_value_for_constant_series(years: int) -> None:
    with np.load(need("oracles/r2drue/unit_r2drue_oracle.npz")) as archive:
        vi, ai, when, expected = (archive[f"N{years}_{key}"] for key in ("vi", "ai", "years", "out"))
    found = rain_use.stepwise(vi.T, ai.T, when, compatible=True)
    constant = [8, 11]
    np.testing.assert_array_equal(found["response"][constant], expected[3, constant])
    np.testing.assert_array_equal(found["effect_time"][constant], expected[1, constant])
    np.testing.assert_array_equal(found["effect_aridity"][constant], expected[2, constant])
