"""Stored numbers taken for physical values, or the other way round: what runs without an error and is wrong."""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any

from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.scopes import Call, Scope
from drylands_openeo.flatgraph import is_reference
from drylands_openeo.profiles import Collection

CONSTANT = Rule(
    "values.unscaled-constant",
    "error",
    "The values are still stored numbers, 0..10000 for reflectance: a constant that is meant for reflectance 0..1 is "
    "lost in them (the 1 of EVI, the L of SAVI), and the index is another one.",
)
THRESHOLD = Rule(
    "values.unscaled-threshold",
    "error",
    "The values are still stored numbers: every one but no data lies above a threshold that is meant for 0..1.",
)
OFFSET = Rule(
    "values.double-offset",
    "error",
    "The back-end has applied the offset of processing baseline 04.00 already: applied twice, reflectance is 0.1 too "
    "low, and NDVI of drylands rises by half.",
)
SCALE = Rule(
    "values.double-scale", "error", "The back-end gives physical values: scaled again they are next to nothing."
)
OVERFLOW = Rule(
    "values.integer-overflow",
    "warning",
    "The back-end computes in the integers of the file unless its metadata declare a scale: a difference below zero "
    "of uint16 comes out as 65 thousand, and a mean NDVI of 0.25 as 0.65.",
)
CLASSES = Rule("values.classes", "error", "Between two classes there is no class: a mean of cloud and water is forest.")
NULL = Rule("values.null-comparison", "error", "A comparison with null is null, never true.")

RULES = (CONSTANT, THRESHOLD, OFFSET, SCALE, OVERFLOW, CLASSES, NULL)


class Values(Enum):
    """What the numbers of a cube are."""

    UNKNOWN = auto()
    STORED = auto()  # numbers of a file, still to be scaled
    INTEGER = auto()  # the same, of an integer type that arithmetic keeps
    PHYSICAL = auto()  # in their unit
    RATIO = auto()  # of one to another: the scale has gone
    CLASSES = auto()


_COMPARISONS = {"gt", "gte", "lt", "lte", "eq", "neq", "between"}
_AVERAGES = {"mean", "median", "quantiles", "sd", "variance"}
_UNSCALED = {Values.STORED, Values.INTEGER}
_PASS = {
    "absolute", "array_apply", "array_create", "array_element", "array_filter", "array_interpolate_linear",
    "array_modify", "ceil", "clip", "first", "floor", "if", "int", "last", "max", "mean", "median", "min", "order",
    "quantiles", "round", "sd", "sort", "sum", "array_concat", "array_append",
}  # fmt: skip
"""Processes whose result is of the kind of what they take."""

SMALL, LARGE = 0.05, 20.0
"""To multiply by less, or to divide by more, is to scale."""


def of_callback(scope: Scope, given: Values) -> Values:
    """What a callback makes of such values."""
    kinds = _kinds(scope, given)
    return kinds.get(scope.results[0], Values.UNKNOWN) if len(scope.results) == 1 else Values.UNKNOWN


def check_callback(scope: Scope, given: Values, collection: Collection | None) -> Iterator[Finding]:
    """The traps in a callback that is given such values."""
    kinds = _kinds(scope, given)
    for call in scope.order:
        sides = [(_kind(value, kinds, given), value) for value in call.arguments.values()]
        numbers = [float(value) for _, value in sides if isinstance(value, int | float) and not isinstance(value, bool)]
        taken = {kind for kind, _ in sides if kind is not None}
        if call.process_id in ("add", "subtract"):
            yield from _sum(call, numbers, taken, collection)
        elif call.process_id in _COMPARISONS:
            yield from _comparison(call, numbers, taken)
        elif call.process_id == "multiply" and Values.PHYSICAL in taken and any(0 < abs(n) <= 0.001 for n in numbers):
            yield SCALE.at(call.path, f"physical values are multiplied by {numbers[0]}", "Leave the scaling out.")
        elif call.process_id == "divide" and Values.PHYSICAL in taken and any(abs(n) >= 1000 for n in numbers):
            yield SCALE.at(call.path, f"physical values are divided by {numbers[0]:g}", "Leave the scaling out.")
        elif call.process_id in _AVERAGES and Values.CLASSES in taken:
            yield CLASSES.at(call.path, f"{call.process_id} of classes", "Count them, or take first, last, min or max.")


def _sum(call: Call, numbers: list[float], taken: set[Values], collection: Collection | None) -> Iterator[Finding]:
    if call.process_id == "subtract" and Values.INTEGER in taken:
        yield OVERFLOW.at(call.path, "a difference of integers", "Multiply by a number such as 0.0001 before.")
    pixels = taken & {Values.STORED, Values.PHYSICAL}
    for number in numbers:
        taken_off = number if call.process_id == "subtract" else -number
        if pixels and collection is not None and collection.offset_applied and taken_off == collection.offset_applied:
            yield OFFSET.at(call.path, f"{taken_off:g} is taken off the values", "Leave it out.")
        elif Values.STORED in taken and 0 < abs(number) < 100:
            scale = "the collection's scale" if collection is None else f"{collection.scale:g}"
            mend = f"Multiply the values by {scale} before."
            yield CONSTANT.at(call.path, f"{number:g} is added to stored numbers, or taken off them", mend)


def _comparison(call: Call, numbers: list[float], taken: set[Values]) -> Iterator[Finding]:
    if call.process_id in ("eq", "neq") and any(call.arguments.get(side, 0) is None for side in ("x", "y")):
        yield NULL.at(call.path, "a comparison with null", "Use is_nodata, or let the condition be null.")
    for number in numbers:
        if Values.STORED in taken and 0 < abs(number) <= 1:
            mend = "Scale the values before, or give the threshold in stored numbers."
            yield THRESHOLD.at(call.path, f"stored numbers are compared with {number:g}", mend)


def _kinds(scope: Scope, given: Values) -> dict[str, Values]:
    """Node -> what its result is."""
    found: dict[str, Values] = {}
    for call in scope.order:
        found[call.id] = _result(call, found, given)
    return found


def _result(call: Call, found: Mapping[str, Values], given: Values) -> Values:
    kinds = [_kind(value, found, given) for value in call.arguments.values()]
    taken = [kind for kind in kinds if kind is not None]
    numbers = [abs(v) for v in call.arguments.values() if isinstance(v, int | float) and not isinstance(v, bool) and v]
    if not taken:
        return Values.UNKNOWN
    match call.process_id:
        case "multiply" if len(taken) == 1 and numbers and min(numbers) < SMALL:
            return Values.PHYSICAL if taken[0] in _UNSCALED else taken[0]
        case "divide" if len(taken) == 1 and numbers and max(numbers) > LARGE:
            return Values.PHYSICAL if taken[0] in _UNSCALED else taken[0]
        case "divide" | "normalized_difference" if len(taken) == 2 and taken[0] is taken[1]:
            return Values.RATIO
        case "add" | "subtract" | "multiply" | "divide":
            return _common(taken) if call.process_id != "multiply" or len(taken) == 1 else Values.UNKNOWN
        case process if process in _PASS:
            return _common(taken)
    return Values.UNKNOWN


def _common(kinds: list[Values]) -> Values:
    return kinds[0] if len(set(kinds)) == 1 else Values.UNKNOWN


def _kind(value: Any, found: Mapping[str, Values], given: Values) -> Values | None:
    """What an argument is; None for a constant."""
    if is_reference(value, "from_node"):
        return found.get(value["from_node"], Values.UNKNOWN)
    if is_reference(value, "from_parameter"):
        return given if value["from_parameter"] in ("data", "x") else Values.UNKNOWN
    if isinstance(value, list) and value:
        inner = [kind for kind in (_kind(item, found, given) for item in value) if kind is not None]
        return _common(inner) if inner else None
    return None
