"""Drought indices: another program's numbers, planted droughts, and what gaps, deserts and shapes may not do."""

import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from climate_indices import compute, indices, palmer
from drylands_openeo.udf import drought
from drylands_openeo.udf.drought import PALMER, apply_datacube, scpdsi, spei, spi
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from drylands_openeo.kernel import Kernel

YEARS = 40
WHOLE = {"start_year": 1981, "calibration": (1981, 2020)}


@pytest.fixture(autouse=True, scope="module")
def quiet():
    """The library logs two lines a pixel."""
    logging.getLogger("climate_indices").setLevel(logging.ERROR)


def climate(seed: int, pixels: int, years: int = YEARS) -> tuple[np.ndarray, np.ndarray]:
    """Rain [mm/month] of a semi-arid winter-rain climate, and its evapotranspiration."""
    rng = np.random.default_rng(seed)
    season = np.cos(np.arange(12 * years) * np.pi / 6)
    rain = rng.gamma(1.5, 1, (pixels, 12 * years)) * (30 + 22 * season)
    return rain, 90 - 60 * season + rng.normal(0, 6, rain.shape)


def test_scpdsi_equals_the_library_pixel_by_pixel():
    rain, pet = climate(1, 12)
    awc = np.linspace(10, 250, 12)
    found = scpdsi(rain, pet, awc, start_year=1981, calibration=(1985, 2014))
    for pixel in range(12):
        capacity = max(awc[pixel] / 25.4, 1.0)
        with np.errstate(all="ignore"):
            expected = palmer.scpdsi(rain[pixel] / 25.4, pet[pixel] / 25.4, capacity, 1981, 1985, 2014)
        for name, values in zip(PALMER, expected[:4], strict=True):
            np.testing.assert_allclose(found[name][pixel], values, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.filterwarnings("ignore::climate_indices.exceptions.ClimateIndicesWarning")
@pytest.mark.parametrize("months", [1, 3, 12])
@pytest.mark.parametrize("law", ["gamma", "pearson3", "log-logistic"])
def test_spei_equals_the_library(months, law):
    rain, pet = climate(2, 3)
    theirs = {"gamma": "gamma", "pearson3": "pearson", "log-logistic": "loglogistic"}[law]
    found = spei(rain, pet, months, distribution=law, start_year=1981, calibration=(1991, 2020))
    for pixel in range(3):
        expected = indices.spei(
            rain[pixel],
            pet[pixel],
            months,
            indices.Distribution[theirs],
            compute.Periodicity.monthly,
            1981,
            1991,
            2020,
        )
        np.testing.assert_allclose(found[pixel], expected, rtol=0, atol=1e-8)


def test_spi_gives_dry_months_the_share_of_zeros():
    """Forty years, ten of them rainless in January: q = 1/4, the rest by scipy's gamma law with Thom's shape."""
    rain, _ = climate(3, 1)
    rain = rain[0].reshape(YEARS, 12)
    rain[:10, 0] = 0
    found = spi(rain.ravel(), 1, **WHOLE).reshape(YEARS, 12)[:, 0]
    np.testing.assert_allclose(found[:10], stats.norm.ppf(0.25), rtol=1e-12)
    wet = rain[10:, 0]
    spread = np.log(wet.mean()) - np.log(wet).mean()
    shape = (1 + np.sqrt(1 + 4 * spread / 3)) / (4 * spread)
    chance = 0.25 + 0.75 * stats.gamma.cdf(wet, shape, scale=wet.mean() / shape)
    np.testing.assert_allclose(found[10:], np.clip(stats.norm.ppf(chance), -3.09, 3.09), rtol=1e-9)


@pytest.mark.parametrize("law", ["gamma", "pearson3", "log-logistic"])
def test_the_calibration_years_are_standard_normal(law):
    rain, pet = climate(4, 200)
    for index in (spi(rain, 6, distribution=law, **WHOLE), spei(rain, pet, 6, distribution=law, **WHOLE)):
        assert np.nanmean(index) == pytest.approx(0, abs=0.02)
        assert np.nanstd(index) == pytest.approx(1, abs=0.04)
        assert np.nanmax(np.abs(index)) <= 3.09


def test_every_index_sees_a_planted_drought():
    rain, pet = climate(5, 30)
    dry = slice(12 * 25, 12 * 27)
    rain[:, dry] *= 0.35
    for index in (scpdsi(rain, pet, 100, **WHOLE)["scpdsi"], spi(rain, 12, **WHOLE), spei(rain, pet, 12, **WHOLE)):
        assert np.median(index[:, 12 * 26 : 12 * 27]) < -1.5
        assert abs(np.nanmedian(index[:, : 12 * 24])) < 0.7


def test_extreme_months_of_the_calibration_reach_four():
    found = scpdsi(*climate(6, 20), 120, **WHOLE)["scpdsi"]
    np.testing.assert_allclose(np.quantile(found, 0.02, axis=1, method="lower"), -4, atol=0.6)
    np.testing.assert_allclose(np.quantile(found, 0.98, axis=1, method="lower"), 4, atol=0.6)


def test_a_gap_inside_the_record_takes_the_pixel_and_no_other():
    rain, pet = climate(7, 4)
    expected = scpdsi(rain, pet, 100, **WHOLE)
    holed, lost = rain.copy(), pet.copy()
    holed[1, 100] = np.nan
    lost[2, 0] = np.nan
    found = scpdsi(holed, lost, 100, **WHOLE)
    for name in PALMER:
        assert np.isnan(found[name][1:3]).all()
        np.testing.assert_array_equal(found[name][[0, 3]], expected[name][[0, 3]])


def test_months_missing_at_the_end_change_nothing_before():
    rain, pet = climate(8, 3)
    years = {"start_year": 1981, "calibration": (1981, 2010)}
    rain[1, -7:] = np.nan
    found = scpdsi(rain, pet, 100, **years)
    short = scpdsi(rain[:, :-7], pet[:, :-7], 100, **years)  # not whole years either
    for name in PALMER:
        assert np.isnan(found[name][1, -7:]).all()
        np.testing.assert_array_equal(found[name][1, :-7], short[name][1])
        assert np.isfinite(found[name][[0, 2]]).all()
    late = scpdsi(rain, pet, 100, **WHOLE)["scpdsi"]
    assert np.isnan(late[1]).all()  # the calibration needs those months


@given(seed=st.integers(0, 1000), months=st.integers(1, 14))
@settings(deadline=None, max_examples=20)
def test_a_gap_takes_the_sums_that_hold_it(seed, months):
    rain, pet = climate(seed, 2, years=20)
    gap = int(np.random.default_rng(seed).integers(0, 240))
    rain[0, gap] = np.nan
    expected = np.arange(240) < months - 1
    expected[gap : gap + months] = True
    years = {"start_year": 2001, "calibration": (2001, 2020)}
    for index in (spi(rain, months, **years), spei(rain, pet, months, **years)):
        np.testing.assert_array_equal(np.isnan(index[0]), expected)
        assert np.isfinite(index[1, months - 1 :]).all()


@pytest.mark.filterwarnings("error")
def test_odd_pixels_give_nan_or_numbers_never_an_error():
    rain, pet = climate(9, 8)
    rain[0] = 0  # rainless
    rain[1] = 30  # every month alike
    pet[1] = 50
    rain[2], pet[2] = np.tile(rain[2, :12], YEARS), np.tile(pet[2, :12], YEARS)  # every year alike
    pet[3] = 0  # frozen
    rain[4] = np.nan
    pet[5] = np.inf
    rain[6].reshape(YEARS, 12)[:, 5:9] = 0  # no summer rain
    found = scpdsi(rain, pet, [100, 100, 100, 100, 100, 100, 100, np.nan], **WHOLE)
    for name in PALMER:
        assert np.isnan(found[name][[0, 1, 2, 4, 5, 7]]).all()
        assert np.isfinite(found[name][[3, 6]]).all()
    for law in ("gamma", "pearson3", "log-logistic"):
        index = spi(rain, 1, distribution=law, **WHOLE)
        assert np.isnan(index[[0, 1, 2, 4]]).all()
        assert np.isnan(index[6].reshape(YEARS, 12)[:, 5:9]).all()
        assert np.isfinite(index[6].reshape(YEARS, 12)[:, :5]).all()
        assert np.isnan(spei(rain, pet, 1, distribution=law, **WHOLE)[[1, 2, 4]]).all()


INDICES = {
    "scpdsi": lambda p, e: scpdsi(p, e, 100, **WHOLE)["scpdsi"],
    "spi": lambda p, _: spi(p, 3, **WHOLE),
    "spei": lambda p, e: spei(p, e, 3, **WHOLE),
}


@pytest.mark.parametrize("index", INDICES)
def test_shape_layout_block_and_dtype_do_not_matter(index, monkeypatch):
    rain, pet = climate(10, 12)
    rain.flags.writeable = pet.flags.writeable = False
    expected = INDICES[index](rain, pet)
    assert expected.dtype == np.float64
    shaped = INDICES[index](*(np.asfortranarray(v.reshape(3, 4, -1)) for v in (rain, pet)))
    np.testing.assert_array_equal(shaped.reshape(12, -1), expected)
    np.testing.assert_array_equal(INDICES[index](rain[5], pet[5]), expected[5])
    monkeypatch.setattr(drought, "BLOCK", 2000)
    np.testing.assert_array_equal(INDICES[index](rain, pet), expected)
    single = INDICES[index](rain.astype(np.float32), pet.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=2e-3)
    assert INDICES[index](rain.astype(int), pet.astype(int)).dtype == np.float64
    assert INDICES[index](rain[:0], pet[:0]).shape == (0, 480)


def test_the_root_logger_stays_as_it_was():
    lines = (
        "import logging, numpy as np",
        "from drylands_openeo.udf.drought import scpdsi",
        "field = np.random.default_rng(0).gamma(2, 30, (2, 480))",
        "scpdsi(*field, 100, start_year=1981, calibration=(1981, 2020))",
        "print(logging.getLogger().handlers, logging.getLogger().level)",
    )
    run = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert (run.stdout.strip(), run.stderr) == (f"[] {logging.WARNING}", "")


def test_wrong_input_is_named():
    rain, pet = climate(11, 1)
    with pytest.raises(ValueError, match="calibration is 1970-2000"):
        scpdsi(rain, pet, 100, start_year=1981, calibration=(1970, 2000))
    with pytest.raises(ValueError, match="at least 5 years"):
        scpdsi(rain, pet, 100, start_year=1981, calibration=(1981, 1984))
    with pytest.raises(ValueError, match="awc has shape"):
        scpdsi(rain, pet, [100, 100], **WHOLE)
    with pytest.raises(ValueError, match="one shape"):
        spei(rain, pet[:, :-1], 3, **WHOLE)
    with pytest.raises(ValueError, match="distribution is 'normal'"):
        spi(rain, 3, distribution="normal", **WHOLE)
    with pytest.raises(ValueError, match="months is 0"):
        spi(rain, 0, **WHOLE)


def monthly_cube(**bands: np.ndarray) -> xr.DataArray:
    """Fields (6, t) as a cube (t, bands, 2, 3) in float32."""
    data = np.stack([v.T.reshape(-1, 2, 3) for v in bands.values()], axis=1).astype(np.float32)
    times = pd.date_range("1981-01-01", periods=len(data), freq="MS")
    return xr.DataArray(data, dims=("t", "bands", "y", "x"), coords={"t": times, "bands": list(bands)})


def test_a_cube_gives_the_kernels_numbers():
    rain, pet = (v.astype(np.float32) for v in climate(12, 6))
    cube = monthly_cube(precipitation=rain, pet=pet)
    palmer_bands = Kernel("drought").local(cube, awc=100, calibration=[1985, 2014])
    assert palmer_bands.dims == ("t", "bands", "y", "x")
    assert palmer_bands.dtype == np.float32
    expected = scpdsi(rain, pet, 100, start_year=1981, calibration=(1985, 2014))
    for name in PALMER:
        np.testing.assert_array_equal(palmer_bands.sel(bands=name).values.reshape(-1, 6).T, expected[name])
    soil = np.broadcast_to(np.linspace(30, 200, 6)[:, None], rain.shape)
    banded = apply_datacube(monthly_cube(precipitation=rain, pet=pet, awc=soil), {"index": "scpdsi"})
    by_pixel = scpdsi(rain, pet, soil[:, 0].astype(np.float32), **WHOLE)["scpdsi"]
    np.testing.assert_array_equal(banded.sel(bands="scpdsi").values.reshape(-1, 6).T, by_pixel)
    for name, values in {"spi": spi(rain, 6, **WHOLE), "spei": spei(rain, pet, 6, **WHOLE)}.items():
        result = apply_datacube(cube, {"index": name, "months": 6})
        assert list(result["bands"].values) == [name]
        np.testing.assert_array_equal(result.values.reshape(-1, 6).T, values)


def test_a_cube_that_cannot_be_read_is_refused():
    rain, pet = climate(13, 6, years=6)
    cube = monthly_cube(precipitation=rain, pet=pet)
    with pytest.raises(ValueError, match="every month from a January on"):
        apply_datacube(cube[1:], {"awc": 100})
    with pytest.raises(ValueError, match="every month from a January on"):
        apply_datacube(cube.isel(t=[0, 1, 3]), {"awc": 100})
    with pytest.raises(ValueError, match="awc is neither a band"):
        apply_datacube(cube, {})
    with pytest.raises(ValueError, match="band 'pet' is missing"):
        apply_datacube(cube.sel(bands=["precipitation"]), {"index": "spei"})
    with pytest.raises(ValueError, match="index is 'pdsi'"):
        apply_datacube(cube, {"index": "pdsi"})
