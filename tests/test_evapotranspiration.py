"""Potential evapotranspiration: FAO-56 worked examples, another library, and what shapes and gaps may not change."""

import numpy as np
import pandas as pd
import pyet
import pytest
import xarray as xr
from drylands_openeo.udf.evapotranspiration import (
    MID_MONTH,
    MM_PER_MJ,
    apply_datacube,
    daylight_hours,
    extraterrestrial_radiation,
    hargreaves,
    penman_monteith,
    thornthwaite,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import need

from drylands_openeo.kernel import Kernel

MONTHS = np.tile(np.arange(1, 13), 3)


def climate(seed: int, *leading: int, steps: int = 36) -> dict[str, np.ndarray]:
    """A random monthly climate between frost and desert."""
    rng = np.random.default_rng(seed)
    tmean = rng.uniform(-15, 30, (*leading, 1)) + 12 * np.sin(np.arange(steps) * np.pi / 6)
    tmean = tmean + rng.normal(0, 2, (*leading, steps))
    return {
        "tmin": tmean - rng.uniform(1, 9, tmean.shape),
        "tmean": tmean,
        "tmax": tmean + rng.uniform(1, 9, tmean.shape),
        "radiation": rng.uniform(2, 30, tmean.shape),
        "wind": rng.uniform(0, 6, tmean.shape),
        "vapour_pressure": rng.uniform(0.1, 2.5, tmean.shape),
    }


def daily_index(months: np.ndarray) -> pd.DatetimeIndex:
    """Dates on the mid-month days of FAO-56, in years without a leap day."""
    first = pd.to_datetime([f"{2001 + 4 * (i // 12)}-01-01" for i in range(len(months))])
    return pd.DatetimeIndex(first + pd.to_timedelta(MID_MONTH["fao56"][months - 1] - 1, unit="D"))


def test_day_length_and_radiation_of_fao56():
    """Examples 8 and 9: 20 degrees south, 3 September; 24 hours and none beyond the polar circle."""
    assert float(extraterrestrial_radiation(-20, [246])[0]) == pytest.approx(32.2, abs=0.05)
    assert float(daylight_hours(-20, [246])[0]) == pytest.approx(11.7, abs=0.05)
    np.testing.assert_allclose(daylight_hours([80, -80], [172]), [[24], [0]])
    np.testing.assert_allclose(extraterrestrial_radiation(-80, [172]), [0], atol=1e-12)


def test_bangkok_in_april():
    """FAO-56 example 17, mean monthly data: 5.72 mm/day."""
    hours = float(daylight_hours(13.73, [105])[0])
    solar = (0.25 + 0.50 * 8.5 / hours) * float(extraterrestrial_radiation(13.73, [105])[0])
    pet = penman_monteith(
        [25.6],
        [34.8],
        13.73,
        [4],
        radiation=[solar],
        wind=[2.0],
        vapour_pressure=[2.85],
        tmean=[30.2],
        elevation=2,
        soil_heat=0.14 * (30.2 - 29.2),
    )
    assert float(pet[0]) / 30 == pytest.approx(5.72, abs=0.02)


def test_uccle_in_july():
    """FAO-56 example 18, one day: 3.88 mm/day; wind of 10 km/h at 10 m is 2.078 m/s at 2 m."""
    pet = penman_monteith(
        [12.3],
        [21.5],
        50.80,
        [7],
        radiation=[22.07],
        wind=[2.078],
        vapour_pressure=[1.409],
        elevation=100,
        day=[187],
        days=[1],
    )
    assert float(pet[0]) == pytest.approx(3.88, abs=0.01)


def test_lyon_in_july_by_hargreaves():
    """FAO-56 example 20: 5.0 mm/day."""
    assert float(hargreaves([14.8], [20.7], [26.6], 45.72, [7])[0]) / 31 == pytest.approx(5.0, abs=0.05)


@pytest.mark.parametrize("latitude", [-35.0, 0.0, 14.5, 41.0, 60.0])
def test_penman_monteith_equals_pyet(latitude):
    field = climate(int(latitude) + 100)
    index = daily_index(MONTHS)
    peer_input = {name: pd.Series(values, index) for name, values in field.items()}
    peer = pyet.pm_fao56(
        peer_input["tmean"],
        peer_input["wind"],
        rs=peer_input["radiation"],
        tmax=peer_input["tmax"],
        tmin=peer_input["tmin"],
        ea=peer_input["vapour_pressure"],
        elevation=700.0,
        lat=np.radians(latitude),
    )
    low, high = field.pop("tmin"), field.pop("tmax")
    ours = penman_monteith(low, high, latitude, MONTHS, elevation=700, days=np.ones(36), **field)
    np.testing.assert_allclose(ours, peer, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("latitude", [-35.0, 0.0, 14.5, 41.0, 60.0])
def test_hargreaves_equals_pyet_but_for_its_latent_heat(latitude):
    field = climate(int(latitude) + 200)
    index = daily_index(MONTHS)
    tmean, tmax, tmin = (pd.Series(field[name], index) for name in ("tmean", "tmax", "tmin"))
    peer = pyet.hargreaves(tmean, tmax, tmin, np.radians(latitude)) * pyet.calc_lambda(tmean) * MM_PER_MJ
    ours = hargreaves(field["tmin"], field["tmean"], field["tmax"], latitude, MONTHS, days=np.ones(36))
    np.testing.assert_allclose(ours, peer, rtol=1e-9, atol=1e-9)


def test_relative_humidity_and_vapour_pressure_say_the_same():
    field = climate(7, 20)
    low, high = field.pop("tmin"), field.pop("tmax")
    saturated = (0.6108 * np.exp(17.27 * low / (low + 237.3)) + 0.6108 * np.exp(17.27 * high / (high + 237.3))) / 2
    expected = penman_monteith(low, high, 40, MONTHS, **field)
    del field["vapour_pressure"]
    humidity = 100 * climate(7, 20)["vapour_pressure"] / saturated
    np.testing.assert_allclose(penman_monteith(low, high, 40, MONTHS, humidity=humidity, **field), expected, rtol=1e-12)


def test_thornthwaite_by_hand():
    """Twelve months of 20 deg C at the equator: I = 12 * 4^1.514, a = 2.1405, 16 (200/I)^a = 73.87 mm in 30 days."""
    pet = thornthwaite(np.full(12, 20.0), 0, np.arange(1, 13))
    np.testing.assert_allclose(pet, 73.87 * np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) / 30, rtol=1e-4)


def test_hot_months_leave_the_power_law():
    """Willmott 1985: 26.5 deg C gives 136.5 mm, 30 deg C 164.35 mm, in 30 days of 12 hours."""
    temperature = np.full((2, 12), 20.0)
    temperature[:, 5] = [26.5, 30]
    pet = thornthwaite(temperature, 0, np.arange(1, 13))[:, 5]
    np.testing.assert_allclose(pet, [136.54, 164.35], atol=0.01)


def test_thornthwaite_near_an_independent_record():
    """123 years at 25.23 degrees north by climate-indices, which averages the day length and has no hot branch."""
    folder = need("data/climate/climate_indices/fixture")
    temperature, peer = (np.load(folder / f"{name}.npy").ravel() for name in ("temp_celsius", "pet_thornthwaite"))
    months, years = np.tile(np.arange(1, 13), 123), np.repeat(np.arange(1895, 2018), 12)
    days = pd.PeriodIndex.from_fields(year=years, month=months, freq="M").days_in_month
    ours = thornthwaite(temperature, 25.2292, months, days=days)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(peer))
    mild = temperature < 26.5
    np.testing.assert_allclose(ours[mild], peer[mild], rtol=4e-3)


def test_frozen_hot_and_dark_places_have_defined_values():
    frozen = np.full(12, -5.0)
    assert (thornthwaite(frozen, 70, np.arange(1, 13)) == 0).all()
    rare_thaw = np.tile(frozen, 2)
    rare_thaw[6] = 2.0  # the mean July stays below zero: no heat index
    assert (thornthwaite(rare_thaw, 70, np.tile(np.arange(1, 13), 2)) == 0).all()
    assert hargreaves([-40.0], [-30.0], [-25.0], 60, [1])[0] == 0
    assert hargreaves([-9.0], [0.0], [5.0], 80, [12])[0] == 0
    assert np.isnan(hargreaves([12.0], [11.0], [10.0], 40, [7])[0])
    night = penman_monteith([-30.0], [-20.0], 80, [12], radiation=[0.0], wind=[2.0], vapour_pressure=[0.05])
    assert 0 <= night[0] < 10  # dry air takes water without sun


KERNELS = {
    "thornthwaite": lambda f, lat, month: thornthwaite(f["tmean"], lat, month),
    "hargreaves": lambda f, lat, month: hargreaves(f["tmin"], f["tmean"], f["tmax"], lat, month),
    "r2drue": lambda f, lat, month: hargreaves(f["tmin"], f["tmean"], f["tmax"], lat, month, convention="r2drue"),
    "penman_monteith": lambda f, lat, month: penman_monteith(
        f["tmin"], f["tmax"], lat, month, **{k: v for k, v in f.items() if k not in ("tmin", "tmax")}
    ),
}


@pytest.mark.parametrize("method", KERNELS)
def test_shape_layout_and_block_do_not_matter(method, monkeypatch):
    field = climate(3, 4, 5)
    latitude = np.linspace(-50, 60, 20).reshape(4, 5)
    for values in field.values():
        values.flags.writeable = False
    expected = KERNELS[method](field, latitude, MONTHS)
    assert expected.shape == (4, 5, 36)
    pixel = KERNELS[method]({k: v[2, 3] for k, v in field.items()}, float(latitude[2, 3]), MONTHS)
    np.testing.assert_allclose(pixel, expected[2, 3], rtol=1e-12)
    turned = KERNELS[method]({k: np.asfortranarray(v) for k, v in field.items()}, latitude, MONTHS)
    np.testing.assert_allclose(turned, expected, rtol=1e-12)
    monkeypatch.setattr("drylands_openeo.udf.evapotranspiration.BLOCK", 100)
    np.testing.assert_allclose(KERNELS[method](field, latitude, MONTHS), expected, rtol=1e-12)


@pytest.mark.parametrize("method", KERNELS)
def test_dtypes_and_empty_cubes(method):
    field = climate(4, 6)
    expected = KERNELS[method](field, 35, MONTHS)
    assert expected.dtype == np.float64
    single = KERNELS[method]({k: v.astype(np.float32) for k, v in field.items()}, 35, MONTHS)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=2e-4, atol=2e-2)
    whole = {k: np.full((2, 36), 3) + (k == "tmax") for k in field}
    assert KERNELS[method](whole, 35, MONTHS).dtype == np.float64
    empty = {k: v[:0] for k, v in field.items()}
    assert KERNELS[method](empty, np.empty(0), MONTHS).shape == (0, 36)


@pytest.mark.parametrize("method", KERNELS)
@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=15)
def test_a_gap_stays_where_it_is_and_nothing_is_negative(method, seed):
    rng = np.random.default_rng(seed)
    field = climate(seed, 3)
    hole = rng.random((3, 36)) < 0.15
    hole[:, :12] = False  # every calendar month keeps a value
    found = KERNELS[method]({k: np.where(hole, np.nan, v) for k, v in field.items()}, 30, MONTHS)
    np.testing.assert_array_equal(np.isnan(found), hole)
    assert (found[~hole] >= 0).all()


def test_a_calendar_month_without_data_leaves_no_heat_index():
    temperature = climate(5, 2)["tmean"]
    temperature[0, 3::12] = np.nan
    pet = thornthwaite(temperature, 30, MONTHS)
    assert np.isnan(pet[0]).all()
    assert np.isfinite(pet[1]).all()


def test_wrong_input_is_named():
    t = np.full(12, 20.0)
    year = np.arange(1, 13)
    with pytest.raises(ValueError, match="all twelve calendar months"):
        thornthwaite(t[:6], 30, year[:6])
    with pytest.raises(ValueError, match="latitude reaches 400"):
        thornthwaite(t, 400, year)
    with pytest.raises(ValueError, match="latitude has shape"):
        thornthwaite(t, [1, 2], year)
    with pytest.raises(ValueError, match=r"calendar month 1\.\.12"):
        hargreaves(t, t, t, 30, year - 1)
    with pytest.raises(ValueError, match="convention is 'fao'"):
        hargreaves(t, t, t, 30, year, convention="fao")
    with pytest.raises(ValueError, match="either vapour_pressure"):
        penman_monteith(t, t, 30, year, radiation=t, wind=t)


def cube_of(field: dict[str, np.ndarray], **more: np.ndarray) -> xr.DataArray:
    """A cube (t, bands, y, x) of fields (y, x, t) and constants (y, x), with y in metres: no place to read latitude."""
    steps = next(iter(field.values())).shape[-1]
    layers = field | {name: np.repeat(value[..., None], steps, axis=-1) for name, value in more.items()}
    data = np.stack([values.transpose(2, 0, 1) for values in layers.values()], axis=1).astype(np.float32)
    times = pd.date_range("2001-01-01", periods=steps, freq="MS")
    coords = {"t": times, "bands": list(layers), "y": 4.5e6 - 10.0 * np.arange(data.shape[2])}
    return xr.DataArray(data, dims=("t", "bands", "y", "x"), coords=coords)


@pytest.mark.parametrize("method", ["thornthwaite", "hargreaves", "penman_monteith"])
def test_a_cube_takes_latitude_as_a_band_or_from_the_context(method):
    field = climate(6, 3, 4)
    latitude = np.linspace(35, 44, 12).reshape(3, 4).astype(np.float32)
    banded = Kernel("evapotranspiration").local(cube_of(field, latitude=latitude), method=method)
    assert banded.dims == ("t", "bands", "y", "x")
    assert banded.dtype == np.float32
    assert list(banded["bands"].values) == ["pet"]
    expected = KERNELS[method](field, latitude, MONTHS)
    found = banded.sel(bands="pet").transpose("y", "x", "t")
    np.testing.assert_allclose(found, expected, rtol=3e-4, atol=3e-2)
    one = apply_datacube(cube_of(field), {"method": method, "latitude": float(latitude[1, 1])})
    np.testing.assert_allclose(one[..., 1, 1], banded[..., 1, 1], rtol=1e-6)


def test_a_leap_february_has_29_days():
    cube = cube_of({k: v[..., :12] for k, v in climate(8, 1, 1).items()})
    leap = cube.assign_coords(t=pd.date_range("2004-01-31", periods=12, freq="ME"))
    february = [float(apply_datacube(c, {"latitude": 30})[1, 0, 0, 0]) for c in (cube, leap)]
    assert february[1] == pytest.approx(february[0] * 29 / 28, rel=1e-6)


def test_a_cube_without_latitude_or_bands_is_refused():
    cube = cube_of(climate(9, 1, 1))
    with pytest.raises(ValueError, match="latitude is neither a band"):
        apply_datacube(cube, {})
    with pytest.raises(ValueError, match=r"needs the bands \['tmean'\]"):
        apply_datacube(cube.drop_sel(bands="tmean"), {"latitude": 30})
    with pytest.raises(ValueError, match="method is 'turc'"):
        apply_datacube(cube, {"latitude": 30, "method": "turc"})
