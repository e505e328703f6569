"""netCDF output of a back-end is read by its value contract, and the contract is checked on the pixels."""

import pickle

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pyproj import CRS
from shared import need

from drylands_openeo.cubefile import CubeFile
from drylands_openeo.engine import Extent
from drylands_openeo.errors import SourceError


def cube(tmp_path, red, dtype="uint16"):
    coords = {"t": pd.date_range("2023-01-01", periods=3), "y": [4_700_025.0, 4_700_015.0], "x": [500_005.0, 500_015.0]}
    scl = np.full((3, 2, 2), 4, "uint16")
    scl[0, 0, 0] = 0
    variables = {
        "S2-L2A-B04": (("t", "y", "x"), np.full((3, 2, 2), red, dtype)),
        "S2-L2A-SCL": (("t", "y", "x"), scl),
        "crs": ((), 0, {"crs_wkt": CRS.from_epsg(32650).to_wkt()}),
    }
    path = tmp_path / "cube.nc"
    xr.Dataset(variables, coords).to_netcdf(path, engine="h5netcdf")
    return path


def test_integers_are_counts_and_nodata_is_nan(tmp_path):
    path = cube(tmp_path, 2500)
    layer = CubeFile(path).collection("any", Extent(bands=["red", "scl"], temporal=["2023-01-01", "2023-01-03"]))
    read = layer.read(layer.grid)
    assert read.dims == ("t", "bands", "y", "x")
    assert read.sizes["t"] == 2
    np.testing.assert_allclose(read.sel(bands="red"), 0.25)
    assert np.isnan(read.sel(bands="scl").values[0, 0, 0])
    assert layer.grid.crs.epsg == 32650


def test_no_data_of_a_back_end(tmp_path):
    layer = CubeFile(cube(tmp_path, 65535)).collection("any", Extent(bands=["B04"]))
    assert np.isnan(layer.read(layer.grid)).all()


def test_counts_stored_as_floats_are_noticed(tmp_path):
    path = cube(tmp_path, 2500.0, "float32")
    with pytest.raises(SourceError, match=r"median of 2500.*scale 0.0001"):
        CubeFile(path).collection("any", Extent(bands=["red"]))
    layer = CubeFile(path, scale=1e-4).collection("any", Extent(bands=["red"]))
    np.testing.assert_allclose(layer.read(layer.grid), 0.25)


def test_what_is_not_there_is_named(tmp_path):
    path = cube(tmp_path, 2500)
    with pytest.raises(SourceError, match="no band 'nir'; it has red, scl"):
        CubeFile(path).collection("any", Extent(bands=["nir"]))
    with pytest.raises(SourceError, match="no date in the period"):
        CubeFile(path).collection("any", Extent(bands=["red"], temporal=["2024-01-01", None]))
    with pytest.raises(SourceError, match="does not exist"):
        CubeFile(tmp_path / "no.nc").collection("any", Extent(bands=["red"]))


def test_a_layer_travels(tmp_path):
    layer = CubeFile(cube(tmp_path, 2500)).collection("any", Extent(bands=["red"]))
    again = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(again.read(layer.grid), layer.read(layer.grid))


def test_the_output_of_a_real_back_end():
    path = need("data/sentinel2/openeo_gfmap/cdse_sentinel2_l2a.nc")
    layer = CubeFile(path).collection("SENTINEL2_L2A", Extent(bands=["B04", "B08", "SCL"]))
    read = layer.read(layer.grid)
    assert (layer.grid.crs.epsg, layer.grid.shape) == (32631, (66, 64))
    kept = read.sel(bands="SCL").isin([4, 5, 6])
    assert float(kept.mean()) == pytest.approx(0.165, abs=0.001)
    assert float(np.nanmedian(read.sel(bands="B04").where(kept))) == pytest.approx(0.0331, abs=1e-4)


def test_a_file_on_longitudes_kept_south_first_is_turned(tmp_path):
    coords = {"time": pd.date_range("2001-01-01", periods=2, freq="YS"), "lat": [40.5, 41.5], "lon": [100.5, 101.5]}
    values = np.arange(8.0).reshape(2, 2, 2)
    xr.Dataset({"npp": (("time", "lat", "lon"), values)}, coords).to_netcdf(tmp_path / "npp.nc", engine="h5netcdf")
    layer = CubeFile(tmp_path / "npp.nc").collection("npp", Extent(bands=["npp"]))
    assert (layer.grid.crs.epsg, layer.grid.resolution.y) == (4326, -1)
    np.testing.assert_array_equal(layer.read(layer.grid).values[:, 0], values[:, ::-1])
