"""The harmonic fit: planted truth, per-pixel solvers as oracle, conventions, properties, openEO's own UDF loader."""

import math

import numpy as np
import pandas as pd
import pytest
from drylands_openeo.udf import harmonic_ndvi
from drylands_openeo.udf.harmonic_ndvi import DAYS_A_YEAR, METHODS, decimal_years, fit, fitted, outputs
from hypothesis import given, settings
from hypothesis import strategies as st

YEARS = decimal_years(pd.date_range("2023-01-03", periods=73, freq="5D"))
THREE_YEARS = decimal_years(pd.date_range("2021-01-03", periods=110, freq="10D"))


def design(years, harmonics, trend):
    columns = [np.ones_like(years)] + [years] * trend
    for k in range(1, harmonics + 1):
        columns += [np.sin(2 * np.pi * k * years), np.cos(2 * np.pi * k * years)]
    return np.stack(columns, axis=1)


def planted(pixels, years, harmonics=1, trend=False, noise=0.02, gaps=0.4, seed=0, dtype=float):
    """Series (pixels, t) and the coefficients that made them."""
    random = np.random.default_rng(seed)
    truth = random.normal(0, 0.05, (pixels, 1 + trend + 2 * harmonics))
    truth[:, 0] += 0.3
    series = truth @ design(years, harmonics, trend).T + random.normal(0, noise, (pixels, len(years)))
    series[random.random(series.shape) < gaps] = np.nan
    return series.astype(dtype), truth


def lstsq(series, years, harmonics=1, trend=False):
    """Coefficients and rmse of (pixels, t) by NumPy's solver, pixel by pixel, on the plain design."""
    rows = []
    for values in np.asarray(series, float):
        valid = np.isfinite(values)
        model = design(years, harmonics, trend)[valid]
        found = np.linalg.lstsq(model, values[valid], rcond=None)[0]
        rows.append([*found, math.sqrt(np.mean((values[valid] - model @ found) ** 2))])
    return np.array(rows)


def named(result, harmonics=1, trend=False):
    return dict(zip(outputs(harmonics, trend), np.moveaxis(result, -1, 0), strict=True))


models = pytest.mark.parametrize(("harmonics", "trend"), [(1, False), (1, True), (2, False), (3, True)])


@models
@pytest.mark.parametrize("method", METHODS)
def test_planted_coefficients_come_back(method, harmonics, trend):
    series, truth = planted(50, THREE_YEARS, harmonics, trend, noise=0)
    found = fit(series, THREE_YEARS, harmonics=harmonics, trend=trend, method=method)
    np.testing.assert_allclose(found[:, : truth.shape[1]], truth, atol=1e-10)
    assert named(found, harmonics, trend)["rmse"].max() < 1e-12


@models
def test_least_squares_is_lstsq_pixel_by_pixel(harmonics, trend):
    series, _ = planted(300, THREE_YEARS, harmonics, trend)
    oracle = lstsq(series, THREE_YEARS, harmonics, trend)
    for dtype, tolerance in ((np.float64, 1e-10), (np.float32, 2e-5)):
        found = fit(series.astype(dtype), THREE_YEARS, harmonics=harmonics, trend=trend)
        assert found.dtype == dtype
        np.testing.assert_allclose(found[:, : oracle.shape[1] - 1], oracle[:, :-1], atol=tolerance)
        np.testing.assert_allclose(named(found, harmonics, trend)["rmse"], oracle[:, -1], atol=tolerance)


def test_float32_is_as_good_for_sparse_and_one_sided_pixels():
    """Few samples, on one side of the year, where plain sums in float32 would lose most digits."""
    series, _ = planted(400, YEARS, gaps=0)
    series[:200, 14:] = np.nan
    series[200:, 4:] = np.nan
    float32 = series.astype(np.float32)
    np.testing.assert_allclose(fit(float32, YEARS)[:, :3], lstsq(float32, YEARS)[:, :-1], rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(named(fit(float32, YEARS))["rmse"], lstsq(float32, YEARS)[:, -1], atol=1e-6)


def test_huber_is_iteratively_reweighted_least_squares():
    series, _ = planted(40, YEARS, gaps=0.3)
    series[:, ::9] -= 0.2
    oracle = []
    for values in series:
        valid = np.isfinite(values)
        model, y = design(YEARS, 1, False)[valid], values[valid]
        found = np.linalg.lstsq(model, y, rcond=None)[0]
        for _ in range(300):
            residual = y - model @ found
            scale = np.median(np.abs(residual)) / 0.6744897501960817
            root = np.sqrt(np.minimum(1, 1.345 * scale / np.abs(residual)))
            found = np.linalg.lstsq(model * root[:, None], y * root, rcond=None)[0]
        oracle.append([*found, math.sqrt(np.mean((y - model @ found) ** 2))])
    result = fit(series, YEARS, method="huber")
    np.testing.assert_allclose(result[:, :3], np.array(oracle)[:, :3], atol=1e-7)
    np.testing.assert_allclose(named(result)["rmse"], np.array(oracle)[:, 3], atol=1e-7)


def test_huber_is_the_one_of_statsmodels():
    robust = pytest.importorskip("statsmodels.api")
    series, _ = planted(20, YEARS, gaps=0)
    series[:, ::9] -= 0.2
    model = design(YEARS, 1, False)
    oracle = [robust.RLM(y, model, M=robust.robust.norms.HuberT()).fit(tol=1e-12, maxiter=200).params for y in series]
    np.testing.assert_allclose(fit(series, YEARS, method="huber")[:, :3], oracle, atol=1e-7)


def test_hants_finds_the_curve_under_planted_clouds():
    series, truth = planted(500, YEARS, noise=0.005, gaps=0.3)
    cloud = np.random.default_rng(1).random(series.shape) < 0.12
    clouded = np.where(cloud, series - np.random.default_rng(2).uniform(0.1, 0.3, series.shape), series)
    error = {method: np.abs(fit(clouded, YEARS, method=method)[:, :3] - truth).mean() for method in METHODS}
    clean = np.where(cloud, np.nan, series)
    assert error["hants"] < 1.1 * np.abs(fit(clean, YEARS)[:, :3] - truth).mean()
    assert error["hants"] < 0.7 * error["huber"] < 0.3 * error["ols"]
    result = fit(clouded, YEARS, method="hants")
    np.testing.assert_allclose(result[:, :3], lstsq(clean, YEARS)[:, :3], atol=0.01)
    np.testing.assert_array_equal(named(result)["count"], np.isfinite(series).sum(1))
    assert named(result)["rmse"].max() < 0.02  # of the samples kept


def test_hants_keeps_what_lies_above_and_what_it_cannot_spare():
    series, _ = planted(200, YEARS, noise=0.005, gaps=0)
    series[:, 10] += 0.3
    up = fit(series, YEARS, method="hants")
    assert (np.abs(up - fit(series, YEARS))[:, :3] < 0.02).all()
    fewest = 3 + harmonic_ndvi.DOD
    sparse = np.where(np.isin(np.arange(73), np.arange(0, 73, 73 // fewest)[:fewest]), series, np.nan)
    sparse[:, 9] -= 0.3
    np.testing.assert_allclose(fit(sparse, YEARS, method="hants"), fit(sparse, YEARS), atol=1e-12)


@pytest.mark.parametrize(("phase", "month"), [(0, 4), (math.pi / 2, 1), (-math.pi / 2, 7), (3.1, 10), (-3.1, 10)])
def test_phase_is_of_a_sine_and_the_peak_a_day_of_the_year(phase, month):
    """The palette of the Earth Engine example: phase 0 is April, pi/2 January, -pi/2 July."""
    result = named(fit(0.3 + 0.1 * np.sin(2 * np.pi * YEARS + phase), YEARS))
    assert result["phase"] == pytest.approx(phase)
    assert result["amplitude"] == pytest.approx(0.1)
    day = 1 + DAYS_A_YEAR * ((0.25 - phase / (2 * math.pi)) % 1)
    assert abs((result["peak_day"] - day + 180) % DAYS_A_YEAR - 180) < 1e-6
    peak = pd.Timestamp("2023-01-01") + pd.Timedelta(days=float(result["peak_day"]) - 1)
    assert abs(peak - pd.Timestamp(year=2023, month=month, day=1)) < pd.Timedelta(days=4)


@pytest.mark.parametrize("harmonics", [2, 3])
def test_the_peak_of_several_harmonics_is_that_of_the_whole_curve(harmonics):
    series, truth = planted(100, THREE_YEARS, harmonics, True, noise=0)
    dense = np.arange(100_000) / 100_000
    for dtype in (np.float64, np.float32):
        result = named(fit(series.astype(dtype), THREE_YEARS, harmonics=harmonics, trend=True), harmonics, True)
        curve = design(dense, harmonics, False)[:, 1:] @ truth[:, 2:].T
        missed = (
            curve.max(0) - curve[np.floor((result["peak_day"] - 1) / DAYS_A_YEAR * 100_000).astype(int), range(100)]
        )
        assert missed.max() < 1e-5 * 0.05
        days = (result["peak_day"] - 1 - DAYS_A_YEAR * dense[curve.argmax(0)] + 180) % DAYS_A_YEAR - 180
        assert np.median(np.abs(days)) < 0.02
        np.testing.assert_allclose(result["amplitude2"], np.hypot(truth[:, 4], truth[:, 5]), atol=1e-5)
        np.testing.assert_allclose(
            np.exp(1j * result["phase2"]), np.exp(1j * np.arctan2(truth[:, 5], truth[:, 4])), atol=2e-2
        )


def test_mean_is_the_trend_line_in_the_middle_of_the_period():
    series, truth = planted(20, THREE_YEARS, 1, True, noise=0)
    middle = (THREE_YEARS[0] + THREE_YEARS[-1]) / 2
    result = named(fit(series, THREE_YEARS, trend=True), 1, True)
    np.testing.assert_allclose(result["mean"], truth[:, 0] + truth[:, 1] * middle, atol=1e-10)
    seasonal = named(fit(series, THREE_YEARS))
    np.testing.assert_array_equal(seasonal["mean"], seasonal["c0"])


def test_undetermined_pixels_are_nan_and_keep_their_count():
    series, _ = planted(6, YEARS, gaps=0)
    series[0] = np.nan
    series[1, 2:] = np.nan
    series[2, 3:] = np.inf
    series[3, 3:] = -np.inf
    series[4] = np.where(np.arange(73) < 5, series[4], np.nan)
    years = YEARS.copy()
    years[:3] = years[0]  # the three samples of pixels 2 and 3 fall on one day
    for method in METHODS:
        for dtype in (np.float32, np.float64):
            result = named(fit(series.astype(dtype), years, method=method))
            assert result.pop("count").tolist() == [0, 2, 3, 3, 5, 73]
            for values in result.values():
                assert np.isnan(values).tolist() == [True, True, True, True, False, False]


@pytest.mark.parametrize("years", [np.full(9, 3.2), np.array([0.1, 0.4]), np.arange(9.0)])
def test_dates_that_cannot_tell_the_model_give_nan(years):
    result = named(fit(np.ones((4, len(years))), years))
    assert np.isnan(result["c0"]).all()
    assert np.isnan(result["peak_day"]).all()
    assert (result["count"] == len(years)).all()


@pytest.mark.parametrize("method", METHODS)
def test_arrays_without_pixels_or_dates_are_no_special_case(method):
    assert fit(np.empty((0, 5, 73), np.float32), YEARS, method=method).shape == (0, 5, 9)
    nothing = fit(np.empty((2, 3, 0)), np.empty(0), method=method, trend=True)
    assert (named(nothing, 1, True)["count"] == 0).all()
    assert np.isnan(nothing[..., :-1]).all()


@pytest.mark.parametrize("level", [0.0, 0.3, -0.1, 4000.0])
@pytest.mark.parametrize("method", METHODS)
def test_a_constant_series_has_its_level_and_no_amplitude(level, method):
    for dtype, tolerance in ((np.float32, 1e-6), (np.float64, 1e-13)):
        result = named(fit(np.full((3, 73), level, dtype), YEARS, method=method))
        np.testing.assert_allclose(result["c0"], dtype(level), rtol=tolerance)
        assert result["amplitude"].max() <= tolerance * abs(level)
        assert result["rmse"].max() <= tolerance * abs(level)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(">f4", "f4"), ("f2", "f4"), ("i2", "f4"), ("u1", "f4"), ("?", "f4"), (">f8", "f8"), ("i4", "f8"), ("g", "f8")],
)
@pytest.mark.parametrize("method", METHODS)
def test_any_real_dtype_is_fitted_in_float32_or_float64(given, expected, method):
    series = np.clip(np.random.default_rng(0).integers(0, 100, (5, 73)), 0, 1 if given == "?" else None).astype(given)
    result = fit(series, YEARS, method=method)
    assert result.dtype == np.dtype(expected)
    np.testing.assert_array_equal(result, fit(series.astype(expected), YEARS, method=method))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    gaps=st.floats(0, 1),
    method=st.sampled_from(METHODS),
    harmonics=st.integers(1, 3),
    trend=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_order_of_dates_shape_memory_and_chunks_do_not_matter(seed, gaps, method, harmonics, trend, dtype):
    random = np.random.default_rng(seed)
    series, _ = planted(12, THREE_YEARS, harmonics, trend, gaps=gaps, seed=seed, dtype=dtype)
    cube = series.reshape(3, 4, -1)
    cube.flags.writeable = False
    before = cube.copy()

    def run(cube, years=THREE_YEARS):
        return fit(cube, years, harmonics=harmonics, trend=trend, method=method)

    whole = run(cube)
    np.testing.assert_array_equal(cube, before)
    rank = np.array([outputs(harmonics, trend).index(name) for name in ("c0", "sin1", "cos1", "rmse", "count")])
    shuffle = random.permutation(len(THREE_YEARS))
    others = {
        "dates in another order": run(cube[..., shuffle], THREE_YEARS[shuffle]),
        "time first in memory": run(np.moveaxis(np.ascontiguousarray(np.moveaxis(cube, -1, 0)), 0, -1)),
        "strides": run(np.repeat(np.repeat(cube, 2, axis=1), 2, axis=2)[:, ::2, ::2]),
        "one row at a time": np.stack([run(row) for row in cube]),
        "one pixel at a time": np.stack([run(pixel) for pixel in series]).reshape(whole.shape),
    }
    scale = 50 if gaps > 0.8 else 1  # few samples: the waves are large and their sum small
    for what, other in others.items():
        assert (np.isnan(other) == np.isnan(whole)).all(), what
        tolerance = (1e-5 if dtype == np.float32 else 1e-9) * scale
        np.testing.assert_allclose(other[..., rank], whole[..., rank], rtol=tolerance, atol=tolerance, err_msg=what)


def test_more_pixels_than_a_block_are_the_same_pixels():
    series, _ = planted(700, YEARS, dtype=np.float32)
    many = np.tile(series, (30, 1))
    for method in METHODS:
        once, often = fit(series, YEARS, method=method), fit(many, YEARS, method=method)
        np.testing.assert_allclose(
            often[:, :3].reshape(30, 700, 3), np.broadcast_to(once[:, :3], (30, 700, 3)), atol=1e-6
        )


@models
def test_the_curve_on_other_dates_is_the_model(harmonics, trend):
    series, truth = planted(12, THREE_YEARS, harmonics, trend, noise=0)
    days = decimal_years(pd.date_range("2022-01-01", periods=40, freq="7D"))
    result = fit(series, THREE_YEARS, harmonics=harmonics, trend=trend).reshape(3, 4, -1)
    curve = fitted(result, days, harmonics=harmonics, trend=trend)
    np.testing.assert_allclose(curve, (truth @ design(days, harmonics, trend).T).reshape(3, 4, -1), atol=1e-10)
    float32 = fitted(result.astype(np.float32), days, harmonics=harmonics, trend=trend)
    assert float32.dtype == np.float32
    np.testing.assert_allclose(float32, curve, atol=1e-5)


def test_decimal_years_take_dates_in_their_usual_forms():
    index = pd.DatetimeIndex(["2000-01-01", "2024-02-29T06:00"])
    expected = np.array([0, 8825.25]) / 365.2425
    for times in (
        index,
        index.tz_localize("UTC"),
        index.values,
        index.values.astype("datetime64[s]"),
        index.to_series(),
    ):
        np.testing.assert_allclose(decimal_years(times), expected, rtol=1e-14)
    with pytest.raises(ValueError, match="times must be dates"):
        decimal_years(np.arange(3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"series": np.ones((2, 5))}, r"must agree in t: \(2, 5\) and \(73,\)"),
        ({"series": np.ones((2, 73), complex)}, "real numbers, not complex128"),
        ({"years": np.full(73, np.nan)}, "years must be finite"),
        ({"harmonics": 0}, "harmonics must be a whole number of 1 or more, not 0"),
        ({"harmonics": 1.5}, "harmonics must be a whole number of 1 or more, not 1.5"),
        ({"method": "lasso"}, "method must be one of ols, huber, hants, not 'lasso'"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    arguments = {"series": np.ones((2, 73)), "years": YEARS} | change
    with pytest.raises(ValueError, match=message):
        fit(**arguments)
