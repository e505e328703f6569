"""Theil-Sen and Mann-Kendall: known answers, two libraries, and what gaps, ties and shapes may not change."""

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pandas as pd
import pymannkendall
import pytest
import xarray as xr
from drylands_openeo.udf.trend import (
    apply_datacube,
    hamed_rao,
    mann_kendall,
    theil_sen,
    trend_free_prewhitening,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, theilslopes

from drylands_openeo.kernel import Kernel

YEARS = np.arange(2001, 2021)


def gappy(rng: np.random.Generator, pixels: int, steps: int, *, ties: bool = False, gaps: float = 0.2) -> np.ndarray:
    series = rng.normal(size=(pixels, steps)) + np.linspace(0, 1, steps) * rng.normal(size=(pixels, 1))
    series = np.round(series * 2) / 2 if ties else series
    series[rng.random(series.shape) < gaps] = np.nan
    return series


def test_a_straight_line_is_recovered_whatever_its_gaps():
    rng = np.random.default_rng(0)
    slopes, levels = rng.normal(size=(2, 50))
    series = levels[:, None] + slopes[:, None] * YEARS
    series[rng.random(series.shape) < 0.4] = np.nan
    slope, intercept, low, high = theil_sen(series, YEARS)
    for found in (slope, low, high):
        np.testing.assert_allclose(found, slopes, atol=1e-9)
    np.testing.assert_allclose(intercept, levels, atol=1e-8)


def test_one_wild_value_in_five_leaves_the_slope():
    series = 0.5 * np.arange(20.0)
    series[[2, 7, 11, 18]] = 1e6
    assert float(theil_sen(series, np.arange(20))[0]) == pytest.approx(0.5, abs=0.1)


def test_the_example_of_gilbert():
    """Gilbert 1987, Statistical Methods for Environmental Pollution Monitoring, example 16.2: slopes 10, 15, 8."""
    slope, *_ = theil_sen([10.0, 15.0, 14.0, 20.0], [1, 2, 3, 4])
    assert float(slope) == pytest.approx(np.median([5, 2, 10 / 3, -1, 2.5, 6]))
    assert [float(v) for v in mann_kendall([10.0, 15.0, 14.0, 20.0])[:2]] == [4.0, pytest.approx(8 + 2 / 3)]


@pytest.mark.parametrize("steps", [2, 3, 5, 10, 11, 20, 33])
@pytest.mark.parametrize("ties", [False, True])
def test_ten_thousand_series_equal_pymannkendall(steps, ties):
    series = gappy(np.random.default_rng(steps), 800, steps, ties=ties)
    series = series[np.count_nonzero(~np.isnan(series), axis=1) >= 2]  # the library divides by zero below
    slope, intercept, _, _ = theil_sen(series, np.arange(steps))
    s, var, z, p = mann_kendall(series)
    peer = [pymannkendall.original_test(one) for one in series]
    np.testing.assert_allclose(slope, [r.slope for r in peer], rtol=0, atol=1e-9)
    np.testing.assert_allclose(intercept, [r.intercept for r in peer], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(s, [r.s for r in peer])
    np.testing.assert_allclose(var, [r.var_s for r in peer], rtol=1e-12)
    np.testing.assert_allclose(z, [r.z for r in peer], rtol=0, atol=1e-12)
    np.testing.assert_allclose(p, [r.p for r in peer], rtol=0, atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_slope_and_interval_equal_scipy_on_uneven_years(ties, confidence):
    rng = np.random.default_rng(5)
    years = np.sort(rng.choice(np.arange(1950, 2010), 17, replace=False)) + 0.25
    series = gappy(rng, 200, 17, ties=ties)
    found = theil_sen(series, years, confidence=confidence)
    for pixel, values in enumerate(series):
        there = ~np.isnan(values)
        peer = theilslopes(values[there], years[there], alpha=confidence)
        np.testing.assert_allclose([v[pixel] for v in found], peer, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning:pymannkendall")
@pytest.mark.parametrize("steps", [4, 9, 30])
def test_variants_for_serial_correlation_equal_pymannkendall(steps):
    series = np.random.default_rng(steps).normal(size=(150, steps)).cumsum(axis=1)
    for ours, theirs in (
        (hamed_rao, pymannkendall.hamed_rao_modification_test),
        (trend_free_prewhitening, pymannkendall.trend_free_pre_whitening_modification_test),
    ):
        peer = [theirs(one) for one in series]
        for found, name in zip(ours(series), ("s", "var_s", "z", "p"), strict=True):
            np.testing.assert_allclose(found, [getattr(r, name) for r in peer], rtol=1e-9, atol=1e-12)


def test_serial_correlation_passes_for_a_trend_less_often():
    rng = np.random.default_rng(1)
    series = np.zeros((2000, 60))
    for step in range(1, 60):
        series[:, step] = 0.7 * series[:, step - 1] + rng.normal(size=2000)
    plain, aware = (np.mean(test(series)[3] < 0.05) for test in (mann_kendall, hamed_rao))
    assert plain > 0.3
    assert aware < 0.7 * plain


def test_exact_p_counts_orders():
    orders = np.array(list(permutations(range(5))), float)
    scores = np.abs(mann_kendall(orders)[0])
    p = mann_kendall(orders, exact=True)[3]
    np.testing.assert_allclose(p, [(scores >= s).mean() for s in scores], rtol=1e-12)


def test_exact_p_is_kendalls_up_to_ten_untied_values():
    series = gappy(np.random.default_rng(8), 300, 13, gaps=0.4)
    exact, plain = mann_kendall(series, exact=True)[3], mann_kendall(series)[3]
    for pixel, values in enumerate(series):
        kept = values[~np.isnan(values)]
        if len(kept) < 2:
            continue
        expected = kendalltau(np.arange(len(kept)), kept, method="exact").pvalue if len(kept) <= 10 else plain[pixel]
        assert exact[pixel] == pytest.approx(expected, rel=1e-10)
    tied = [1.0, 1.0, 2.0, 3.0, 5.0]
    assert mann_kendall(tied, exact=True)[3] == mann_kendall(tied)[3]


@given(st.integers(0, 10_000), st.integers(2, 15))
@settings(deadline=None, max_examples=40)
def test_gaps_count_as_left_out(seed, steps):
    series = gappy(np.random.default_rng(seed), 1, steps, ties=bool(seed % 2), gaps=0.5)[0]
    years = np.arange(1990.0, 1990 + steps)
    there = ~np.isnan(series)
    for found, expected in zip(theil_sen(series, years), theil_sen(series[there], years[there]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    for found, expected in zip(mann_kendall(series), mann_kendall(series[there]), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(st.integers(0, 10_000), st.floats(-50, 50), st.floats(0.1, 20))
@settings(deadline=None, max_examples=30)
def test_slope_follows_scale_and_time_turns_the_sign(seed, offset, factor):
    series = gappy(np.random.default_rng(seed), 4, 12)
    years = np.arange(12.0)
    slope, _, low, high = theil_sen(series, years)
    np.testing.assert_allclose(theil_sen(factor * series + offset, years)[0], factor * slope, atol=1e-9)
    turned = theil_sen(series[:, ::-1], years)
    np.testing.assert_allclose(turned[0], -slope, atol=1e-12)
    assert (low <= slope).all()
    assert (slope <= high).all()
    np.testing.assert_array_equal(mann_kendall(series[:, ::-1])[0], -mann_kendall(series)[0])


Statistic = Callable[[np.ndarray], tuple[np.ndarray, ...]]
ALL: list[Statistic] = [
    lambda s: theil_sen(s, np.arange(s.shape[-1])),
    mann_kendall,
    hamed_rao,
    trend_free_prewhitening,
]


@pytest.mark.parametrize("statistic", ALL)
def test_shape_layout_and_block_do_not_matter(statistic, monkeypatch):
    series = gappy(np.random.default_rng(2), 42, 9, ties=True)
    series.flags.writeable = False
    expected = np.array(statistic(series))
    cube = np.asfortranarray(series.reshape(6, 7, 9))
    np.testing.assert_array_equal(np.array(statistic(cube)).reshape(expected.shape), expected)
    np.testing.assert_array_equal(np.array([np.array(statistic(one)) for one in series]).T, expected)
    monkeypatch.setattr("drylands_openeo.udf.trend.BLOCK", 20)
    np.testing.assert_array_equal(np.array(statistic(series)), expected)


@pytest.mark.parametrize("statistic", ALL)
def test_dtypes_and_empty_cubes(statistic):
    series = np.array([[1, 3, 2, 5, 4, 7], [0, 1, 0, 2, 0, 3]])
    exact = statistic(series)
    assert {part.dtype for part in exact} == {np.dtype("float64")}
    single = statistic(series.astype(np.float32))
    assert {part.dtype for part in single} == {np.dtype("float32")}
    np.testing.assert_allclose(np.array(single), np.array(exact), rtol=1e-5)
    assert [part.shape for part in statistic(np.empty((0, 3, 6)))] == [(0, 3)] * 4
    for steps in (0, 1):
        assert np.isnan(np.array(statistic(np.ones((2, steps))))).all()


@pytest.mark.parametrize("statistic", ALL[1:])
def test_a_constant_pixel_has_no_trend_and_an_empty_one_no_answer(statistic):
    s, _, z, p = statistic(np.array([[3.0] * 8, [np.nan] * 8, [np.nan] * 7 + [1.0]]))
    np.testing.assert_array_equal(s, [0, np.nan, np.nan])
    np.testing.assert_array_equal(z, [0, np.nan, np.nan])
    np.testing.assert_array_equal(p, [1, np.nan, np.nan])


def test_long_series_are_counted_in_full():
    series = np.arange(300.0)
    assert mann_kendall(series)[0] == 300 * 299 / 2
    assert mann_kendall(np.repeat(series, 2))[0] == 600 * 599 / 2 - 300


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="the series has 3 steps"):
        theil_sen([1.0, 2.0, 3.0], [2000, 2001])
    with pytest.raises(ValueError, match="must be finite and increase"):
        theil_sen([1.0, 2.0, 3.0], [2000, 2000, 2001])
    with pytest.raises(ValueError, match="lies between 0 and 1"):
        theil_sen([1.0, 2.0], [0, 1], confidence=95)
    with pytest.raises(ValueError, match="give numbers"):
        mann_kendall(["a", "b"])


def annual_cube() -> xr.DataArray:
    series = gappy(np.random.default_rng(4), 12, 10).astype(np.float32)
    return xr.DataArray(
        series.T.reshape(10, 1, 3, 4),
        dims=("t", "bands", "y", "x"),
        coords={"t": pd.date_range("2001-01-01", periods=10, freq="YS"), "bands": ["ndvi"], "y": [3, 2, 1]},
    )


def test_a_cube_gives_the_kernels_numbers_by_band():
    cube = annual_cube()
    result = Kernel("trend").local(cube, autocorrelation=True)
    assert result.dims == ("bands", "y", "x")
    assert result.dtype == np.float32
    series = cube.values[:, 0].transpose(1, 2, 0)
    slope, intercept, low, high = theil_sen(series.astype(float), np.arange(2001, 2011))
    s, _, z, p = mann_kendall(series)
    expected = dict(
        zip(("slope", "intercept", "low", "high", "s", "z", "p"), (slope, intercept, low, high, s, z, p), strict=True)
    )
    expected |= {"p_hamed_rao": hamed_rao(series)[3], "p_prewhitened": trend_free_prewhitening(series)[3]}
    expected |= {"count": np.isfinite(series).sum(axis=-1)}
    assert set(result["bands"].values) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(result.sel(bands=name), values, rtol=2e-4, atol=1e-6, err_msg=name)


def test_a_decade_is_ten_years_and_labels_may_be_texts_or_numbers():
    cube = annual_cube()
    year = apply_datacube(cube, {})
    decade = apply_datacube(cube, {"unit": "decade"})
    np.testing.assert_allclose(decade.sel(bands="slope"), 10 * year.sel(bands="slope"), rtol=1e-5)
    for labels in (np.arange(2001, 2011), [str(label) for label in range(2001, 2011)]):
        xr.testing.assert_allclose(apply_datacube(cube.assign_coords(t=labels), {}), year)


def test_a_cube_of_two_bands_or_an_unknown_unit_is_refused():
    cube = annual_cube()
    with pytest.raises(ValueError, match="2 bands"):
        apply_datacube(xr.concat([cube, cube], "bands"), {})
    with pytest.raises(ValueError, match="unit is 'month'"):
        apply_datacube(cube, {"unit": "month"})
