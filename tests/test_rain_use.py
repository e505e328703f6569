"""Rain-use efficiency: a loop that follows the definition word by word, known truths, gaps, layouts."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from drylands_openeo.udf import rain_use
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[Any]
NAMES = ("rue_mean", "rue_extreme", "aridity_mean", "aridity_extreme", "guarded_years")
START, RUN = (2000, 3), {"first_year": 2001, "last_year": 2003, "hydrological_month": 6}
BEGIN, MONTHS = 15, 60  # June 2001 is the month 15 of a series that begins in March 2000


def series(shape: tuple[int, ...] = (7,), seed: int = 0, months: int = MONTHS) -> tuple[Array, Array, Array]:
    random = np.random.default_rng(seed)
    vi = random.integers(1, 6, (*shape, months)).astype(float)  # few values: ties of the maximum are common
    rain = random.gamma(0.5, 30, (*shape, months)) * (random.random((*shape, months)) < 0.7)
    return vi, rain, random.uniform(20, 200, (*shape, months))


def by_the_book(vi: Array, rain: Array, pet: Array, antecedent: int) -> list[float]:
    """One pixel, as section 4 of the method is written."""
    rue, aridity, guarded = [], [], 0
    for year in range(3):
        months = slice(BEGIN + 12 * year, BEGIN + 12 * year + 12)
        total = rain[months].sum()
        guarded += total == 0
        rue.append(vi[months].sum() / 12 / (total or 1.0))
        aridity.append(pet[months].sum() / (total or 1.0))
    strongest, when = 0.0, 0
    for month in range(BEGIN, BEGIN + 36):
        if vi[month] >= strongest:
            strongest, when = vi[month], month
    window = slice(when - antecedent, when)
    total = rain[window].sum() or 1.0
    return [np.mean(rue), strongest / total, np.mean(aridity), pet[window].sum() / total, guarded]


@pytest.mark.parametrize("antecedent", [1, 6, 15])
def test_observed_is_the_definition_pixel_by_pixel(antecedent: int) -> None:
    vi, rain, pet = series((40,))
    rain[3, BEGIN : BEGIN + 24] = 0
    found = rain_use.observed(vi, rain, pet, start=START, antecedent=antecedent, **RUN)
    expected = np.array([by_the_book(*pixel, antecedent) for pixel in zip(vi, rain, pet, strict=True)])
    for name, column in zip(NAMES, expected.T, strict=True):
        np.testing.assert_allclose(found[name], column, rtol=1e-13)
    assert found["guarded_years"][3] == 2


def test_months_outside_the_run_and_its_antecedents_do_not_matter() -> None:
    vi, rain, pet = series()
    before = rain_use.observed(vi, rain, pet, start=START, **RUN)
    for values in (vi, rain, pet):
        values[:, : BEGIN - 6] = np.nan
        values[:, BEGIN + 36 :] = np.nan
    vi[:, :BEGIN] = 99
    after = rain_use.observed(vi, rain, pet, start=START, **RUN)
    for name in NAMES:
        np.testing.assert_array_equal(before[name], after[name])


@given(seed=st.integers(0, 99), pixel=st.integers(0, 6), month=st.integers(BEGIN - 6, BEGIN + 35))
def test_a_gap_makes_what_depends_on_it_nan_and_nothing_else(seed: int, pixel: int, month: int) -> None:
    whole = rain_use.observed(*series(seed=seed), start=START, **RUN)
    depends = {0: ("rue_mean", "rue_extreme", "aridity_extreme"), 1: NAMES[:4], 2: ("aridity_mean", "aridity_extreme")}
    for variable, names in depends.items():
        data = series(seed=seed)
        data[variable][pixel, month] = np.nan
        found = rain_use.observed(*data, start=START, **RUN)
        for name in NAMES[:4]:
            inside = month >= BEGIN
            gone = name in names and (inside or (variable > 0 and name.endswith("extreme")))
            gone &= not (variable > 0 and name.endswith("extreme") and month == BEGIN + 35)
            expected = whole[name].copy()
            if gone:
                expected[pixel] = np.nan
            np.testing.assert_array_equal(found[name], expected)


def test_vegetation_always_below_zero_has_no_strongest_month() -> None:
    vi, rain, pet = series()
    found = rain_use.observed(-vi, rain, pet, start=START, **RUN)
    assert np.all(found["rue_extreme"] == 0)
    assert np.all(np.isnan(found["aridity_extreme"]))
    assert np.all(rain_use.observed(-vi, rain, pet, start=START, compatible=True, **RUN)["aridity_extreme"] == 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_layouts_and_types_give_the_same(dtype: type) -> None:
    data = [values.astype(dtype) for values in series((3, 5))]
    expected = rain_use.observed(*data, start=START, **RUN)
    wanted = np.float32 if dtype is np.float32 else np.float64
    layouts = {
        "time first": [np.moveaxis(np.ascontiguousarray(np.moveaxis(values, -1, 0)), 0, -1) for values in data],
        "every second": [np.repeat(values, 2, axis=1)[:, ::2] for values in data],
    }
    for arrays in layouts.values():
        for values in arrays:
            values.flags.writeable = False
        found = rain_use.observed(*arrays, start=START, **RUN)
        for name in NAMES:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-6 if wanted is np.float32 else 1e-13)
    assert expected["rue_mean"].dtype == wanted
    assert expected["guarded_years"].dtype == np.int16


def test_no_pixels_give_no_results() -> None:
    found = rain_use.observed(*series((0, 4)), start=START, **RUN)
    assert all(found[name].shape == (0, 4) for name in NAMES)
    assert rain_use.stepwise(np.empty((0, 5)), np.empty((0, 5)), range(5))["response"].shape == (0,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hydrological_month": 13}, "hydrological_month must lie in 1..12, not 13"),
        ({"last_year": 2000}, "last_year must not lie before first_year 2001, not 2000"),
        ({"last_year": 2005}, r"need the months 9\.\.74 of the series \(0 is 2000-03\), which has 0\.\.59"),
        ({"antecedent": 16}, r"need the months -1\.\.50"),
        ({"antecedent": 0}, "antecedent must be a whole number of months from 1, not 0"),
    ],
)
def test_a_run_that_cannot_be_had_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rain_use.observed(*series(), start=START, **(RUN | options))


def test_series_of_different_shapes_are_refused() -> None:
    vi, rain, pet = series()
    with pytest.raises(ValueError, match=r"one shape .* rain \(6, 60\)"):
        rain_use.observed(vi, rain[1:], pet, start=START, **RUN)


def one_pixel(v: Array, a: Array, t: Array, alpha: float) -> tuple[float, float, int]:
    """The stepwise rule from scipy's own tests and ordinary least squares."""
    n = len(t)
    z = [(x - x.mean()) / x.std() for x in (v, t, a)]
    b, rest = np.linalg.lstsq(np.stack(z[1:], axis=1), z[0], rcond=None)[:2]
    r2 = 1 - rest[0] / n
    (r_tv, p_tv), (r_av, p_av) = stats.pearsonr(t, v), stats.pearsonr(a, v)
    model = stats.f.sf(r2 / 2 / ((1 - r2) / (n - 3)), 2, n - 3) <= alpha
    more = stats.f.sf((r2 - max(r_tv**2, r_av**2)) / ((1 - r2) / (n - 3)), 1, n - 3) <= alpha
    if model and more:
        return b[0], b[1], 3
    if (model and abs(r_tv) > abs(r_av)) or (not model and p_tv <= alpha):
        return r_tv, 0.0, 1
    if model or p_av <= alpha:
        return 0.0, r_av, 2
    return 0.0, 0.0, 4


@pytest.mark.parametrize(("years", "alpha"), [(6, 0.10), (15, 0.10), (15, 0.01)])
def test_stepwise_is_the_rule_pixel_by_pixel(years: int, alpha: float) -> None:
    random = np.random.default_rng(years)
    t = 2001.0 + np.arange(years)
    aridity = random.normal(size=(300, years)) + 0.2 * random.normal(size=(300, 1)) * np.arange(years)
    vegetation = random.normal(size=(300, years)) + random.choice([0, 1], (300, 1)) * aridity
    vegetation += random.choice([-0.3, 0, 0.3], (300, 1)) * np.arange(years)
    found = rain_use.stepwise(vegetation, aridity, t, alpha=alpha)
    expected = np.array([one_pixel(v, a, t, alpha) for v, a in zip(vegetation, aridity, strict=True)])
    np.testing.assert_array_equal(found["response"], expected[:, 2])
    np.testing.assert_allclose(found["effect_time"], expected[:, 0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["effect_aridity"], expected[:, 1], rtol=1e-9, atol=1e-12)
    assert len(np.unique(found["response"])) == 4


def noise(pixels: int = 50, years: int = 12, seed: int = 3) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    return random.normal(5, 1, (pixels, years)), random.normal(3, 1, (pixels, years))


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_constant_vegetation_is_undetermined_and_never_a_trend(value: float) -> None:
    aridity = noise()[1]
    vegetation = np.full_like(aridity, value)
    vegetation[0, 3] = np.nextafter(value, np.inf)  # off by the last bit
    found = rain_use.stepwise(vegetation, aridity, range(12))
    assert np.all(found["response"][1:] == 0)
    assert np.all(np.isnan(found["effect_time"][1:]))
    assert found["response"][0] == 0 or value == 0
    left = rain_use.stepwise(vegetation, aridity, range(12), compatible=True)
    assert np.all(left["response"][1:] == 3)
    assert np.all(left["effect_time"][1:] == -1)


def test_aridity_that_is_constant_or_runs_with_time_is_undetermined() -> None:
    vegetation = noise(2)[0]
    aridity = np.stack([np.full(12, 2.0), 3.0 * np.arange(12) + 0.7])
    assert rain_use.stepwise(vegetation, aridity, range(12))["response"].tolist() == [0, 0]


@pytest.mark.parametrize(("slope", "cause", "response"), [(0.5, 0, 1), (-0.5, 0, 1), (0, -2.0, 2)])
def test_one_cause_alone_is_found_alone(slope: float, cause: float, response: int) -> None:
    aridity = noise()[1]
    found = rain_use.stepwise(slope * np.arange(12) + cause * aridity, aridity, range(12))
    assert np.all(found["response"] == response)
    np.testing.assert_allclose(found["effect_time"], np.sign(slope), atol=1e-12)
    np.testing.assert_allclose(found["effect_aridity"], np.sign(cause), atol=1e-12)


@given(seed=st.integers(0, 999), scale=st.sampled_from([1e-4, 0.1, 3.0, 1e4]))
def test_scale_reversal_and_order_of_pixels(seed: int, scale: float) -> None:
    vegetation, aridity = noise(seed=seed)
    found = rain_use.stepwise(vegetation, aridity, range(12))
    scaled = rain_use.stepwise(scale * vegetation, aridity, range(12))
    np.testing.assert_array_equal(scaled["response"], found["response"])
    back = rain_use.stepwise(vegetation[:, ::-1], aridity[:, ::-1], range(12))
    np.testing.assert_array_equal(back["response"], found["response"])
    np.testing.assert_allclose(back["effect_time"], -found["effect_time"], atol=1e-12)
    np.testing.assert_allclose(back["effect_aridity"], found["effect_aridity"], atol=1e-12)
    order = np.random.default_rng(seed).permutation(len(vegetation))
    permuted = rain_use.stepwise(vegetation[order], aridity[order], range(12))
    np.testing.assert_array_equal(permuted["response"], found["response"][order])


def test_white_noise_responds_to_time_as_often_as_alpha_allows() -> None:
    vegetation, aridity = noise(20000, 15)
    response = rain_use.stepwise(vegetation, aridity, range(15))["response"]
    assert 0.15 < np.mean(response != 4) < 0.21  # two tests at 0.10: 0.19 if they were independent


def test_a_gap_in_a_year_is_undetermined() -> None:
    vegetation, aridity = noise(3)
    vegetation[0, 4], aridity[1, 2] = np.nan, np.nan
    found = rain_use.stepwise(vegetation, aridity, range(12))
    assert found["response"][:2].tolist() == [0, 0]
    assert found["response"][2] > 0
    assert np.isnan(found["effect_time"][:2]).all()


@pytest.mark.parametrize(
    ("years", "message"), [(range(3), "at least 4 years, not 3"), ([1, 2, 2, 3], "rising"), (range(5), "4 rising")]
)
def test_years_that_do_not_fit_are_refused(years: Any, message: str) -> None:
    length = 3 if len(years) == 3 else 4
    with pytest.raises(ValueError, match=message):
        rain_use.stepwise(np.ones(length), np.ones(length), years)


def cube(dtype: type = np.float32) -> xr.DataArray:
    vi, rain, pet = series((4, 3), months=63)
    vi[0, 0] = rain[0, 0] = pet[0, 0] = np.nan
    values = np.moveaxis(np.stack([rain, pet, vi]).astype(dtype), -1, 0)
    t = pd.date_range("2000-03-01", periods=63, freq="MS")
    return xr.DataArray(values, dims=("t", "bands", "y", "x"), coords={"t": t, "bands": ["rain", "pet", "vi"]})


def test_the_udf_gives_the_maps_of_both_functions() -> None:
    context = RUN | {"last_year": 2004, "antecedent": 9}
    data = cube()
    maps = rain_use.apply_datacube(data, context)
    assert maps.dims == ("bands", "y", "x")
    assert maps.dtype == np.float32
    rain, pet, vi = (data.sel(bands=name).transpose("y", "x", "t").values for name in ("rain", "pet", "vi"))
    expected = rain_use.observed(vi, rain, pet, start=START, **context)
    window = {key: context[key] for key in RUN}
    expected |= rain_use.stepwise(*rain_use.annual(vi, rain, pet, start=START, **window), range(2001, 2005))
    for name in ("rue_mean", "aridity_extreme", "effect_time", "response"):
        np.testing.assert_array_equal(maps.sel(bands=name), expected[name].astype(np.float32))
    assert np.isnan(maps.sel(bands="guarded_years")[0, 0])
    assert maps.sel(bands="response")[0, 0] == 0


def test_the_udf_refuses_what_it_cannot_use() -> None:
    with pytest.raises(ValueError, match="the context must hold"):
        rain_use.apply_datacube(cube(), {"first_year": 2001})
    with pytest.raises(ValueError, match="bands must include"):
        rain_use.apply_datacube(cube().sel(bands=["rain", "vi"]), RUN)
    with pytest.raises(ValueError, match="every month once"):
        rain_use.apply_datacube(cube().isel(t=[0, 2, 3]), RUN)
