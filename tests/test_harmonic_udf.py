"""The harmonic fit as openEO calls it, and on real series."""

import numpy as np
import openeo
import pandas as pd
import pytest
import rasterio
import xarray as xr
from drylands_openeo.udf.harmonic_ndvi import apply_datacube, decimal_years, fit, fitted, outputs
from openeo.udf import UdfData, XarrayDataCube
from openeo.udf.run_code import execute_local_udf, run_udf_code
from shared import need
from test_harmonic_ndvi import lstsq, named, planted

from drylands_openeo.kernel import Kernel

YEARS = decimal_years(pd.date_range("2023-01-03", periods=73, freq="5D"))
THREE_YEARS = decimal_years(pd.date_range("2021-01-03", periods=110, freq="10D"))


def cube_of(series, times, shape=(3, 4)):
    values = np.moveaxis(series.reshape(*shape, -1), -1, 0)[:, np.newaxis]
    coords = {"t": times, "bands": ["ndvi"], "y": np.arange(shape[0])[::-1], "x": np.arange(shape[1])}
    return xr.DataArray(values, dims=("t", "bands", "y", "x"), coords=coords)


TIMES = pd.date_range("2023-01-03", periods=73, freq="5D")


@pytest.mark.parametrize("context", [{}, {"harmonics": 2.0, "trend": True, "method": "hants", "dates": None}])
def test_the_udf_reduces_time_to_named_bands_in_float32(context):
    series, _ = planted(12, YEARS, dtype=np.float32)
    kwargs = {"harmonics": 2, "trend": True, "method": "hants"} if context else {}
    for dims in (("t", "bands", "y", "x"), ("x", "bands", "t", "y")):
        result = apply_datacube(cube_of(series, TIMES).transpose(*dims), context)
        assert (result.dims, result.dtype) == (("bands", "y", "x"), np.float32)
        assert result.bands.values.tolist() == outputs(2 if context else 1, bool(context))
        np.testing.assert_array_equal(result.y, [2, 1, 0])
        np.testing.assert_allclose(
            result.values, np.moveaxis(fit(series, YEARS, **kwargs).reshape(3, 4, -1), -1, 0), rtol=1e-5, atol=1e-5
        )


def test_openeo_finds_and_runs_the_file():
    series, _ = planted(12, YEARS, dtype=np.float32)
    cube, kernel = cube_of(series, TIMES), Kernel("harmonic_ndvi")
    expected = apply_datacube(cube, {"harmonics": 2})
    assert expected.dtype == np.float32
    data = UdfData(datacube_list=[XarrayDataCube(cube)], user_context={"harmonics": 2})
    xr.testing.assert_identical(run_udf_code(kernel.text, data).get_datacube_list()[0].get_array(), expected)
    local = (
        execute_local_udf(openeo.UDF(kernel.text, context={"harmonics": 2}), cube).get_datacube_list()[0].get_array()
    )
    np.testing.assert_allclose(local, expected, atol=2e-4, rtol=1e-4)  # the client casts to float64


def test_named_dates_give_the_fitted_series():
    series, _ = planted(12, YEARS, dtype=np.float32)
    series[5] = np.nan
    dates = ["2023-02-01", "2023-08-01T12:00:00Z"]
    result = apply_datacube(cube_of(series, TIMES), {"dates": dates, "trend": True})
    assert (result.dims, result.shape, result.dtype) == (("t", "bands", "y", "x"), (2, 2, 3, 4), np.float32)
    assert result.bands.values.tolist() == ["ndvi", "count"]
    assert result.indexes["t"].equals(pd.DatetimeIndex(["2023-02-01", "2023-08-01T12:00"]))
    expected = fitted(fit(series, YEARS, trend=True), decimal_years(result.t.values), harmonics=1, trend=True)
    np.testing.assert_allclose(result.sel(bands="ndvi").values.reshape(2, 12).T, expected, atol=1e-6)
    counts = np.broadcast_to(np.isfinite(series).sum(-1), (2, 12))
    np.testing.assert_array_equal(result.sel(bands="count").values.reshape(2, 12), counts)
    assert np.isnan(expected[5]).all()


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"harmonics": "two"}, "harmonics must be a whole number of 1 or more, not 'two'"),
        ({"harmonics": True}, "harmonics .* not True"),
        ({"trend": "yes"}, "trend must be true or false, not 'yes'"),
        ({"method": "median"}, "method must be one of ols, huber, hants, not 'median'"),
        ({"dates": ["next spring"]}, r"dates must be a list of ISO 8601 dates, not \['next spring'\]"),
        ({"dates": "2023"}, "dates must be a list of ISO 8601 dates, not '2023'"),
        ({"harmonic": 2}, "unknown context harmonic; known are harmonics, trend, method, dates"),
    ],
)
def test_wrong_context_is_named(context, message):
    with pytest.raises(ValueError, match=message):
        apply_datacube(cube_of(planted(12, YEARS)[0], TIMES), context)


def test_a_cube_of_two_bands_is_refused():
    cube = cube_of(planted(12, YEARS)[0], TIMES)
    with pytest.raises(ValueError, match=r"one band.*'bands': 2"):
        apply_datacube(xr.concat([cube, cube], "bands"), {})


# --- real data ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Bdesert", "MegaDrought"])
def test_modis_series_of_chile_fit_as_by_lstsq(name):
    """21 years of MODIS NDVI, Atacama (22 % missing) and central Chile."""
    folder = need("data/ndvi_rain/npphen")
    with rasterio.open(folder / f"{name}.tif") as source:
        series = np.moveaxis(source.read(), 0, -1).reshape(64, -1) / np.float32(10_000)
    years = decimal_years(pd.to_datetime(pd.read_csv(folder / "modis_dates.csv")["date"]).to_numpy())
    for harmonics, trend in ((1, False), (3, True)):
        oracle = lstsq(series, years, harmonics, trend)
        exact = fit(series.astype(float), years, harmonics=harmonics, trend=trend)
        np.testing.assert_allclose(exact[:, : oracle.shape[1] - 1], oracle[:, :-1], atol=1e-10)
        float32 = fit(series, years, harmonics=harmonics, trend=trend)
        np.testing.assert_allclose(float32[:, : oracle.shape[1] - 1], oracle[:, :-1], atol=2e-6)
        np.testing.assert_allclose(named(float32, harmonics, trend)["rmse"], oracle[:, -1], atol=1e-5)
        np.testing.assert_array_equal(named(float32, harmonics, trend)["count"], np.isfinite(series).sum(1))
