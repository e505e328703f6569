"""A file's own pixels, copied: whatever the window, what is there and nothing else."""

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from drylands_openeo.stac.copying import copied

GRID = GeoBox.from_bbox((500_000, 4_000_000, 500_120, 4_000_090), "EPSG:32650", resolution=10)
NUMBERS = np.arange(1, 9 * 12 + 1, dtype=np.uint16).reshape(9, 12)
NUMBERS[2, 3] = 0


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("copying") / "band.tif"
    place = {"transform": GRID.affine, "crs": "EPSG:32650"}
    with rasterio.open(path, "w", driver="GTiff", height=9, width=12, count=2, dtype="uint16", nodata=7, **place) as to:
        to.write(np.stack([NUMBERS, NUMBERS + 500]))
    return str(path)


@given(top=st.integers(-12, 12), left=st.integers(-15, 15), height=st.integers(1, 12), width=st.integers(1, 15))
def test_any_window_of_the_file_is_its_slice(file, top, left, height, width):
    canvas = np.full((60, 60), np.nan, np.float32)
    canvas[20:29, 20:32] = np.where(NUMBERS == 0, np.nan, NUMBERS)
    window = GRID.pad(20)[20 + top : 20 + top + height, 20 + left : 20 + left + width]
    part, values = copied(file, 1, 0, GRID, window)
    found = np.full((height, width), np.nan, np.float32)
    found[part] = values
    np.testing.assert_array_equal(found, canvas[20 + top :, 20 + left :][:height, :width])


def test_no_data_is_what_the_file_says_unless_the_catalogue_does(file):
    assert np.isnan(copied(file, 1, None, GRID, GRID)[1][0, 6])
    assert copied(file, 1, 0, GRID, GRID)[1][0, 6] == 7


def test_any_band_of_the_file(file):
    np.testing.assert_array_equal(copied(file, 2, None, GRID, GRID)[1], NUMBERS + 500.0)
