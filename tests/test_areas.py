"""Cells have their true area on the ellipsoid."""

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from drylands_openeo.errors import DrylandsError
from drylands_openeo.statistics.areas import added, cell_areas, class_areas

A, F = 6378137.0, 1 / 298.257223563
E2 = F * (2 - F)
EARTH = 2 * np.pi * A**2 * (1 + (1 - E2) / np.sqrt(E2) * np.arctanh(np.sqrt(E2))) / 1e6  # km2, surface of the spheroid


@pytest.mark.parametrize("shape", [(1, 1), (2, 4), (180, 360), (1801, 3600)])
def test_the_cells_of_the_earth_add_up_to_its_surface(shape):
    rows, columns = shape
    grid = GeoBox(shape, Affine(360 / columns, 0, -180, 0, -180 / rows, 90), "EPSG:4326")
    assert cell_areas(grid).sum() == pytest.approx(EARTH, rel=1e-12)


def test_cells_about_the_pole_end_there():
    """Reanalyses put a row's centre on the pole; half of it does not exist."""
    grid = GeoBox((181, 360), Affine(1, 0, -180, 0, -1, 90.5), "EPSG:4326")
    assert cell_areas(grid).sum() == pytest.approx(EARTH, rel=1e-12)


def geodesic(grid, row, column, steps=200):
    """Area [km2] of one cell by the geodesic polygon through many points of its outline."""
    along = np.linspace(0, 1, steps, endpoint=False)
    u = np.concatenate([along, np.ones(steps), 1 - along, np.zeros(steps)]) + column
    v = np.concatenate([np.zeros(steps), along, np.ones(steps), 1 - along]) + row
    a, b, c, d, e, f = grid.affine[:6]
    to_degrees = pyproj.Transformer.from_crs(str(grid.crs), "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(a * u + b * v + c, d * u + e * v + f)
    return abs(pyproj.Geod(ellps="WGS84").polygon_area_perimeter(longitude, latitude)[0]) / 1e6


ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m"
LAMBERT = "+proj=lcc +lat_1=25 +lat_2=47 +lat_0=36 +lon_0=105 +datum=WGS84 +units=m"
PLACES = {
    "longitude and latitude": GeoBox((6, 8), Affine(0.5, 0, 100, 0, -0.5, 45), "EPSG:4326"),
    "UTM, 10 m": GeoBox((400, 500), Affine(10, 0, 300000, 0, -10, 4700000), "EPSG:32650"),
    "UTM, a whole tile": GeoBox((11, 11), Affine(10000, 0, 200000, 0, -10000, 4900020), "EPSG:32650"),
    "Albers": GeoBox((20, 30), Affine(1e5, 0, -1.5e6, 0, -1e5, 5e6), ALBERS),
    "Lambert, a continent": GeoBox((20, 30), Affine(1e5, 0, -1.5e6, 0, -1e5, 1e6), LAMBERT),
    "turned": GeoBox((20, 30), Affine.translation(4e5, 4.7e6) * Affine.rotation(20) * Affine.scale(1000, -1000), 32650),
    "feet": GeoBox((30, 30), Affine(1000, 0, 2e6, 0, -1000, 5e5), "EPSG:2263"),
}


@pytest.mark.parametrize("grid", PLACES.values(), ids=PLACES)
def test_a_cell_has_the_area_of_its_geodesic_outline(grid):
    areas = cell_areas(grid)
    rows, columns = grid.shape
    assert areas.shape == (rows, columns)
    for row, column in [(0, 0), (rows // 2, columns // 3), (rows - 1, columns - 1)]:
        # A parallel is no geodesic: 200 chords a side leave 1e-8 of it.
        assert areas[row, column] == pytest.approx(geodesic(grid, row, column), rel=3e-8, abs=1e-10)


def test_the_cells_of_a_fine_grid_add_up_to_the_geodesic_area_of_its_outline():
    grid = PLACES["UTM, 10 m"]
    whole = GeoBox((1, 1), grid.affine * Affine.scale(grid.shape[1], grid.shape[0]), grid.crs)
    assert cell_areas(grid).sum() == pytest.approx(geodesic(whole, 0, 0), rel=1e-9)


def test_an_equal_area_projection_has_equal_cells():
    areas = cell_areas(PLACES["Albers"])
    np.testing.assert_allclose(areas, 1e4, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 20), st.sampled_from(["EPSG:4326", "EPSG:32650"]))
def test_the_parts_of_a_grid_add_up_to_the_whole(rows, columns, cut, crs):
    step, x, y = (0.25, 110, 48) if crs == "EPSG:4326" else (25000, 3e5, 5e6)
    grid = GeoBox((rows, columns), Affine(step, 0, x, 0, -step, y), crs)
    cut = min(cut, rows)
    parts = [part for part in (grid[:cut, :], grid[cut:, :]) if part.shape[0] > 0]
    np.testing.assert_allclose(np.concatenate([cell_areas(part) for part in parts]), cell_areas(grid), rtol=1e-9)
    finer = GeoBox((rows * 3, columns * 3), grid.affine * Affine.scale(1 / 3), crs)
    assert cell_areas(finer).sum() == pytest.approx(cell_areas(grid).sum(), rel=1e-9)


def test_classes_take_the_area_of_their_cells():
    areas = cell_areas(PLACES["longitude and latitude"])
    classes = np.where(np.arange(8) < 4, 1.0, 3.0) * np.ones((6, 1))
    classes[0, 0] = np.nan
    found = class_areas(classes, areas, {1: "arid", 2: "none", 3: "humid"})
    assert found["none"] == 0
    assert found["arid"] + areas[0, 0] == pytest.approx(found["humid"], rel=1e-12)
    assert added([found, found])["humid"] == pytest.approx(2 * found["humid"])
    with pytest.raises(DrylandsError, match="not of one shape"):
        class_areas(classes[1:], areas, {1: "arid"})


def test_what_has_no_area_is_refused():
    with pytest.raises(DrylandsError, match="no coordinate reference system"):
        cell_areas(GeoBox((2, 2), Affine(1, 0, 0, 0, -1, 0), None))
    with pytest.raises(DrylandsError, match="is turned"):
        cell_areas(GeoBox((2, 2), Affine.rotation(10), "EPSG:4326"))
