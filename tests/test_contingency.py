"""The contingency table as printed, cell by cell; the degrees of decline; what no scaling or reordering may change."""

import json

import numpy as np
import pytest
import xarray as xr
from drylands_openeo.udf import contingency
from drylands_openeo.udf.trend import mann_kendall
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from drylands_openeo import tables

TABLE = tables.read("contingency")
DEG, FLU, RES = 1, 2, 3
EVERY = np.array([(npp, mnpp, mi) for npp in (-1, 0, 1) for mnpp in (-1, 0, 1) for mi in (-1, 0, 1)], dtype=float).T
SIGNS = st.sampled_from([-1.0, 0.0, 1.0, np.nan])


def by_words(npp: float, mnpp: float, mi: float, reading: str) -> int:
    """A significant trend of NPP decides; else MNPP decides, but for a change that moisture alone explains."""
    if npp:
        return DEG if npp < 0 else RES
    explained = (mnpp > 0 and mi < 0) or (mnpp < 0 and mi == (-1 if reading == "printed" else 1))
    if mnpp == 0 or explained:
        return FLU
    return DEG if mnpp < 0 else RES


@pytest.mark.parametrize("reading", ["printed", "mirror"])
def test_every_cell_is_as_the_words_say(reading):
    found = contingency.classify(*EVERY, TABLE, reading=reading)
    assert found["class"].tolist() == [by_words(*signs, reading) for signs in EVERY.T]


def test_the_readings_differ_in_two_cells_and_nowhere_else():
    printed, mirror = (contingency.classify(*EVERY, TABLE, reading=name)["class"] for name in ("printed", "mirror"))
    differ = EVERY.T[printed != mirror]
    assert differ.tolist() == [[0, -1, -1], [0, -1, 1]]


def test_fifteen_subclasses_are_written_and_each_lies_in_one_class():
    for reading in TABLE["readings"]:
        found = contingency.classify(*EVERY, TABLE, reading=reading)
        assert sorted(set(found["subclass"].tolist())) == list(range(1, 16))
        assert len(set(zip(found["subclass"].tolist(), found["class"].tolist(), strict=True))) == 15


def test_the_code_tells_all_combinations_apart_in_every_reading():
    codes = contingency.classify(*EVERY, TABLE)["code"]
    assert len(set(codes.tolist())) == 27
    assert contingency.classify(0, -1, 1, TABLE)["code"] == 213  # the open cell


@pytest.mark.parametrize(
    ("signs", "flag"),
    [
        ((-1, -1, 0), "land or human"),
        ((-1, 0, -1), "climate"),
        ((-1, 1, -1), "drought, with a gain in efficiency"),
        ((0, -1, 1), "masked by moisture"),
        ((0, -1, 0), "masked by moisture"),
    ],
)
def test_a_degradation_is_attributed(signs, flag):
    names = {row["value"]: row["name"] for row in TABLE["attribution"]}
    assert names[int(contingency.classify(*signs, TABLE)["attribution"])] == flag


@pytest.mark.parametrize(("reading", "left_open"), [("printed", []), ("mirror", [[0, -1, -1]])])
def test_degradation_is_attributed_and_nothing_else(reading, left_open):
    found = contingency.classify(*EVERY, TABLE, reading=reading)
    assert np.all(found["class"][found["attribution"] > 0] == DEG)
    assert EVERY.T[(found["class"] == DEG) & (found["attribution"] == 0)].tolist() == left_open


@given(arrays(float, (3, 20), elements=SIGNS), st.randoms())
def test_gaps_order_and_shape_of_pixels(signs, random):
    found = contingency.classify(*signs, TABLE)
    for values in found.values():
        assert np.array_equal(values == 0, np.isnan(signs).any(axis=0)) or values is found["attribution"]
    order = random.sample(range(20), 20)
    permuted = contingency.classify(*signs[:, order], TABLE)
    folded = contingency.classify(*signs.reshape(3, 4, 5).astype(np.float32), TABLE)
    for name, values in found.items():
        np.testing.assert_array_equal(permuted[name], values[order])
        np.testing.assert_array_equal(folded[name], values.reshape(4, 5))


def test_time_reversed_swaps_degradation_and_restoration():
    swap = np.array([0, RES, FLU, DEG])
    forward = contingency.classify(*EVERY, TABLE, reading="mirror")["class"]
    backward = contingency.classify(*-EVERY, TABLE, reading="mirror")["class"]
    np.testing.assert_array_equal(backward, swap[forward])
    # as printed the table is not its own mirror image in the open cell and the one beside it
    forward, backward = (contingency.classify(*sign * EVERY, TABLE)["class"] for sign in (1, -1))
    odd = EVERY.T[backward != swap[forward]].tolist()
    assert odd == [[0, -1, -1], [0, -1, 1], [0, 1, -1], [0, 1, 1]]


def signs(series):
    s, _, _, p = mann_kendall(series)
    return np.where(p <= 0.05, np.sign(s), 0)


def classified(npp, mi, reading="printed"):
    return contingency.classify(signs(npp), signs(npp / (100 * mi)), signs(mi), TABLE, reading=reading)


def worlds():
    random = np.random.default_rng(11)
    course = np.linspace(-0.5, 0.5, 20)
    change = random.choice([-0.4, 0, 0.4], (2, 300, 1))
    mi = 0.3 * (1 + change[0] * course) * np.exp(random.normal(0, 0.1, (300, 20)))
    return 500 * mi * (1 + change[1] * course) * np.exp(random.normal(0, 0.05, (300, 20))), mi


@pytest.mark.parametrize("unit", [0.01, 3.0, 1e4])
def test_the_unit_of_npp_changes_no_class(unit):
    npp, mi = worlds()
    found, scaled = classified(npp, mi), classified(unit * npp, mi)
    assert len(set(found["class"].tolist())) == 3
    for name, values in found.items():
        np.testing.assert_array_equal(scaled[name], values)


def test_series_reversed_swap_degradation_and_restoration():
    npp, mi = worlds()
    forward, backward = classified(npp, mi, "mirror"), classified(npp[:, ::-1], mi[:, ::-1], "mirror")
    np.testing.assert_array_equal(backward["class"], np.array([0, RES, FLU, DEG])[forward["class"]])


def test_constant_series_are_a_fluctuation_and_never_a_trend():
    npp = np.full((4, 20), 150.0)
    found = classified(npp, np.full((4, 20), 0.3))
    assert found["class"].tolist() == [FLU] * 4
    assert found["code"].tolist() == [222] * 4
    assert np.all(contingency.degree(npp)["decline"] == 0)


def test_no_trend_at_all_is_a_fluctuation():
    assert contingency.classify(0, 0, 0, TABLE)["class"] == FLU


def test_whole_numbers_and_no_pixels_are_taken():
    assert contingency.classify(np.int8([-1, 1]), np.int8([0, 0]), [0, 0], TABLE)["class"].tolist() == [DEG, RES]
    assert contingency.classify([], [], [], TABLE)["class"].shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 2], [0, 0], [0, 0], TABLE), "npp must hold -1, 0, 1 or NaN; it holds 2"),
        (([0], [0, 0], [0], TABLE), r"one shape, not npp \(1,\), mnpp \(2,\)"),
        (([0], [0], [0], {"readings": {}}), "no reading 'printed'; it has"),
        (([0], [0], [0], {"readings": {"printed": []}}), "must hold mnpp -1, mi -1 once, not 0 times"),
    ],
)
def test_what_cannot_be_classified_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        contingency.classify(*arguments)


FALLING = np.array([100, 110, 90, 80, 70, 60, 50, 40, 30, 20.0])


@pytest.mark.parametrize(
    ("options", "decline", "degree"),
    [
        ({}, 70.0, 3),  # (100 + 110 + 90) / 3 to (40 + 30 + 20) / 3
        ({"window": 1}, 80.0, 3),
        ({"window": 1, "benchmark": "peak"}, 100 * 90 / 110, 3),
        ({"window": 1, "benchmark": "peak", "baseline": 1}, 80.0, 3),
        ({"benchmark": "rolling"}, 50.0, 3),  # (50 + 40 + 30) / 3 to 20
        ({"benchmark": "rolling", "window": 1}, 100 / 3, 2),
        ({"benchmark": "potential", "potential": np.full(10, 33.0)}, 100 * 3 / 33, 1),
        ({"limits": (75, 90)}, 70.0, 1),
    ],
)
def test_decline_from_each_benchmark(options, decline, degree):
    found = contingency.degree(FALLING, **options)
    assert found["decline"] == pytest.approx(decline)
    assert found["degree"] == degree


@pytest.mark.parametrize(("loss", "degree"), [(-30, 1), (0, 1), (19.999, 1), (20, 2), (49.999, 2), (50, 3), (100, 3)])
def test_degrees_begin_at_their_limits(loss, degree):
    series = np.repeat([100.0, 100.0 - loss], 4)
    assert contingency.degree(series)["degree"] == degree


def test_a_long_record_has_a_window_of_five_years():
    series = np.r_[10.0, np.full(13, 20.0), 10.0]
    assert contingency.degree(series)["decline"] == pytest.approx(0)
    assert contingency.degree(np.r_[10, 10, 10, 5, 5, np.full(5, 4), 4, 4, 4, 4, 4.0])["decline"] == pytest.approx(50)


@given(
    arrays(float, (5, 9), elements=st.floats(1, 1000) | st.just(np.nan)),
    st.floats(0.01, 100),
    st.sampled_from(["first-years", "peak", "rolling"]),
)
def test_the_unit_of_npp_does_not_matter(series, unit, benchmark):
    found = contingency.degree(series, benchmark=benchmark)
    scaled = contingency.degree(unit * series, benchmark=benchmark)
    np.testing.assert_allclose(scaled["decline"], found["decline"], rtol=1e-9, atol=1e-9)
    clear = np.abs(found["decline"] - np.array([[20], [50]])).min(axis=0) > 1e-6
    np.testing.assert_array_equal(scaled["degree"][clear], found["degree"][clear])


def test_gaps_leave_the_mean_to_the_years_that_are_there():
    series = FALLING.copy()
    series[0] = np.nan
    assert contingency.degree(series)["decline"] == pytest.approx(70.0)
    series[1] = np.nan
    found = contingency.degree(series)
    assert np.isnan(found["decline"])
    assert found["degree"] == 0
    assert np.isnan(contingency.degree(np.zeros(8))["decline"])


def test_float32_stays_and_the_input_is_left_alone():
    series = np.tile(FALLING.astype(np.float32), (2, 3, 1))
    series.flags.writeable = False
    found = contingency.degree(series)
    assert found["decline"].dtype == np.float32
    assert found["decline"].shape == (2, 3)
    assert contingency.degree(np.empty((0, 9)))["degree"].shape == (0,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"benchmark": "best"}, "benchmark must be one of"),
        ({"window": 10}, r"window must lie in 1\.\.9 for a series of 10 years, not 10"),
        ({"benchmark": "potential"}, "potential belongs to the benchmark 'potential'"),
        ({"benchmark": "peak", "baseline": 2}, "baseline must lie between the window 3 and 10 years, not 2"),
        ({"limits": (50, 20)}, "limits must be two rising percentages"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        contingency.degree(FALLING, **options)


def signs_cube():
    signs = np.full((4, 2, 3), 0, dtype=np.float32)
    signs[0, 0] = [-1, -1, np.nan]
    signs[3, 0] = [60, np.nan, 10]
    return xr.DataArray(signs, dims=("bands", "y", "x"), coords={"bands": ["npp", "mnpp", "mi", "decline"]})


def test_the_udf_classifies_a_cube_of_signs():
    context = json.loads(json.dumps({"table": TABLE, "reading": "mirror"}))
    maps = contingency.apply_datacube(signs_cube(), context)
    assert maps.dtype == np.float32
    assert maps["bands"].values.tolist() == ["class", "subclass", "code", "attribution", "degree"]
    np.testing.assert_array_equal(maps.sel(bands="class")[0], [1, 1, np.nan])
    np.testing.assert_array_equal(maps.sel(bands="attribution")[0], [2, 2, np.nan])
    np.testing.assert_array_equal(maps.sel(bands="degree")[0], [3, np.nan, np.nan])
    np.testing.assert_array_equal(maps.sel(bands="degree")[1], [0, 0, 0])
    assert "degree" not in contingency.apply_datacube(signs_cube().isel(bands=slice(3)), context)["bands"]


def test_the_udf_reduces_a_series_to_its_decline():
    npp = np.tile(FALLING.astype(np.float32)[:, None, None, None], (1, 1, 2, 3))
    cube = xr.DataArray(npp, dims=("t", "bands", "y", "x"), coords={"bands": ["npp"]})
    maps = contingency.apply_datacube(cube, {"benchmark": "rolling"})
    assert maps.dims == ("bands", "y", "x")
    np.testing.assert_allclose(maps.sel(bands="decline"), 50)
    both = xr.concat([cube, 0 * cube + 33], "bands").assign_coords(bands=["npp", "potential"])
    np.testing.assert_allclose(contingency.apply_datacube(both, {"benchmark": "potential"}), 100 / 11, rtol=1e-6)


def test_the_udf_refuses_a_cube_without_what_it_needs():
    with pytest.raises(ValueError, match="contingency table as 'table'"):
        contingency.apply_datacube(signs_cube(), {})
    with pytest.raises(ValueError, match="must have a band 'mi'"):
        contingency.apply_datacube(signs_cube().isel(bands=[0, 1]), {"table": TABLE})
