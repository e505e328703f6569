"""Processes on cubes: known values, dimensions and labels, and the whole equal to its windows."""

import logging

import numpy as np
import pytest
import xarray as xr
from cube_calls import CUBE, MEAN, SUM_XY, callback, graph, parameter, run
from layers import GRID, FormulaSource
from odc.geo.geobox import GeoBox

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.windows import crs_of
from drylands_openeo.errors import GraphError


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
