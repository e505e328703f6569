"""A climate is the same climate in whatever unit, calendar and layout its file holds it."""

import pickle

import climates
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from climates import LAT, LON, saved, truth, with_units
from pyproj import CRS
from shared import need

from drylands_openeo.climate import ClimateFile, is_climate
from drylands_openeo.climate.months import months_of
from drylands_openeo.climate.units import conversion
from drylands_openeo.climate.variables import VARIABLES, variable
from drylands_openeo.cubefile import CubeFile
from drylands_openeo.engine import Extent
from drylands_openeo.errors import DrylandsError, SourceError
from drylands_openeo.local import source_of
from drylands_openeo.local.sources import ByRole

NAMES = ("precipitation", "pet", "tmin", "tmean", "tmax", "radiation")


def layer_of(path, units=None, **extent):
    return ClimateFile(path, units or {}).collection("climate", Extent(**extent))


def read(path, units=None, **extent):
    layer = layer_of(path, units, **extent)
    return layer.read(layer.grid)


def same(cube, dataset, names=NAMES, rtol=2e-6):
    for name in names:
        np.testing.assert_allclose(
            cube.sel(bands=name).values, dataset[name].values, rtol=rtol, atol=2e-5, err_msg=name
        )


@pytest.mark.parametrize("form", [with_units, climates.flux, climates.metres, climates.inches])
def test_every_system_of_units_gives_the_same_numbers(tmp_path, form):
    cube = read(saved(form(truth()), tmp_path / "climate.nc"))
    assert cube.dims == ("t", "bands", "y", "x")
    assert cube.dtype == np.float32
    same(cube, truth())
    np.testing.assert_allclose(cube.sel(bands="awc").values, np.broadcast_to(truth().awc.values, (36, 3, 4)), rtol=1e-6)
    np.testing.assert_array_equal(cube.y, LAT)
    np.testing.assert_array_equal(cube.x, LON)


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day", "proleptic_gregorian"])
def test_days_become_months_in_every_calendar(tmp_path, calendar):
    cube = read(saved(climates.daily(truth(), calendar), tmp_path / "daily.nc"))
    same(cube, truth(), rtol=1e-5)
    assert list(cube.t.values) == list(truth().time.values)


@pytest.mark.parametrize("form", [climates.mid_month, lambda d: climates.mid_month(d, "360_day")])
def test_months_are_labelled_by_their_first_day(tmp_path, form):
    cube = read(saved(form(with_units(truth())), tmp_path / "middle.nc"))
    assert list(cube.t.values) == list(truth().time.values)
    same(cube, truth())


def test_bounds_tell_the_month_of_a_label_at_its_end(tmp_path):
    dataset = with_units(truth())
    edges = pd.date_range("1990-01-01", periods=37, freq="MS")
    bounds = xr.DataArray(np.stack([edges[:-1], edges[1:]], axis=1), dims=("time", "nv"))
    dataset = dataset.assign_coords(time=edges[1:]).assign(time_bnds=bounds)
    dataset["time"].attrs["bounds"] = "time_bnds"
    assert list(read(saved(dataset, tmp_path / "ends.nc")).t.values) == list(truth().time.values)


def test_months_since_are_months(tmp_path):
    dataset = with_units(truth()).assign_coords(time=np.arange(36.0))
    dataset["time"].attrs["units"] = "months since 1990-01-01"
    assert list(read(saved(dataset, tmp_path / "counted.nc")).t.values) == list(truth().time.values)


def test_zarr_a_folder_of_files_and_a_projected_grid(tmp_path):
    dataset = with_units(truth())
    dataset.to_zarr(tmp_path / "climate.zarr", consolidated=False)
    same(read(tmp_path / "climate.zarr"), truth())
    (tmp_path / "parts").mkdir()
    for name in NAMES:
        saved(dataset[[name]], tmp_path / "parts" / f"{name}.nc")
    same(read(tmp_path / "parts"), truth())
    projected = dataset.rename(lat="y", lon="x").assign_coords(y=[9e5, 8e5, 7e5], x=[0.0, 1e5, 2e5, 3e5])
    projected["y"].attrs["units"] = projected["x"].attrs["units"] = "m"
    albers = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=36 +lon_0=105 +datum=WGS84 +units=m"
    projected["crs"] = ((), 0, CRS.from_user_input(albers).to_cf())
    projected["precipitation"].attrs["grid_mapping"] = "crs"
    cube = read(saved(projected, tmp_path / "albers.nc"))
    same(cube, truth())
    assert 43.5 < cube.sel(bands="latitude").values[0, 0, 0] < 44.5


def test_longitudes_from_0_to_360_are_turned(tmp_path):
    dataset = with_units(truth()).assign_coords(lon=[45.0, 135.0, 225.0, 315.0])
    cube = read(saved(dataset, tmp_path / "east.nc"), bands=["precipitation"])
    np.testing.assert_array_equal(cube.x, [-135, -45, 45, 135])
    np.testing.assert_allclose(cube.values[:, 0], truth().precipitation.values[..., [2, 3, 0, 1]], rtol=1e-6)


def test_extent_period_and_bands_cut(tmp_path):
    path = saved(with_units(truth()), tmp_path / "climate.nc")
    extent = {"west": 101.5, "south": 41.5, "east": 104.5, "north": 44.5}
    cube = read(path, spatial=extent, temporal=["1991-01-01", "1991-07-01"], bands=["tmean", "latitude"])
    assert dict(cube.sizes) == {"t": 6, "bands": 2, "y": 2, "x": 2}
    np.testing.assert_allclose(cube.sel(bands="tmean"), truth().tmean.values[12:18, 1:, 1:3], rtol=1e-6)
    np.testing.assert_array_equal(cube.sel(bands="latitude")[0], [[44, 44], [42, 42]])


def test_a_mean_temperature_that_is_not_there_is_the_middle_of_the_extremes(tmp_path):
    cube = read(saved(with_units(truth().drop_vars("tmean")), tmp_path / "climate.nc"), bands=["tmean"])
    np.testing.assert_allclose(cube[:, 0], (truth().tmin + truth().tmax) / 2, rtol=1e-5)


def test_a_layer_travels_and_windows_are_parts_of_the_whole(tmp_path):
    layer = layer_of(saved(climates.flux(truth()), tmp_path / "climate.nc"))
    again = pickle.loads(pickle.dumps(layer))
    part = again.read(again.grid[1:3, 1:4])
    xr.testing.assert_identical(
        part.drop_vars("spatial_ref"), layer.read(layer.grid)[..., 1:, 1:].drop_vars("spatial_ref")
    )


def test_real_days_of_a_reanalysis(tmp_path):
    """Amounts and means against pandas on the series itself (CC-BY ERA5, four years, kg m-2 s-1 and K)."""
    path = need("data/climate/xclim/daily_surface_cancities_1990-1993.nc")
    with xr.open_dataset(path) as series:
        place = {"lon": ("location", [10.0, 11, 12, 13, 14]), "lat": ("location", [50.0] * 5)}
        grid = series.drop_vars(["location", "lat", "lon"]).assign_coords(place).swap_dims(location="lon")
        both = xr.concat([grid.drop_vars("lat"), grid.drop_vars("lat")], "lat").assign_coords(lat=[50.0, 49.0]).load()
    for name in both.data_vars:
        both[name].attrs = dict(series[name].attrs)
    cube = read(saved(both, tmp_path / "era5.nc"))
    frame = series["pr"].isel(location=0).to_series() * 86400
    np.testing.assert_allclose(cube.sel(bands="precipitation")[:, 0, 0], frame.resample("MS").sum(), rtol=1e-5)
    means = series["tasmax"].isel(location=3).to_series().resample("MS").mean() - 273.15
    np.testing.assert_allclose(cube.sel(bands="tmax")[:, 1, 3], means, atol=1e-4)


# Completeness


def days(missing, kind="mean", per="day"):
    """May of all ones, without the days listed."""
    values = np.ones((31, 1))
    values[list(missing)] = np.nan
    time = xr.Variable("time", np.arange(31) + 120.0, {"units": "days since 1990-01-01"})
    return float(months_of(time, None, "here").of(values, per, kind)[0, 0])


def test_a_sum_needs_every_day_and_a_mean_may_lack_ten_with_no_five_in_a_row():
    assert days([], "amount") == 31
    assert np.isnan(days([7], "amount"))
    assert days(range(0, 20, 2)) == 1
    assert np.isnan(days(range(0, 22, 2)))
    assert days([3, 4, 5, 6]) == 1
    assert np.isnan(days([3, 4, 5, 6, 7]))


def test_days_that_the_record_does_not_hold_are_missing():
    time = xr.Variable("time", np.arange(40.0), {"units": "days since 1990-01-01"})
    months = months_of(time, None, "here")
    np.testing.assert_array_equal(months.of(np.ones((40, 1)), "day", "mean")[:, 0], [1, np.nan])
    np.testing.assert_array_equal(months.of(np.ones((40, 1)), "day", "amount")[:, 0], [31, np.nan])


def test_a_month_that_is_not_there_is_no_data(tmp_path):
    dataset = with_units(truth()).isel(time=[0, 1, 3, 4])
    cube = read(saved(dataset, tmp_path / "gap.nc"), bands=["tmean"])
    assert [str(label)[:7] for label in cube.t.values] == ["1990-01", "1990-02", "1990-03", "1990-04", "1990-05"]
    assert np.isnan(cube[2]).all()
    assert np.isfinite(cube[3]).all()


@pytest.mark.parametrize(
    ("values", "units", "message"),
    [
        (np.arange(10) * 5, "days since 1990-01-01", "5 days apart"),
        (np.arange(48), "hours since 1990-01-01", "0.0417 days apart"),
        (np.arange(5) * 365, "days since 1990-01-01", "12 months apart"),
        ([0, 1, 1, 2], "days since 1990-01-01", "twice"),
        (np.arange(5), "fortnights", "is not understood|is needed"),
        (np.arange(5), "years since 1990-01-01", "12 months apart|is not understood"),
    ],
)
def test_dates_that_are_neither_months_nor_days_are_refused(values, units, message):
    with pytest.raises(SourceError, match=message):
        months_of(xr.Variable("time", np.asarray(values, float), {"units": units}), None, "here")


# Units


def rule(name, text, step="month", **attributes):
    return conversion(variable(name), name, {"units": text, **attributes}, step, origin="file")


@pytest.mark.parametrize("ours", VARIABLES, ids=lambda ours: ours.name)
def test_missing_strange_and_wrong_units_are_told(ours):
    message = f"variable '{ours.name}' .*"
    with pytest.raises(SourceError, match=message + "no units"):
        conversion(ours, ours.name, {}, "month", origin="file")
    with pytest.raises(SourceError, match=message + "'furlongs_of_rain'.*not understood"):
        rule(ours.name, "furlongs_of_rain")
    with pytest.raises(SourceError, match=message + "'kg'"):
        rule(ours.name, "kg")


def test_metres_in_a_monthly_file_must_be_explained():
    with pytest.raises(SourceError, match=r"ERA5 are metres a day.*State m/day or m/month"):
        rule("precipitation", "m")
    assert rule("precipitation", "m", cell_methods="time: sum").scale == pytest.approx(1000)
    assert rule("precipitation", "m", step="day").scale == pytest.approx(1000)
    stated = conversion(variable("precipitation"), "tp", {"units": "m"}, "month", stated="m/day", origin="file")
    assert (stated.scale, stated.per) == (pytest.approx(1000), "day")
    with pytest.raises(SourceError, match="a sum of the month or of a mean day"):
        rule("radiation", "J m-2")


def test_wind_is_brought_to_two_metres_by_fao_56():
    assert rule("wind", "m s-1").scale == 1
    at_ten = conversion(variable("wind"), "sfcWind", {"units": "m s-1"}, "month", origin="file")
    assert at_ten.scale == pytest.approx(0.748, abs=1e-3)  # FAO-56, example 14
    with pytest.raises(SourceError, match="does not say its height"):
        conversion(variable("wind"), "wind_speed", {"units": "m s-1"}, "month", origin="file")


def test_values_that_the_units_make_impossible_are_told(tmp_path):
    kelvin = truth().assign(tmean=truth().tmean + 273.15)
    with pytest.raises(
        SourceError, match=r"tmean runs from 2\d\d.* degC by the file's units, but lies within -90 to 60"
    ):
        layer_of(saved(with_units(kelvin), tmp_path / "climate.nc"))
    cube = read(tmp_path / "climate.nc", units={"tmean": "K"})
    same(cube, truth())


# Layouts


def test_what_is_not_there_is_named(tmp_path):
    path = saved(with_units(truth()[["precipitation", "tmean"]]), tmp_path / "climate.nc")
    with pytest.raises(SourceError, match=r"no 'tmax'; it has precipitation \(precipitation\), tmean \(tmean\)"):
        layer_of(path, bands=["tmax"])
    with pytest.raises(SourceError, match="no month in the period"):
        layer_of(path, temporal=["2020-01-01", "2021-01-01"])
    with pytest.raises(SourceError, match="nothing lies in"):
        layer_of(path, spatial={"west": 0, "south": 0, "east": 1, "north": 1})
    with pytest.raises(SourceError, match="does not exist"):
        layer_of(tmp_path / "no.nc")


def test_uneven_and_unplaced_grids_are_refused(tmp_path):
    with pytest.raises(SourceError, match="'lat' of 'precipitation' is not evenly spaced"):
        layer_of(saved(with_units(truth()).assign_coords(lat=[46.0, 44.0, 41.0]), tmp_path / "gauss.nc"))
    bare = with_units(truth()).rename(lat="y", lon="x")
    bare["y"].attrs, bare["x"].attrs = {}, {}
    with pytest.raises(SourceError, match="neither degrees nor have a grid mapping"):
        layer_of(saved(bare, tmp_path / "bare.nc"))


def test_two_variables_for_one_name_are_a_question(tmp_path):
    dataset = truth()[["precipitation"]]
    dataset = with_units(dataset).rename(precipitation="pr")
    dataset["tp"] = dataset["pr"]
    with pytest.raises(SourceError, match="both 'pr' and 'tp' could be precipitation"):
        layer_of(saved(dataset, tmp_path / "twice.nc"))


# The choice of a source


def images(path):
    coords = {"t": pd.date_range("2023-01-01", periods=2), "y": [25.0, 15.0], "x": [5.0, 15.0]}
    variables = {"B04": (("t", "y", "x"), np.full((2, 2, 2), 2500, "uint16")), "crs": ((), 0, CRS(32650).to_cf())}
    return saved(xr.Dataset(variables, coords), path)


def test_a_file_is_taken_for_what_it_holds(tmp_path):
    climate, image = saved(with_units(truth()), tmp_path / "c.nc"), images(tmp_path / "i.nc")
    assert is_climate(climate)
    assert not is_climate(image)
    assert isinstance(source_of(cube=climate), ClimateFile)
    assert isinstance(source_of(cube=image), CubeFile)
    assert source_of(cube=climate, units={"tp": "m/day"}).units == {"tp": "m/day"}
    both = source_of(cube=climate, source="earth-search")
    assert isinstance(both, ByRole)
    assert both.collection("climate", Extent(bands=["tmean"])).bands == ("tmean",)
    with pytest.raises(DrylandsError, match="holds images: give it or a STAC source"):
        source_of(cube=image, source="earth-search")
    with pytest.raises(DrylandsError, match="no reflectance"):
        source_of(cube=climate, scale=1e-4)
    neither = saved(xr.Dataset({"depth": (("y", "x"), np.ones((2, 2)))}), tmp_path / "n.nc")
    with pytest.raises(SourceError, match="neither bands of Sentinel-2 nor a climate"):
        source_of(cube=neither)
