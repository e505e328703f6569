"""Official cases that contradict the specification or themselves: each by name, with the reason.

Where only the spelling is wrong, the case is mended by replacing text in its JSON, and run again: what it is about
is then tested all the same.
"""

import json
from dataclasses import dataclass, replace

from cases import Case


@dataclass(frozen=True)
class Erratum:
    """Why a case cannot pass; the replacements that mend it, if any, and the precision of its numbers then."""

    reason: str
    mend: tuple[tuple[str, str], ...] = ()
    delta: float | None = None


RENAMED = Erratum(
    "callbacks refer to parameters by from_parameter; from_argument was its name before 1.0",
    (("from_argument", "from_parameter"),),
)
NO_CONDITION = (("from_argument", "from_parameter"), ('"process": {"process_graph"', '"condition": {"process_graph"'))
CONDITION = Erratum("array_filter has a condition, not a process; from_argument is from_parameter", NO_CONDITION)
MONTH = Erratum(
    "the cube is of June 2020, the intervals of January; values have two decimals",
    (('"2020-01-', '"2020-06-'),),
    0.006,
)
INVERTED = Erratum("the specification replaces what the mask is true for; the case replaces the rest")
RAW_CONDITION = Erratum(
    "a condition is {process_graph}, and its parameter is x",
    (
        ('"condition": {"gt"', '"condition": {"process_graph": {"gt"'),
        ('"result": true}}', '"result": true}}}'),
        ('"element"', '"x"'),
    ),
)
EDITED = Erratum("expected values stem from 165, where the asset xyb-minimal-int now holds its no-data value 255")
NULL = Erratum("reduced by the truth table of the specification, null alone gives null (so its own example)")
SEPARATE = Erratum("array_apply[7] keeps the labels, as the specification has it; this case drops them")

ERRATA = {
    **{f"aggregate_temporal[{index}]": MONTH for index in (5, 6, 7, 8)},
    "aggregate_temporal[9]": Erratum(
        "labels stand inside of the reducer; the cube is of June 2020",
        (
            ('"2020-01-04"', '"2020-06-04"'),
            (', "labels": ["before", "after"]}', '}, "labels": ["before", "after"]'),
        ),
        0.006,
    ),
    "aggregate_temporal[10]": Erratum(
        "expected values are medians, the reducer is mean", (('"process_id": "mean"', '"process_id": "median"'),)
    ),
    "aggregate_temporal_period[3]": Erratum("labels are of days for hours, and four for five hours"),
    "aggregate_temporal_period[4]": Erratum(
        "labels of days are YYYY-DDD",
        tuple((f'"2020-06-{day:02d}-00"', f'"2020-{152 + day}"') for day in (1, 2, 3, 4)),
    ),
    **{
        f"aggregate_temporal_period[{index}]": Erratum(
            "the dimension t2 comes out as t", (('"order": ["t",', '"order": ["t2",'), ('{"t": {', '{"t2": {'))
        )
        for index in (8, 9)
    },
    "all[8]": NULL,
    "any[8]": NULL,
    "apply[1]": RENAMED,
    "apply[2]": EDITED,
    "apply_dimension[1]": EDITED,
    "apply_dimension[2]": Erratum("the cube has no bands; meant is t", (('"dimension": "bands"', '"dimension": "t"'),)),
    "array_append[0]": Erratum("0 appended comes out as 1"),
    **{f"array_apply[{index}]": RENAMED for index in (1, 2, 3, 4, 7)},
    **{f"array_apply[{index}]": SEPARATE for index in (5, 6)},
    "array_apply[8]": replace(RENAMED, mend=(*RENAMED.mend, ("mulitply", "multiply"), ("6.45", "-6.45"))),
    "array_element[3]": Erratum("label BO2 (letter O) for B02 (zero)", (('"BO2"', '"B02"'),)),
    "array_filter[0]": Erratum("gt has no y"),
    **{f"array_filter[{index}]": CONDITION for index in (1, 2, 6)},
    "array_filter[3]": replace(
        CONDITION,
        mend=(
            *NO_CONDITION,
            (
                '"returns": [{"key": "B02", "value": 0.98}]',
                '"returns": {"type": "labeled-array", "data": [{"key": "B02", "value": 0.98}]}',
            ),
        ),
    ),
    "array_filter[4]": replace(
        CONDITION,
        mend=(
            *NO_CONDITION,
            (
                '"returns": [{"key": "B01", "value": 1.23}]',
                '"returns": {"type": "labeled-array", "data": [{"key": "B01", "value": 1.23}]}',
            ),
        ),
    ),
    "array_filter[5]": Erratum("the condition gives numbers (subtract), not true or false"),
    "array_find[6]": Erratum("3 is the first element; indices count from 0"),
    "array_modify[2]": Erratum(
        "length defaults to 1 (so array_modify[3]): this inserts", (('"index": 1', '"index": 1, "length": 0'),)
    ),
    "count[4]": RAW_CONDITION,
    "count[5]": RAW_CONDITION,
    "filter_bands[4]": Erratum(
        "asked are red and blue, expected blue and green",
        (('"bands": ["red", "blue"]}', '"bands": ["blue", "green"]}'),),
    ),
    "lte[15]": Erratum("infinity equals infinity (eq[16]), so it is not greater"),
    "mask[0]": INVERTED,
    "mask[1]": Erratum("the asset xyb-minimal-float does not exist; and see mask[0]"),
    "mask[2]": INVERTED,
    "mask_polygon[0]": INVERTED,
    "mask_polygon[1]": INVERTED,
    "mask_polygon[6]": Erratum("the asset leaves one row of nir on 2020-06-06 unmasked"),
    "merge_cubes[3]": RENAMED,
    "product[10]": Erratum("1 * -infinity * 3 * infinity is -infinity by IEEE 754"),
    "reduce_dimension[1]": Erratum(f"from_argument for from_node; and {EDITED.reason}"),
    "rename_dimension[3]": Erratum("x is renamed, y comes out under the new name"),
    "rename_dimension[4]": Erratum("y is renamed, x comes out under the new name"),
    **{
        f"rename_labels[{index}]": Erratum(
            "new names are the target, not the source", (('"source": [', '"target": ['),)
        )
        for index in (5, 7)
    },
}


def mended(case: Case) -> Case:
    """The case with its spelling put right."""
    erratum = ERRATA[case.name]
    text = json.dumps({"arguments": case.arguments, **case.expected})
    for old, new in erratum.mend:
        assert old in text, (case.name, old)
        text = text.replace(old, new)
    content = json.loads(text)
    arguments = content.pop("arguments")
    if erratum.delta is not None:
        content["delta"] = erratum.delta
    return replace(case, arguments=arguments, expected=content)
