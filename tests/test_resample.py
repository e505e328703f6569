"""Resampling is exact and does not depend on the window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from drylands_openeo.stac.resample import aligned, bilinear, nearest, positions

SOURCE = GeoBox.from_bbox((745000, 4700000, 746000, 4701000), "EPSG:32649", resolution=20)
CENTRE = SOURCE.extent.centroid.to_crs("EPSG:32650").coords[0]
OTHER_ZONE = GeoBox.from_bbox(
    tuple(round(value / 10) * 10 + side for side in (-300, 300) for value in CENTRE), "EPSG:32650", resolution=10
)
VALUES = np.random.default_rng(1).uniform(0, 1, SOURCE.shape).astype(np.float32)


def part_of(values, where):
    return values[where.window]


def test_grids_that_share_pixels_are_aligned():
    assert aligned(SOURCE, SOURCE[3:9, 2:5])
    assert aligned(SOURCE, SOURCE.translate_pix(-7, 200))
    assert not aligned(SOURCE, SOURCE.translate_pix(0.5, 0))
    assert not aligned(SOURCE, SOURCE.zoom_out(0.5))
    assert not aligned(SOURCE, OTHER_ZONE)


def test_bilinear_gives_back_a_plane():
    rows, columns = np.mgrid[0:50, 0:50].astype(np.float32)
    finer = SOURCE.zoom_out(0.5)[10:90, 10:90]
    where = positions(SOURCE, finer)
    seen = bilinear(part_of(3 * rows + 2 * columns, where), where)
    down, right = np.mgrid[0:80, 0:80] / 2 + 5 - 0.25
    assert np.allclose(seen, 3 * down + 2 * right, atol=1e-4)


def test_nearest_repeats_a_coarse_pixel():
    where = positions(SOURCE, SOURCE.zoom_out(0.5))
    assert np.array_equal(nearest(part_of(VALUES, where), where), VALUES.repeat(2, 0).repeat(2, 1))


def test_an_invalid_neighbour_has_no_share():
    holed = VALUES.copy()
    holed[20, 20] = np.nan
    where = positions(SOURCE, SOURCE.zoom_out(0.5))
    seen = bilinear(part_of(holed, where), where)
    assert np.isfinite(seen).all()
    # In the hole's first quarter: weights 1/16, 3/16, 3/16 of the three neighbours, to a sum of one.
    expected = (VALUES[19, 19] + 3 * VALUES[19, 20] + 3 * VALUES[20, 19]) / 7
    assert seen[40, 40] == pytest.approx(expected, rel=1e-5)
    assert np.isnan(nearest(part_of(holed, where), where)[40:42, 40:42]).all()


def test_all_invalid_is_nan_and_so_is_what_lies_outside():
    where = positions(SOURCE, OTHER_ZONE)
    assert np.isnan(bilinear(np.full_like(part_of(VALUES, where), np.nan), where)).all()
    beside = positions(SOURCE, OTHER_ZONE.translate_pix(100_000, 0))
    assert beside.empty
    half = positions(SOURCE, SOURCE.translate_pix(25.5, 0))
    for method in (nearest, bilinear):
        seen = method(part_of(VALUES, half), half)
        assert np.isnan(seen[:, 25:]).all()
        assert np.isfinite(seen[:, :24]).all()


@given(top=st.integers(0, 50), left=st.integers(0, 50), height=st.integers(1, 10), width=st.integers(1, 10))
def test_a_window_sees_what_the_whole_sees(top, left, height, width):
    window = np.s_[top : top + height, left : left + width]
    for grid in (OTHER_ZONE, SOURCE.zoom_out(0.7)[:60, :60]):
        whole, part = positions(SOURCE, grid), positions(SOURCE, grid[window])
        for method in (nearest, bilinear):
            expected = method(part_of(VALUES, whole), whole)[window]
            assert np.allclose(method(part_of(VALUES, part), part), expected, atol=1e-6, equal_nan=True)
