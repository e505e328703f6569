"""Processes on dates: periods, normals, anomalies, curves."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from cube_calls import CUBE, MEAN, callback, parameter, run
from hypothesis import given
from hypothesis import strategies as st
from layers import GRID

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.processes import periods
from drylands_openeo.engine.windows import on_grid
from drylands_openeo.errors import GraphError


@pytest.mark.parametrize("period", periods.PERIODS)
@given(st.lists(st.datetimes(pd.Timestamp("1995-01-01"), pd.Timestamp("1995-03-01")), min_size=1, max_size=5))
def test_every_date_lies_in_one_period(period, dates):
    moments = np.array(dates, dtype="datetime64[ns]")
    spans = list(periods.spans(moments, period))
    hits = sum((moments >= start) & (moments < end) for _, start, end in spans)
    np.testing.assert_array_equal(hits, 1)
    assert all(one[2] == two[1] for one, two in pairwise(spans))
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
        "arguments": {"data": parameter("data"), "normals": parameter("normals"), "period": "month"},
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


def test_a_winter_without_its_december_is_left_out():
    normal = run(
        "climatological_normal", monthly_cube((2000, 2001)), period="season", climatology_period=["2000", "2001"]
    )
    np.testing.assert_allclose(normal.values[0, 0, 0], (12 + 101 + 102) / 3)


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
