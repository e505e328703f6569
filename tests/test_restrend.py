"""Residual trends: planted relations, trends and breaks; each step beside scipy; what gaps and order may not change."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from drylands_openeo.udf import restrend as kernel
from drylands_openeo.udf.restrend import restrend
from scipy import stats

YEARS, LEAD, PEAK = 24, 24, 7
RESTREND, SEGMENTED_RESTREND, SEGMENTED_VPR, INDETERMINATE, NEGATIVE = 1, 2, 3, 4, 5


def world(pixels=60, seed=0, accumulation=3, offset=1):
    """Rain, the sum of it that vegetation answers to (pixels, years), and noise."""
    random = np.random.default_rng(seed)
    rain = random.gamma(1.0, 20, (pixels, LEAD + 12 * YEARS))
    peaks = LEAD + 12 * np.arange(YEARS) + PEAK
    total = sum(rain[:, peaks - offset - back] for back in range(accumulation))
    return rain, total, random.normal(0, 0.01, (pixels, YEARS))


def monthly(peaks):
    """A series that has these yearly maxima in the month PEAK."""
    vi = np.full((*peaks.shape, 12), 0.01) + np.zeros(12)
    vi[..., PEAK] = peaks
    return vi.reshape(*peaks.shape[:-1], -1)


def test_a_planted_trend_is_found_beside_the_rain():
    rain, total, noise = world()
    found = restrend(monthly(0.2 + 0.002 * total + 0.01 * np.arange(YEARS) + noise), rain)
    single = found["method"] == RESTREND
    assert np.mean(single) > 0.85
    near = (abs(found["accumulation"] - 3) <= 1) & (abs(found["offset"] - 1) <= 1)
    assert np.mean(near) > 0.8  # a trend in the vegetation blurs which sum is the best
    share = found["total_change"][single] / (0.01 * (YEARS - 1))
    assert np.all((share > 0.5) & (share < 1.1))  # the relation takes its part of the trend


def test_without_a_trend_the_change_is_zero_as_often_as_the_level_says():
    rain, total, noise = world(1500)
    found = restrend(monthly(0.2 + 0.002 * total + noise), rain)
    assert np.mean(found["method"] != RESTREND) < 0.09
    assert 0.85 < np.mean(found["total_change"][found["method"] == RESTREND] == 0) < 0.95


def test_a_step_in_the_residuals_is_segmented():
    rain, total, noise = world(seed=1)
    found = restrend(monthly(0.4 + 0.002 * total + noise - 0.06 * (np.arange(YEARS) >= 10)), rain)
    segmented = found["method"] >= SEGMENTED_RESTREND
    assert np.mean(segmented) > 0.8
    assert np.mean(found["break_index"][segmented] == 10) > 0.9
    assert np.median(found["total_change"][segmented]) == pytest.approx(-0.06, abs=0.015)


def test_a_break_of_the_relation_is_told_by_its_height():
    rain, total, noise = world(seed=2)
    after = np.arange(YEARS) >= 12
    found = restrend(monthly(0.5 + 0.003 * total * np.where(after, 0.3, 1) - 0.15 * after + noise), rain)
    broken = found["method"] == SEGMENTED_VPR
    assert np.mean(broken) > 0.8
    assert np.all(abs(found["break_index"][broken] - 12) <= 2)
    expected = (-0.15 - 0.7 * 0.003 * total.mean(axis=1))[broken]
    np.testing.assert_allclose(found["break_height"][broken], expected, atol=0.1)
    assert np.mean(found["break_height"][broken] - expected) == pytest.approx(0, abs=0.02)
    assert np.isnan(found["break_height"][~broken]).all()


def test_vegetation_that_ignores_rain_is_indeterminate_and_never_a_trend():
    rain, _, noise = world(400, seed=3)
    found = restrend(monthly(0.4 + noise), rain, max_accumulation=1, max_offset=0)
    unknown = found["method"] >= INDETERMINATE
    assert np.mean(unknown) > 0.9
    assert np.isnan(found["total_change"][unknown]).all()
    constant = restrend(np.full(12 * YEARS, 0.3), rain[0])
    assert constant["method"] == INDETERMINATE
    assert np.isnan(constant["total_change"])
    assert constant["residual_slope"] == 0


def test_vegetation_that_falls_with_rain_is_named():
    rain, total, noise = world(seed=4)
    found = restrend(monthly(0.9 - 0.002 * total + noise), rain)
    assert np.mean(found["method"] == NEGATIVE) > 0.8  # some other sum rises with it by chance


def test_a_relation_without_any_noise_leaves_nothing():
    rain, total, _ = world(seed=5)
    found = restrend(monthly(0.2 + 0.002 * total), rain)
    assert np.all(found["method"] == RESTREND)
    np.testing.assert_allclose(found["vpr_r2"], 1)
    np.testing.assert_array_equal(found["total_change"], 0)


def test_the_relation_is_the_best_of_all_by_scipy():
    rain, total, noise = world(20, seed=6)
    peaks = 0.2 + 0.001 * total + 4 * noise
    found = restrend(monthly(peaks), rain, max_accumulation=5, max_offset=2)
    months = LEAD + 12 * np.arange(YEARS) + PEAK
    for pixel in range(20):
        fits = {
            (a, o): stats.linregress(sum(rain[pixel, months - o - back] for back in range(a)), peaks[pixel])
            for o in range(3)
            for a in range(1, 6)
        }
        best = max(fits, key=lambda key: fits[key].rvalue)
        assert (found["accumulation"][pixel], found["offset"][pixel]) == best
        assert found["vpr_slope"][pixel] == pytest.approx(fits[best].slope)
        assert found["vpr_p"][pixel] == pytest.approx(fits[best].pvalue)


def chow(x, y, after):
    """Chow's F from three least-squares fits."""

    def left(part):
        design = np.stack([np.ones(len(x[part])), x[part]], axis=1)
        return ((y[part] - design @ np.linalg.lstsq(design, y[part], rcond=None)[0]) ** 2).sum()

    rest = left(slice(None, after)) + left(slice(after, None))
    return (left(slice(None)) - rest) / 2 / (rest / (len(x) - 4))


def test_chow_s_f_is_that_of_three_fits():
    random = np.random.default_rng(7)
    x, y = random.normal(3, 1, (15, 4)), random.normal(0.5, 0.1, (15, 4))
    rule = kernel.Rule(12, 4, 0.05, 0.1, 4)
    f = kernel._chow(x, y, np.ones_like(y), rule)
    assert np.isnan(f[:4]).all()
    assert np.isnan(f[12:]).all()
    expected = [[chow(x[:, pixel], y[:, pixel], after) for pixel in range(4)] for after in range(4, 12)]
    np.testing.assert_allclose(f[4:12], expected, rtol=1e-9)


@pytest.mark.parametrize("years", [12, 24, 40])
def test_white_noise_breaks_as_often_as_alpha_says(years):
    y = np.random.default_rng(99).normal(size=(years, 4000))
    rule = kernel.Rule(12, 4, 0.05, 0.1, 4)
    f = kernel._chow(np.arange(float(years))[:, np.newaxis] + 0 * y, y, np.ones_like(y), rule)
    assert np.mean(np.fmax.reduce(f, axis=0) > kernel._critical(years, rule)) == pytest.approx(0.05, abs=0.015)


def all_kinds():
    rain, total, noise = world(80, seed=8)
    late = np.arange(YEARS) >= 12
    kinds = [
        0.4 + 0.002 * total + 0.01 * np.arange(YEARS) + noise,
        0.4 + 0.002 * total - 0.06 * late + noise,
        0.5 + 0.003 * total * np.where(late, 0.3, 1) + noise,
        0.4 + noise,
    ]
    return monthly(np.concatenate([kind[20 * k : 20 * k + 20] for k, kind in enumerate(kinds)])), rain


def test_unit_of_vegetation_and_of_rain_change_no_method():
    vi, rain = all_kinds()
    found, scaled = restrend(vi, rain), restrend(250 * vi, rain / 25.4)
    assert len(np.unique(found["method"])) >= 4
    for name in kernel.COUNTS:
        np.testing.assert_array_equal(found[name], scaled[name])
    np.testing.assert_allclose(scaled["total_change"], 250 * found["total_change"], rtol=1e-6, atol=1e-9)


def test_time_reversed_turns_the_change_round():
    rain, total, noise = world(40, accumulation=1, offset=0, seed=9)
    vi = monthly(0.4 + 0.002 * total + 0.01 * np.arange(YEARS) + noise)
    options = {"max_accumulation": 1, "max_offset": 0}
    forward = restrend(vi, rain, **options)
    backward = restrend(vi[:, ::-1], rain[:, LEAD:][:, ::-1], **options)
    single = (forward["method"] == RESTREND) & (backward["method"] == RESTREND)
    assert single.mean() > 0.8
    np.testing.assert_allclose(backward["total_change"][single], -forward["total_change"][single], rtol=1e-9)


def test_order_shape_and_storage_of_pixels_do_not_matter():
    vi, rain = all_kinds()
    found = restrend(vi, rain)
    order = np.random.default_rng(0).permutation(len(vi))
    permuted = restrend(vi[order], rain[order])
    time_first = [np.moveaxis(np.ascontiguousarray(values.T), 0, -1).reshape(8, 10, -1) for values in (vi, rain)]
    for values in time_first:
        values.flags.writeable = False
    folded = restrend(*time_first)
    for name, values in found.items():
        np.testing.assert_allclose(permuted[name], values[order], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(folded[name], values.reshape(8, 10), rtol=1e-9, atol=1e-12)


def test_float32_gives_the_same_methods_in_float32():
    vi, rain = all_kinds()
    found, narrow = restrend(vi, rain), restrend(vi.astype(np.float32), rain.astype(np.float32))
    assert narrow["total_change"].dtype == np.float32
    assert np.mean(found["method"] == narrow["method"]) > 0.98
    assert restrend(np.empty((0, 3, 144)), np.empty((0, 3, 160)))["method"].shape == (0, 3)


def test_a_missing_year_is_left_out():
    rain, total, noise = world()
    peaks = 0.2 + 0.002 * total + 0.01 * np.arange(YEARS) + noise
    vi = monthly(peaks)
    vi[:, 12 * 5 : 12 * 5 + 8] = np.nan  # four months of the sixth year are left: too few
    vi[:, 12 * 9 + 9 : 12 * 10] = np.nan  # three months are gone, the maximum is not
    found = restrend(vi, rain, max_accumulation=3, max_offset=1)
    kept = np.delete(np.arange(YEARS), 5)
    months = LEAD + 12 * kept + PEAK
    for pixel in np.flatnonzero((found["accumulation"] == 3) & (found["offset"] == 1))[:10]:
        x = sum(rain[pixel, months - 1 - back] for back in range(3))
        fit = stats.linregress(x, peaks[pixel, kept])
        assert found["vpr_r2"][pixel] == pytest.approx(fit.rvalue**2)
        left = peaks[pixel, kept] - fit.intercept - fit.slope * x
        assert found["residual_slope"][pixel] == pytest.approx(stats.linregress(kept, left).slope)


def test_years_before_the_rain_begins_do_not_count():
    rain, total, noise = world()
    vi = monthly(0.2 + 0.002 * total + noise)
    short = restrend(vi, rain[:, LEAD:])
    gap = np.concatenate([np.full((60, LEAD), np.nan), rain[:, LEAD:]], axis=1)
    for name, values in restrend(vi, gap).items():
        np.testing.assert_array_equal(values, short[name])


def test_too_few_years_are_no_data():
    rain, total, noise = world(2)
    vi = monthly(0.2 + 0.002 * total + noise)
    vi[:, 12 * 9 :] = np.nan
    found = restrend(vi, rain)
    assert found["method"].tolist() == [0, 0]
    assert all(np.isnan(found[name]).all() for name in kernel.FLOATS)


@pytest.mark.parametrize(
    ("vi", "rain", "options", "message"),
    [
        (np.ones(25), np.ones(36), {}, r"whole years, not \(25,\)"),
        (np.ones((2, 24)), np.ones((3, 24)), {}, r"rain must have the pixels of vi \(2, 24\)"),
        (np.ones(24), np.ones(23), {}, "at least its months"),
        (np.ones(24), np.ones(24), {"max_accumulation": 0}, "max_accumulation must be at least 1"),
    ],
)
def test_series_that_do_not_fit_are_refused(vi, rain, options, message):
    with pytest.raises(ValueError, match=message):
        restrend(vi, rain, **options)


def cube():
    vi, rain = all_kinds()
    vi = np.concatenate([np.full((80, LEAD), np.nan), vi], axis=1)
    values = np.stack([rain, vi]).reshape(2, 8, 10, -1).transpose(3, 0, 1, 2).astype(np.float32)
    t = pd.date_range("1988-01-01", periods=LEAD + 12 * YEARS, freq="MS")
    return xr.DataArray(values, dims=("t", "bands", "y", "x"), coords={"t": t, "bands": ["rain", "vi"]})


def test_the_udf_gives_the_maps_of_the_function():
    data = cube()
    maps = kernel.apply_datacube(data, {"max_offset": 2, "first_year": 1990})
    rain, vi = (data.sel(bands=name).transpose("y", "x", "t").values for name in ("rain", "vi"))
    expected = restrend(vi[..., LEAD:], rain, max_offset=2)
    np.testing.assert_array_equal(maps.sel(bands="method"), expected["method"])
    np.testing.assert_array_equal(maps.sel(bands="total_change"), expected["total_change"])
    breaks = maps.sel(bands="break_year").values
    assert np.array_equal(np.isnan(breaks), expected["break_index"] == 0)
    assert np.nanmedian(breaks) == 1990 + 12
    later = kernel.apply_datacube(data.isel(t=slice(3, -9)), {"max_offset": 2, "first_month": 4})
    assert later.sizes == {"bands": 11, "y": 8, "x": 10}
    assert later.dtype == np.float32


def test_the_udf_refuses_a_year_cut_short():
    with pytest.raises(ValueError, match="end a year that begins in month 1"):
        kernel.apply_datacube(cube().isel(t=slice(0, -1)), {})
    with pytest.raises(ValueError, match="bands must include"):
        kernel.apply_datacube(cube().isel(bands=[0]), {})
    with pytest.raises(ValueError, match="no whole year from first_year 2050"):
        kernel.apply_datacube(cube(), {"first_year": 2050})
