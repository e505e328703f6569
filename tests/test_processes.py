"""Single values and arrays: what a process gives for a scalar or a list, it gives for every pixel of a block."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays
from specifications import specifications

from drylands_openeo.engine.processes import pixelwise
from drylands_openeo.engine.registry import PROCESSES
from drylands_openeo.engine.values import LabeledArray, Stack
from drylands_openeo.errors import GraphError

ONE = [
    "absolute",
    "sgn",
    "sqrt",
    "exp",
    "ln",
    "floor",
    "ceil",
    "int",
    "round",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "arcsin",
    "arccos",
    "arctan",
    "arsinh",
    "arcosh",
    "artanh",
    "is_nodata",
    "is_valid",
    "not",
]
TWO = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "mod",
    "power",
    "normalized_difference",
    "arctan2",
    "log",
    "eq",
    "neq",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "xor",
]
REDUCERS = ["mean", "median", "sum", "product", "min", "max", "variance", "sd", "first", "last", "count", "all", "any"]
VALUES = st.sampled_from([math.nan, -3.0, -1.5, -1.0, -0.25, 0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 7.0])
BLOCKS = numpy_arrays(np.float64, 6, elements=VALUES)


def call(name, *args, **kwargs):
    return PROCESSES[name].function(*args, **kwargs)


def scalar(value):
    return None if math.isnan(value) else float(value)


def expected(name, *args):
    """The scalar result as a block holds it; by zero is NaN in a block where a scalar raises."""
    try:
        value = call(name, *args)
    except GraphError:
        return math.nan
    return math.nan if value is None else float(value)


@pytest.mark.parametrize("name", ONE)
@given(x=BLOCKS)
def test_a_block_is_its_pixels(name, x):
    ours = np.asarray(call(name, x), dtype=float)
    np.testing.assert_allclose(ours, [expected(name, scalar(one)) for one in x], rtol=1e-12)


@pytest.mark.parametrize("name", TWO)
@given(x=BLOCKS, y=BLOCKS)
def test_two_blocks_are_their_pixels(name, x, y):
    ours = np.asarray(call(name, x, y), dtype=float)
    pairs = [expected(name, scalar(one), scalar(two)) for one, two in zip(x, y, strict=True)]
    np.testing.assert_allclose(ours, pairs, rtol=1e-12)


@pytest.mark.parametrize("name", TWO)
@given(x=BLOCKS, y=VALUES.filter(lambda value: value == value))
def test_a_number_serves_all_pixels(name, x, y):
    ours = np.broadcast_to(np.asarray(call(name, x, y), dtype=float), x.shape)
    np.testing.assert_allclose(ours, [expected(name, scalar(one), y) for one in x], rtol=1e-12)


@pytest.mark.parametrize("ignore", [True, False])
@pytest.mark.parametrize("name", [name for name in REDUCERS if name != "count"])
@given(values=numpy_arrays(np.float64, st.tuples(st.integers(0, 7), st.just(3)), elements=VALUES))
def test_a_reducer_over_pixels_is_one_over_lists(name, ignore, values):
    ours = np.broadcast_to(np.asarray(_float(call(name, Stack(values), ignore_nodata=ignore)), dtype=float), 3)
    lists = [[scalar(one) for one in pixel] for pixel in values.T]
    theirs = [_float(call(name, pixel, ignore_nodata=ignore)) for pixel in lists]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def _float(value):
    return math.nan if value is None else value


@pytest.mark.parametrize(
    "name", ["cumsum", "cumproduct", "cummin", "cummax", "array_interpolate_linear", "sort", "order"]
)
@given(values=numpy_arrays(np.float64, st.tuples(st.integers(1, 7), st.just(3)), elements=VALUES))
def test_a_series_over_pixels_is_one_over_lists(name, values):
    ours = call(name, Stack(values)).values
    for pixel, column in enumerate(values.T):
        listed = [_float(one) for one in call(name, [scalar(one) for one in column])]
        if name in ("sort", "order"):
            listed += [math.nan] * (len(column) - len(listed))
        np.testing.assert_allclose(ours[:, pixel], listed, rtol=1e-6)


@pytest.mark.parametrize("name", [*ONE[:21], "add", "divide", "power", "mod", "linear_scale_range", "clip"])
def test_float32_stays_float32(name):
    block = np.linspace(0.1, 0.9, 5, dtype=np.float32)
    more = {"add": (1,), "divide": (3,), "power": (2,), "mod": (0.3,), "linear_scale_range": (0, 1), "clip": (0, 1)}
    assert call(name, block, *more.get(name, ())).dtype == np.float32


@pytest.mark.parametrize("name", [name for name in REDUCERS if name not in ("all", "any")])
def test_float32_stays_float32_through_a_reducer(name):
    assert call(name, Stack(np.ones((3, 4), dtype=np.float32))).dtype == np.float32


def test_sums_of_float32_run_in_float64():
    values = np.full((100_000, 1), 0.1, dtype=np.float32)
    assert abs(float(call("mean", Stack(values))[0]) - float(np.float32(0.1))) < 1e-8


def test_comparisons_give_booleans_where_nothing_is_missing():
    whole, gap = np.array([1.0, 3.0]), np.array([1.0, np.nan])
    assert call("gt", whole, 2).dtype == np.bool_
    np.testing.assert_array_equal(call("gt", gap, 2), [0, np.nan])


def test_null_chooses_the_rejected_value():
    np.testing.assert_array_equal(call("if", np.array([1, 0, np.nan], dtype=np.float32), 7, 8), [7, 8, 8])
    np.testing.assert_array_equal(call("if", np.array([True, False]), np.float32([1, 2])), [1, np.nan])
    assert call("if", None, "A", "B") == "B"


def test_pixels_choose_between_numbers():
    with pytest.raises(GraphError, match="if needs numbers, not 'A'"):
        call("if", np.array([True, False]), "A", "B")


DEVIATIONS = {
    "predict_curve": {"data"},  # dropped from the specification since
    "resample_spatial": {"align"},  # in the specification, not in the bundle
}


def test_arguments_are_those_of_the_specification():
    offered = {name: PROCESSES[name] for name in specifications() if name in PROCESSES}
    assert len(offered) > 120
    for name, process in offered.items():
        parameters = {parameter["name"]: parameter for parameter in specifications()[name]["parameters"]}
        different = set(process.parameters) ^ set(parameters)
        assert different <= DEVIATIONS.get(name, set()), (name, different)
        required = {key for key, parameter in parameters.items() if not parameter.get("optional")}
        assert process.required <= required, (name, process.required - required)


def test_booleans_in_sums_are_0_and_1():
    np.testing.assert_array_equal(call("add", np.array([True, True]), np.array([True, False])), [2, 1])


def test_a_text_is_no_number():
    with pytest.raises(GraphError, match="add needs numbers, not 'a'"):
        call("add", "a", 1)
    with pytest.raises(GraphError, match="an array is needed"):
        call("mean", "abc")


@given(st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_the_network_sorts(n, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 9)).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = np.nan
    rows, counts = pixelwise.sorted_rows(values)
    np.testing.assert_array_equal(counts, np.isfinite(values).sum(0))
    np.testing.assert_array_equal(np.stack(rows), np.sort(np.where(np.isnan(values), np.inf, values), axis=0))


@given(numpy_arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(0, 5)), elements=VALUES))
@pytest.mark.filterwarnings("ignore:All-NaN")
def test_quantiles_are_those_of_type_7(values):
    probabilities = [0, 0.1, 0.25, 0.5, 0.9, 1]
    theirs = np.nanquantile(values, probabilities, axis=0) if values.size else np.empty((6, values.shape[1]))
    np.testing.assert_allclose(pixelwise.quantiles(values, probabilities), theirs, rtol=1e-12, atol=1e-12)


def test_pixels_are_sorted_in_chunks_that_change_nothing(monkeypatch):
    values = np.random.default_rng(0).normal(size=(5, 3, 400))
    whole = pixelwise.median(values)
    monkeypatch.setattr(pixelwise, "CHUNK", 1)
    np.testing.assert_array_equal(pixelwise.median(values), whole)
    np.testing.assert_array_equal(whole, np.median(values, axis=0))


def test_an_array_of_blocks_is_an_array_over_pixels():
    one, two = np.float32([1, 2]), np.float32([3, np.nan])
    np.testing.assert_array_equal(call("sum", [one, two, 10, None]), [14, 12])
    created = call("array_create", [one, two])
    assert isinstance(created, Stack)
    np.testing.assert_array_equal(call("array_element", created, index=1), two)


def test_labels_find_elements():
    stack = Stack(np.arange(6.0).reshape(3, 2), ("red", "nir", "scl"))
    np.testing.assert_array_equal(call("array_element", stack, label="nir"), [2, 3])
    assert call("array_find_label", stack, "scl") == 2
    assert call("array_labels", stack) == ["red", "nir", "scl"]
    with pytest.raises(GraphError, match="no element with label 'blue'; the array has labels red, nir, scl") as error:
        call("array_element", stack, label="blue")
    assert error.value.code == "ArrayElementNotAvailable"


def test_labels_say_how_far_apart_values_are():
    dates = ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "2020-01-05T00:00:00Z")
    stack = Stack(np.array([[1.0], [np.nan], [5.0]]), dates)
    np.testing.assert_allclose(call("array_interpolate_linear", stack).values, [[1], [2], [5]])


def test_arrays_are_taken_apart_with_their_labels():
    array = LabeledArray([1, 2, 3], ["a", "b", "c"])
    assert call("array_modify", array, LabeledArray([9], ["z"]), 1, 1) == LabeledArray([1, 9, 3], ["a", "z", "c"])
    assert call("array_modify", array, [9], 1, 1) == [1, 9, 3]
    assert call("array_modify", array, [], 0, 2) == LabeledArray([3], ["c"])
    with pytest.raises(GraphError) as error:
        call("array_concat", array, array)
    assert error.value.code == "ArrayLabelConflict"


def test_a_permutation_rearranges_pixels():
    stack = Stack(np.array([[3.0, 1.0], [1.0, np.nan], [2.0, 0.0]]))
    ranked = call("order", stack, asc=False, nodata=True)
    np.testing.assert_array_equal(ranked.values, [[0, 0], [2, 2], [1, 1]])
    np.testing.assert_array_equal(call("rearrange", stack, ranked).values, [[3, 1], [2, 0], [1, np.nan]])
    first = call("sort", stack, nodata=False).values
    np.testing.assert_array_equal(first, [[1, np.nan], [2, 0], [3, 1]])


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("date_replace_component", ("2018-01-01", "hour", 27), "2018-01-01T23:00:00Z"),
        ("date_replace_component", ("2021-03-31T00:00:00+02:00", "day", 7), "2021-03-07T00:00:00+02:00"),
        ("date_replace_component", ("2020-02-29", "year", 2021), "2021-02-28"),
        ("date_shift", ("2020-12-31T23:30:00-01:00", 1, "hour"), "2021-01-01T00:30:00-01:00"),
        ("date_shift", ("2020-03-31", -13, "month"), "2019-02-28"),
        ("date_difference", ("2020-01-01", "2021-07-01", "year"), 1.5),
        ("date_difference", ("2020-03-01", "2020-01-01", "month"), -2),
        ("date_between", ("2020-01-01T00:00:00+01:00", "2019-12-31T23:00:00Z", "2020-01-01"), True),
        ("date_between", ("2020-01-01", "2019-01-01", "2020-01-01", True), False),
        ("text_concat", ([1.5, None, "x"], "-"), "1.5-null-x"),
    ],
)
def test_dates_and_texts(name, arguments, expected):
    assert call(name, *arguments) == expected


def test_a_wrong_date_is_told():
    with pytest.raises(GraphError, match="'2020-13' is no date"):
        call("date_shift", "2020-13", 1, "day")
