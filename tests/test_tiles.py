"""The whole and its tiles are the same numbers."""

import builtins
import pickle

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import GRID, FormulaSource

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.tiles import evaluate_tiles, tile_size, tiles
from drylands_openeo.errors import GraphError, UdfError

BLUR = """
import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    filled = np.nan_to_num(cube.values)
    return cube.copy(data=uniform_filter(filled, (1,) * (cube.ndim - 2) + (5, 5), mode="constant"))
"""

MEAN = """
import xarray as xr


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    return cube.mean("t") * context["factor"]
"""

SPY = """
import builtins

import xarray as xr


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    builtins.drylands_spy(cube)
    return cube
"""


def udf(text, **context):
    arguments = {"data": {"from_parameter": "data"}, "udf": text, "runtime": "Python", "context": context}
    return {"process_graph": {"udf": {"process_id": "run_udf", "arguments": arguments, "result": True}}}


def graph(process_id, **arguments):
    load = {
        "process_id": "load_collection",
        "arguments": {"id": "any", "spatial_extent": None, "bands": ["red", "nir"]},
    }
    last = {"process_id": process_id, "arguments": {"data": {"from_node": "load"}, **arguments}, "result": True}
    return {"load": load, "last": last}


def plan(flat, **environment):
    return Plan(Program.parse(flat), Environment(FormulaSource(), trust_any=True, **environment))


def mosaic(plan, **how):
    whole = None
    for tile, cube in evaluate_tiles(plan, **how):
        cube = cube.transpose(..., "y", "x")
        if whole is None:
            whole = np.full((*cube.shape[:-2], *plan.grid.shape), -999.0)
        rows, columns = tile.window.shape
        whole[..., tile.row : tile.row + rows, tile.column : tile.column + columns] = cube.values
    return whole


SIZES = [{"dimension": "x", "value": 16, "unit": "px"}, {"dimension": "y", "value": 12, "unit": "px"}]
OVERLAP = [{"dimension": "x", "value": 2, "unit": "px"}, {"dimension": "y", "value": 2, "unit": "px"}]
GRAPHS = {
    "resample_finer": graph("resample_spatial", resolution=7, method="bilinear"),
    "resample_coarser": graph("resample_spatial", resolution=35, method="average"),
    "resample_projection": graph("resample_spatial", resolution=12, projection=32649, method="near"),
    "neighborhood": graph("apply_neighborhood", process=udf(BLUR), size=SIZES, overlap=OVERLAP),
}


@pytest.mark.parametrize("name", GRAPHS)
@settings(max_examples=6, deadline=None)
@given(size=st.integers(9, 80))
def test_tiles_are_the_whole(name, size):
    whole = plan(GRAPHS[name]).evaluate().transpose(..., "y", "x")
    assert np.isfinite(whole.values).mean() > 0.5
    np.testing.assert_allclose(mosaic(plan(GRAPHS[name]), size=size, threads=2), whole.values, rtol=1e-6)


def test_a_neighborhood_blur_is_the_blur_of_the_whole():
    from scipy.ndimage import uniform_filter

    cube = FormulaSource().collection("any", type("E", (), {"bands": None})).read(GRID)
    direct = uniform_filter(np.nan_to_num(cube.values), (1, 1, 5, 5), mode="constant")
    np.testing.assert_allclose(plan(GRAPHS["neighborhood"]).evaluate().values, direct, rtol=1e-5)


def test_resampling_to_a_coarser_grid_is_the_mean_of_the_fine_pixels():
    cube = FormulaSource().collection("any", type("E", (), {"bands": None})).read(GRID)
    coarse = plan(graph("resample_spatial", resolution=50, method="average")).evaluate()
    np.testing.assert_allclose(
        coarse.isel(y=slice(0, 10), x=slice(0, 14)), cube.isel(y=slice(0, 50)).coarsen(y=5, x=5).mean(), atol=1e-6
    )


def test_every_pixel_is_in_exactly_one_tile():
    count = np.zeros(GRID.shape, int)
    for tile in tiles(GRID, 32):
        rows, columns = tile.window.shape
        count[tile.row : tile.row + rows, tile.column : tile.column + columns] += 1
    assert (count == 1).all()


def test_progress_grows_within_a_tile_and_ends_with_the_last():
    told = []
    mosaic(plan(GRAPHS["neighborhood"]), size=40, threads=2, step=told.append)
    assert told == sorted(told)
    assert told[0] == 0.5
    assert told[-1] == len(tiles(GRID, 40)) == 4


def test_tiles_shrink_as_dates_grow():
    one = plan(GRAPHS["neighborhood"])
    large, small = (np.prod(tile_size(one, budget=budget)) for budget in (2**26, 2**23))
    assert large > small >= 64**2


def test_a_plan_travels_to_another_process():
    again = pickle.loads(pickle.dumps(plan(GRAPHS["resample_finer"])))
    np.testing.assert_array_equal(again.evaluate(), plan(GRAPHS["resample_finer"]).evaluate())


def test_a_cluster_gives_the_same_numbers():
    distributed = pytest.importorskip("distributed")
    flat = GRAPHS["resample_coarser"]
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as client:
        np.testing.assert_array_equal(mosaic(plan(flat), size=16, client=client), mosaic(plan(flat), size=16))


def test_foreign_code_is_refused_unless_trusted():
    closed = Environment(FormulaSource())
    with pytest.raises(UdfError, match=r"not one of the project's own kernels.*SHA-256 (?P<mark>\w{64})") as refused:
        Plan(Program.parse(GRAPHS["neighborhood"]), closed).evaluate()
    mark = str(refused.value).split("SHA-256 ")[1][:64]
    Plan(Program.parse(GRAPHS["neighborhood"]), Environment(FormulaSource(), trusted=frozenset({mark}))).evaluate()


def test_an_error_in_a_udf_names_its_line():
    with pytest.raises(UdfError, match=r"KeyError: 'factor' \(line 6: return cube.mean"):
        plan(graph("apply_neighborhood", process=udf(MEAN), size=SIZES)).evaluate()


def test_a_udf_that_is_not_found_is_told():
    with pytest.raises(UdfError, match="def apply_datacube"):
        plan(graph("run_udf", udf="x = 1", runtime="Python")).evaluate()


def test_an_odd_neighborhood_is_refused():
    bad = [{"dimension": "x", "value": 16, "unit": "m"}, {"dimension": "y", "value": 16, "unit": "m"}]
    wrong = plan(graph("apply_neighborhood", process=udf(BLUR), size=bad))
    with pytest.raises(GraphError, match="whole pixels"):
        wrong.evaluate()


def test_what_a_udf_sees():
    seen = {}

    def spy(cube: xr.DataArray) -> None:
        seen.update(dims=cube.dims, dtype=cube.dtype, coords=set(cube.coords))

    builtins.drylands_spy = spy
    try:
        plan(graph("run_udf", udf=SPY, runtime="Python")).evaluate()
    finally:
        del builtins.drylands_spy
    assert seen == {"dims": ("t", "bands", "y", "x"), "dtype": np.dtype("f4"), "coords": {"t", "bands", "y", "x"}}


FIRST_YEAR = """
import xarray as xr


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    return cube.isel(t=0, drop=True) * 0 + cube.t.dt.month.values[0]
"""


def test_a_udf_sees_periods_as_dates():
    flat = graph("aggregate_temporal_period", period="month", reducer=reducer("mean"))
    flat["last"]["result"] = False
    arguments = {"data": {"from_node": "last"}, "dimension": "t", "reducer": udf(FIRST_YEAR)}
    flat["month"] = {"process_id": "reduce_dimension", "arguments": arguments, "result": True}
    assert np.nanmax(plan(flat).evaluate().values) == 1


def reducer(process_id):
    arguments = {"data": {"from_parameter": "data"}}
    return {"process_graph": {"r": {"process_id": process_id, "arguments": arguments, "result": True}}}
