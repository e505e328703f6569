"""Processes on cubes: known values, dimensions and labels, and the whole equal to its windows."""

import logging

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import GRID, FormulaLayer, FormulaSource
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy import ndimage

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.processes import periods
from drylands_openeo.engine.processes.convolution import DIRECT
from drylands_openeo.engine.windows import crs_of, grid_of, on_grid
from drylands_openeo.errors import GraphError

CUBE = FormulaLayer().read(GRID[3:20, 5:19])


def run(process_id, data=CUBE, environment=None, **arguments):
    """One process on a cube; callbacks and plain values stand in the graph."""
    node = {"process_id": process_id, "arguments": {"data": {"from_parameter": "data"}, **arguments}, "result": True}
    program = Program.parse({"parameters": [{"name": "data"}], "process_graph": {"node": node}})
    return Plan(program, environment or Environment(), {"data": data}).evaluate()


def callback(process_id, **arguments):
    return {"process_graph": {"only": {"process_id": process_id, "arguments": arguments, "result": True}}}


def parameter(name):
    return {"from_parameter": name}


MEAN = callback("mean", data=parameter("data"))
SUM_XY = callback("add", x=parameter("x"), y=parameter("y"))
BOX = {"west": 500_055.0, "east": 500_600.0, "south": 4_700_100.0, "north": 4_700_444.0, "crs": 32650}
RING = [(500_100, 4_700_100), (500_650, 4_700_205), (500_400, 4_700_500), (500_145, 4_700_335), (500_100, 4_700_100)]
POLYGON = {
    "type": "Polygon",
    "coordinates": [[list(Transformer.from_crs(32650, 4326, always_xy=True).transform(*point)) for point in RING]],
}


def graph(process_id, **arguments):
    """load -> process; ``other`` is a second load, on a coarser grid shifted by half a pixel."""
    load = {"process_id": "load_collection", "arguments": {"id": "any", "spatial_extent": None}}
    half = {"process_id": "resample_spatial", "arguments": {"data": {"from_node": "load"}, "resolution": 15}}
    clouds = {
        "process_id": "apply",
        "arguments": {"data": {"from_node": "half"}, "process": callback("gt", x=parameter("x"), y=0.4)},
    }
    main = "cube1" if process_id == "merge_cubes" else "data"
    last = {"process_id": process_id, "arguments": {main: {"from_node": "load"}, **arguments}, "result": True}
    nodes = {"load": load, "last": last}
    return nodes | ({"half": half, "other": clouds} if "other" in str(arguments) else {})


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
    assert np.array(kernel(9, 21)).size > DIRECT


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


def merge(cube1, cube2, **more):
    arguments = {"cube1": parameter("cube1"), "cube2": parameter("cube2"), **more}
    node = {"process_id": "merge_cubes", "arguments": arguments, "result": True}
    return Plan(Program.parse({"n": node}), Environment(), {"cube1": cube1, "cube2": cube2}).evaluate()


def test_bands_are_joined_and_taken_apart_again():
    red, nir = CUBE.isel(bands=[0]), CUBE.isel(bands=[1])
    xr.testing.assert_equal(merge(red, nir), CUBE)
    assert merge(nir, red).bands.values.tolist() == ["nir", "red"]


def test_dates_are_sorted_and_overlaps_resolved():
    early, late = CUBE.isel(t=slice(0, 5)), CUBE.isel(t=slice(3, 8))
    with pytest.raises(GraphError) as error:
        merge(early, late)
    assert error.value.code == "OverlapResolverMissing"
    merged = merge(late, early, overlap_resolver=SUM_XY)
    np.testing.assert_array_equal(merged.t, CUBE.t)
    np.testing.assert_allclose(merged.values[3:5], 2 * CUBE.values[3:5])
    np.testing.assert_array_equal(merged.values[[0, 7]], CUBE.values[[0, 7]])


def test_labels_of_neither_cube_are_no_data():
    merged = merge(CUBE.isel(bands=[0], t=[0]), CUBE.isel(bands=[1], t=[1]))
    assert merged.shape[:2] == (2, 2)
    assert np.isnan(merged.values[0, 1]).all()
    np.testing.assert_array_equal(merged.values[1, 1], CUBE.values[1, 1])


def test_a_map_is_merged_with_every_date():
    dem = CUBE.isel(t=0, bands=0, drop=True)
    np.testing.assert_allclose(merge(dem, CUBE, overlap_resolver=SUM_XY), CUBE + dem)
    xr.testing.assert_allclose(merge(CUBE, dem, overlap_resolver=SUM_XY), CUBE + dem)


@pytest.mark.parametrize("period", periods.PERIODS)
@given(st.lists(st.datetimes(pd.Timestamp("1995-01-01"), pd.Timestamp("1995-03-01")), min_size=1, max_size=5))
def test_every_date_lies_in_one_period(period, dates):
    moments = np.array(dates, dtype="datetime64[ns]")
    spans = list(periods.spans(moments, period))
    hits = sum((moments >= start) & (moments < end) for _, start, end in spans)
    np.testing.assert_array_equal(hits, 1)
    assert all(one[2] == two[1] for one, two in zip(spans, spans[1:], strict=False))
    labels = [label for label, _, _ in spans]
    np.testing.assert_array_equal(periods.starts(labels, period), [start for _, start, _ in spans])


def test_days_of_a_year_are_complete():
    cube = CUBE.isel(t=[0, 1]).assign_coords(t=np.array(["2020-01-01", "2020-12-31"], dtype="datetime64[ns]"))
    daily = run("aggregate_temporal_period", cube, period="day", reducer=MEAN)
    assert daily.t.values.tolist()[:2] == ["2020-001", "2020-002"]
    assert daily.sizes["t"] == 366
    assert np.isnan(daily.values[1:-1]).all()


def test_periods_are_dates_to_what_follows():
    monthly = run("aggregate_temporal_period", period="month", reducer=MEAN)
    kept = run("filter_temporal", monthly, extent=["2020-02-01", "2020-04-01"])
    assert kept.t.values.tolist() == ["2020-02", "2020-03"]
    yearly = run("aggregate_temporal_period", monthly, period="year", reducer=callback("count", data=parameter("data")))
    assert yearly.t.values.tolist() == ["2020"]


def test_intervals_may_be_open_and_overlap():
    found = run(
        "aggregate_temporal",
        intervals=[[None, "2020-03-01"], ["2020-01-01", None], ["2030-01-01", "2031-01-01"]],
        labels=["a", "b", "c"],
        reducer=callback("max", data=parameter("data")),
    )
    np.testing.assert_array_equal(found.values[0], np.fmax.reduce(CUBE.values[:2]))
    np.testing.assert_array_equal(found.values[1], np.fmax.reduce(CUBE.values))
    assert np.isnan(found.values[2]).all()


def test_bands_go_by_label_and_by_common_name():
    sensor = CUBE.assign_coords(bands=["B04", "B08"])
    assert run("filter_bands", sensor, bands=["nir", "B04"]).bands.values.tolist() == ["B08", "B04"]
    np.testing.assert_array_equal(run("ndvi", sensor).values, run("ndvi", CUBE).values)
    np.testing.assert_allclose(
        run("ndvi", CUBE).values, ((CUBE[:, 1] - CUBE[:, 0]) / (CUBE[:, 1] + CUBE[:, 0])).values, rtol=1e-6
    )
    with pytest.raises(GraphError) as error:
        run("ndvi", CUBE, target_band="red")
    assert error.value.code == "BandExists"


def test_a_date_decides_which_labels_stay():
    condition = callback("date_between", x=parameter("value"), min="2020-02-01", max="2020-06-01")
    kept = run("filter_labels", dimension="t", condition=condition)
    assert kept.t.values.tolist() == CUBE.t.values[1:4].tolist()


def test_the_target_dimension_takes_the_values():
    stacked = run(
        "apply_dimension",
        CUBE.isel(bands=[0]),
        process=callback("quantiles", data=parameter("data"), probabilities=[0.25, 0.75]),
        dimension="t",
        target_dimension="bands",
    )
    assert stacked.dims == ("bands", "y", "x")
    np.testing.assert_allclose(stacked, np.nanquantile(CUBE.values[:, 0], [0.25, 0.75], axis=0), rtol=1e-5)
    with pytest.raises(GraphError, match="has 2 labels; it may have one"):
        run("apply_dimension", process=MEAN, dimension="t", target_dimension="bands")


def test_labels_stay_where_their_number_does():
    sums = run("apply_dimension", process=callback("cumsum", data=parameter("data")), dimension="t")
    np.testing.assert_array_equal(sums.t, CUBE.t)
    kept = run("apply_dimension", process=callback("array_create", data=[1, 2, 3]), dimension="t")
    assert kept.t.values.tolist() == [0, 1, 2]


def test_a_callback_must_give_what_is_asked():
    with pytest.raises(GraphError, match="node 'node': the callback must give a single value, not an array of 8"):
        run("reduce_dimension", reducer=callback("sort", data=parameter("data"), nodata=True), dimension="t")
    assert np.isnan(run("apply", process=callback("constant", x=None)).values).all()


def test_dimensions_are_flattened_and_back():
    flat = run("flatten_dimensions", dimensions=["t", "bands"], target_dimension="all")
    assert flat.dims == ("all", "y", "x")
    assert flat["all"].values[1] == "2020-01-01T00:00:00Z~nir"
    back = run("unflatten_dimension", flat, dimension="all", target_dimensions=["t", "bands"])
    np.testing.assert_array_equal(back.values, CUBE.values)
    assert back.bands.values.tolist() == ["red", "nir"]


def test_trimming_takes_the_ends_of_what_has_an_order():
    cube = CUBE.copy()
    cube[[0, 3, 7]], cube[..., 0, :], cube[..., 5, :] = np.nan, np.nan, np.nan
    trimmed = run("trim_cube", cube)
    np.testing.assert_array_equal(trimmed.t, CUBE.t[1:7])
    np.testing.assert_array_equal(trimmed.y, CUBE.y[1:])


def test_the_nearest_date_and_the_nearest_valid_one():
    target = CUBE.isel(t=[0, 1]).assign_coords(t=np.array(["2020-01-20", "2020-03-30"], dtype="datetime64[ns]"))
    node = {
        "process_id": "resample_cube_temporal",
        "arguments": {"data": parameter("data"), "target": parameter("target")},
        "result": True,
    }
    nearest = Plan(Program.parse({"n": node}), Environment(), {"data": CUBE, "target": target}).evaluate()
    np.testing.assert_array_equal(nearest.values, CUBE.values[[0, 2]])
    node["arguments"]["valid_within"] = 30
    valid = Plan(Program.parse({"n": node}), Environment(), {"data": CUBE, "target": target}).evaluate()
    expected = np.where(np.isnan(CUBE.values[0]), CUBE.values[1], CUBE.values[0])
    np.testing.assert_array_equal(valid.values[0], expected)
    np.testing.assert_array_equal(valid.t, target.t)


def monthly_cube(years):
    dates = np.arange(f"{years[0]}-01", f"{years[1] + 1}-01", dtype="datetime64[M]").astype("datetime64[ns]")
    months = pd.DatetimeIndex(dates).month.to_numpy()
    values = months + 100.0 * (pd.DatetimeIndex(dates).year.to_numpy() - years[0])
    return on_grid(np.broadcast_to(values[:, None, None], (len(dates), *GRID[:2, :3].shape)), GRID[:2, :3], t=dates)


def test_normals_and_anomalies():
    cube = monthly_cube((1999, 2003))
    normal = run("climatological_normal", cube, period="month", climatology_period=["2000", "2002"])
    assert normal.t.values.tolist() == [f"{month:02d}" for month in range(1, 13)]
    np.testing.assert_allclose(normal.values[:, 0, 0], 200 + np.arange(1, 13))
    node = {
        "process_id": "anomaly",
        "arguments": {"data": parameter("data"), "normals": parameter("normals"), "frequency": "monthly"},
        "result": True,
    }
    found = Plan(Program.parse({"n": node}), Environment(), {"data": cube, "normals": normal}).evaluate()
    np.testing.assert_allclose(found.values[:, 1, 1], np.repeat([-200, -100, 0, 100, 200], 12))


def test_a_winter_counts_to_the_year_in_which_it_ends():
    normal = run(
        "climatological_normal", monthly_cube((1999, 2003)), period="season", climatology_period=["2000", "2000"]
    )
    assert normal.t.values.tolist() == ["djf", "mam", "jja", "son"]
    np.testing.assert_allclose(normal.values[:, 0, 0], [(12 + 101 + 102) / 3, 104, 107, 110])


HARMONIC = {
    "process_graph": {
        "p0": {"process_id": "array_element", "arguments": {"data": parameter("parameters"), "index": 0}},
        "p1": {"process_id": "array_element", "arguments": {"data": parameter("parameters"), "index": 1}},
        "turn": {"process_id": "multiply", "arguments": {"x": parameter("x"), "y": 2 * np.pi / 31557600}},
        "cos": {"process_id": "cos", "arguments": {"x": {"from_node": "turn"}}},
        "wave": {"process_id": "multiply", "arguments": {"x": {"from_node": "p1"}, "y": {"from_node": "cos"}}},
        "sum": {
            "process_id": "add",
            "arguments": {"x": {"from_node": "p0"}, "y": {"from_node": "wave"}},
            "result": True,
        },
    }
}


def test_a_curve_is_recovered_and_predicted():
    seconds = CUBE.t.values.astype("datetime64[ns]").astype(np.int64) / 1e9
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2, *CUBE.shape[1:]))
    values = truth[0] + truth[1] * np.cos(seconds * 2 * np.pi / 31557600)[:, None, None, None]
    cube = CUBE.copy(data=np.where(np.isnan(CUBE.values), np.nan, values))
    fitted = run("fit_curve", cube, parameters=[1, 1], function=HARMONIC, dimension="t")
    assert fitted.dims == ("param", "bands", "y", "x")
    np.testing.assert_allclose(fitted.values, truth, atol=1e-8)
    node = {
        "process_id": "predict_curve",
        "arguments": {
            "parameters": parameter("data"),
            "function": HARMONIC,
            "dimension": "t",
            "labels": ["2020-01-01", "2020-02-15"],
        },
        "result": True,
    }
    predicted = Plan(Program.parse({"n": node}), Environment(), {"data": fitted}).evaluate()
    np.testing.assert_allclose(predicted.values, values[:2], atol=1e-8)
    np.testing.assert_array_equal(predicted.t, CUBE.t[:2])


def test_a_curve_that_is_not_linear_is_refused():
    function = callback("exp", p=parameter("x"))
    function["process_graph"]["only"]["arguments"]["p"] = {"from_node": "first"}
    function["process_graph"]["first"] = {
        "process_id": "array_element",
        "arguments": {"data": parameter("parameters"), "index": 0},
    }
    with pytest.raises(GraphError, match="not linear in its parameters"):
        run("fit_curve", parameters=[1], function=function, dimension="t")


UDF = """
import xarray as xr


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    assert cube.dims[-3:] == ("bands", "y", "x")
    return cube * 2 if "t" not in cube.dims else cube.mean("t")
"""


@pytest.mark.parametrize(
    ("process", "name", "arguments", "dims"),
    [
        ("apply", "process", {}, ("t", "bands", "y", "x")),
        ("reduce_dimension", "reducer", {"dimension": "t"}, ("bands", "y", "x")),
        ("apply_dimension", "process", {"dimension": "t", "target_dimension": "bands"}, ("bands", "y", "x")),
    ],
)
def test_a_udf_is_given_the_cube(process, name, arguments, dims):
    data = parameter("x" if process == "apply" else "data")
    udf = callback("run_udf", data=data, udf=UDF, runtime="Python")
    found = run(process, environment=Environment(trust_any=True), **{name: udf}, **arguments)
    assert found.dims == dims
    assert crs_of(found).epsg == 32650
    expected = CUBE * 2 if process == "apply" else CUBE.mean("t")
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-6)


def test_inspect_logs_and_changes_nothing(caplog):
    with caplog.at_level(logging.INFO, logger="drylands_openeo.inspect"):
        assert run("inspect", message="after loading") is not None
    assert "User: after loading cube {'t': 8" in caplog.text


@pytest.mark.parametrize(
    ("process", "arguments", "code"),
    [
        ("reduce_dimension", {"reducer": MEAN, "dimension": "time"}, "DimensionNotAvailable"),
        ("add_dimension", {"name": "t", "label": 1}, "DimensionExists"),
        ("rename_labels", {"dimension": "bands", "target": ["a"], "source": ["b"]}, "LabelNotAvailable"),
        ("flatten_dimensions", {"dimensions": ["t"], "target_dimension": "x"}, "TargetDimensionExists"),
        ("filter_temporal", {"extent": ["2020-02-01", "2020-02-01"]}, "TemporalExtentEmpty"),
        ("aggregate_temporal_period", {"period": "moon", "reducer": MEAN}, "ArgumentInvalid"),
        ("apply_kernel", {"kernel": [[1, 2]]}, "KernelDimensionsUneven"),
        ("apply_kernel", {"kernel": [[1]], "border": "mirror"}, "ArgumentInvalid"),
        ("mask_polygon", {"mask": {"type": "nothing"}}, "ArgumentInvalid"),
        ("filter_bbox", {"extent": {"west": 0, "south": 0, "east": 1, "north": 1}}, None),
    ],
)
def test_errors_carry_the_code_of_the_specification(process, arguments, code):
    if code is None:
        assert run(process, **arguments).size == 0
        return
    with pytest.raises(GraphError) as error:
        run(process, **arguments)
    assert error.value.code == code
    assert error.value.node == "node"


def test_a_filter_that_leaves_nothing_is_told_before_reading():
    plan = Plan(
        Program.parse(graph("filter_bbox", extent={"west": 0, "south": 0, "east": 1, "north": 1})),
        Environment(FormulaSource()),
    )
    with pytest.raises(GraphError, match="leaves no pixel"):
        _ = plan.grid
    assert isinstance(GRID, GeoBox)
