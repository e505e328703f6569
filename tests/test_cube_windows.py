"""Processes on pixels: known values, and the whole equal to its windows."""

import numpy as np
import pytest
from cube_calls import BOX, CUBE, MEAN, POLYGON, SUM_XY, callback, graph, parameter, run
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import GRID, FormulaLayer, FormulaSource
from scipy import ndimage

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.processes.convolution import DIRECT
from drylands_openeo.engine.windows import crs_of, grid_of


def kernel(*shape):
    return np.random.default_rng(7).normal(size=shape).tolist()


GRAPHS = {
    **{
        f"apply_kernel_{border}": graph("apply_kernel", kernel=kernel(5, 3), border=border)
        for border in ("replicate", "reflect", "reflect_pixel", "wrap", 2.5)
    },
    "apply_kernel_box": graph("apply_kernel", kernel=np.ones((7, 7)).tolist(), factor=1 / 49),
    "apply_kernel_large": graph("apply_kernel", kernel=kernel(15, 17), border="reflect"),
    "filter_bbox": graph("filter_bbox", extent=BOX),
    "filter_spatial": graph("filter_spatial", geometries=POLYGON),
    "mask_polygon": graph("mask_polygon", mask=POLYGON, inside=True),
    "mask_of_another_grid": graph("mask", mask={"from_node": "other"}, replacement=-1),
    "merge_with_another_grid": graph("merge_cubes", cube2={"from_node": "other"}, overlap_resolver=SUM_XY),
    "reduce_dimension": graph("reduce_dimension", reducer=MEAN, dimension="t"),
    "aggregate_temporal_period": graph("aggregate_temporal_period", period="season", reducer=MEAN),
    "ndvi": graph("ndvi", target_band="ndvi"),
    "apply_dimension": graph(
        "apply_dimension",
        process=callback("quantiles", data=parameter("data"), probabilities=4),
        dimension="t",
        target_dimension="quantiles",
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_window_is_the_window_of_the_whole(name, data):
    plan = Plan(Program.parse(GRAPHS[name]), Environment(FormulaSource()))
    whole, grid = plan.evaluate(), plan.grid
    assert grid_of(whole).shape == grid.shape
    rows = sorted(data.draw(st.lists(st.integers(0, grid.shape[0]), min_size=2, max_size=2, unique=True)))
    columns = sorted(data.draw(st.lists(st.integers(0, grid.shape[1]), min_size=2, max_size=2, unique=True)))
    window = plan.evaluate(grid[slice(*rows), slice(*columns)])
    part = whole.isel(y=slice(*rows), x=slice(*columns))
    assert window.dims == part.dims
    assert window.dtype == part.dtype
    np.testing.assert_allclose(window.values, part.values, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(window.y, part.y)


NDIMAGE = {"replicate": "nearest", "reflect": "reflect", "reflect_pixel": "mirror", "wrap": "wrap", 1.5: "constant"}


@pytest.mark.parametrize("border", NDIMAGE)
@pytest.mark.parametrize(
    "weights",
    [
        np.ones((3, 5)) / 15,
        np.outer([1, 2, 1], [1, 4, 6, 4, 1]),
        np.array([[0, 1.5, 0], [-1, 2, 3], [0, 0.1, -4]]),
        np.array(kernel(9, 21)),
        np.array([[2.0]]),
    ],
    ids=["box", "rank 1", "small", "large", "single"],
)
def test_apply_kernel_is_a_correlation(weights, border):
    found = run("apply_kernel", kernel=weights.tolist(), border=border, factor=0.5)
    filled = np.nan_to_num(CUBE.values.astype(np.float64))
    expected = 0.5 * ndimage.correlate(filled, weights[np.newaxis, np.newaxis], mode=NDIMAGE[border], cval=1.5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.values, expected, rtol=1e-5, atol=1e-5)
    assert np.count_nonzero(kernel(9, 21)) > DIRECT


def test_a_running_sum_does_not_smear_large_values():
    cube = CUBE.copy(data=np.full(CUBE.shape, 1e-3, dtype=np.float32))
    cube[:, :, 2, 2] = 1e6
    found = run("apply_kernel", cube, kernel=np.ones((3, 3)).tolist()).values
    np.testing.assert_allclose(found[..., 8:15, 8:12], 9e-3, rtol=1e-5)


def test_a_box_holds_the_pixels_with_their_centre_in_it():
    inside = run("filter_bbox", data=FormulaLayer().read(GRID), extent=BOX)
    x, y = GRID.coords["x"].values, GRID.coords["y"].values
    np.testing.assert_array_equal(inside.x, x[(x >= BOX["west"]) & (x <= BOX["east"])])
    np.testing.assert_array_equal(inside.y, y[(y >= BOX["south"]) & (y <= BOX["north"])])
    assert crs_of(inside).epsg == 32650


def test_a_box_on_pixel_centres_includes_them():
    west, north = float(CUBE.x[2]), float(CUBE.y[1])
    extent = {"west": west, "east": west + 20, "north": north, "south": north - 30, "crs": "EPSG:32650"}
    inside = run("filter_bbox", extent=extent)
    assert (inside.sizes["y"], inside.sizes["x"]) == (4, 3)


def test_a_polygon_takes_pixels_whose_centre_is_on_its_outline():
    x, y = CUBE.x.values, CUBE.y.values
    ring = [[x[1], y[1]], [x[4], y[1]], [x[4], y[6]], [x[1], y[6]], [x[1], y[1]]]
    polygon = {"type": "Polygon", "coordinates": [ring], "crs": {"properties": {"name": "EPSG:32650"}}}
    kept = run("mask_polygon", CUBE.fillna(5), mask=polygon)
    assert int(np.isfinite(kept.values[0, 0]).sum()) == 4 * 6
    assert bool(np.isfinite(kept.values[0, 0, 1:7, 1:5]).all())


def test_aggregate_spatial_reduces_every_geometry():
    x, y = CUBE.x.values, CUBE.y.values
    crs = {"properties": {"name": "EPSG:32650"}}
    ring = [
        [x[1] - 4, y[1] + 4],
        [x[3] + 4, y[1] + 4],
        [x[3] + 4, y[2] - 4],
        [x[1] - 4, y[2] - 4],
        [x[1] - 4, y[1] + 4],
    ]
    collection = {
        "type": "FeatureCollection",
        "crs": crs,
        "features": [
            {"type": "Feature", "id": "area", "geometry": {"type": "Polygon", "coordinates": [ring]}},
            {"type": "Feature", "id": "site", "geometry": {"type": "Point", "coordinates": [x[5] + 3, y[4] - 2]}},
            {"type": "Feature", "id": "void", "geometry": {"type": "Polygon", "coordinates": []}},
        ],
    }
    found = run("aggregate_spatial", geometries=collection, reducer=MEAN, target_dimension="counts")
    assert found.dims == ("geometry", "counts", "t", "bands")
    assert found.geometry.values.tolist() == ["area", "site", "void"]
    area = CUBE.values[:, :, 1:3, 1:4]
    np.testing.assert_allclose(found.values[0, 0], np.nanmean(area, axis=(2, 3)), rtol=1e-6)
    np.testing.assert_array_equal(found.values[0, 1], 6)
    np.testing.assert_array_equal(found.values[0, 2], np.isfinite(area).sum(axis=(2, 3)))
    np.testing.assert_array_equal(found.values[1, 0], CUBE.values[:, :, 4, 5])
    assert np.isnan(found.values[2, 0]).all()
    assert run("aggregate_spatial", geometries=collection, reducer=MEAN).dims == ("geometry", "t", "bands")


def test_reduce_spatial_is_a_constant_of_all_windows():
    mean = run("reduce_spatial", reducer=MEAN)
    np.testing.assert_allclose(mean.values, CUBE.mean(("y", "x")).values, rtol=1e-6)
    assert mean.dims == ("t", "bands")


def test_null_masks_nothing():
    mask = CUBE.isel(bands=0, drop=True).copy(data=np.zeros(CUBE.shape[:1] + CUBE.shape[2:], dtype=np.float32))
    mask[:, 0, 0], mask[:, 1, 1] = np.nan, 1
    filled = CUBE.fillna(7)
    node = {"process_id": "mask", "arguments": {"data": parameter("data"), "mask": parameter("mask")}, "result": True}
    masked = Plan(Program.parse({"n": node}), Environment(), {"data": filled, "mask": mask}).evaluate()
    np.testing.assert_array_equal(np.isnan(masked.values).sum(axis=(0, 1)), np.where(mask[0] == 1, 16, 0))
