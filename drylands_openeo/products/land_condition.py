"""`land_condition`: relative rain-use efficiency, state and trend of the land (2dRUE, second pass)."""

from functools import reduce
from typing import Any

from openeo import DataCube
from openeo.processes import ProcessBuilder, array_create

from drylands_openeo import tables
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product, is_open
from drylands_openeo.products.auxiliary import address, load_auxiliary
from drylands_openeo.products.curves import between_knots, first_row
from drylands_openeo.profiles import CONDITION, Profile

TABLE = tables.read("condition")

KNOTS = 30
"""Knots that the boundaries of a user-defined process have; a generated graph takes any number from two on."""

OBSERVED = ("rue_mean", "rue_extreme", "aridity_mean", "aridity_extreme", "effect_time", "response")

RELATIVE = ("relative_mean", "relative_extreme")

TRENDS = {1: "degrading", 2: "fluctuating", 3: "improving", 4: "static"}

_EXAMPLE = [[0.0, 1.0, 2.0], [-8.0, -8.5, -9.0], [-6.0, -6.5, -7.0]]


def _boundaries(scale: str) -> Parameter:
    return Parameter(
        f"boundaries_{scale}",
        f"Boundaries of `rue_{scale}` against `aridity_{scale}` over the whole region, from a first pass: rows of log "
        "aridity (rising knots), log efficiency at the lower and at the upper boundary, in natural logarithms. A "
        f"published process takes exactly {KNOTS} knots; fewer are padded by more knots with the last values.",
        {
            "type": "array",
            "items": {"type": "array", "items": {"type": "number"}, "minItems": 2},
            "minItems": 3,
            "maxItems": 3,
        },
    )


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    observed = load_auxiliary(profile, CONDITION, OBSERVED, arguments)
    still = observed.reduce_dimension(dimension=profile.time, reducer="first")

    def relative(data: Any) -> Any:
        efficiencies = [_relative(data, scale, arguments[f"boundaries_{scale}"]) for scale in ("mean", "extreme")]
        return array_create([*efficiencies, _trend(data)])

    placed = still.apply_dimension(dimension=profile.band, process=relative)
    placed = placed.rename_labels(dimension=profile.band, target=[*RELATIVE, "trend"])

    def judged(data: Any) -> Any:
        mean, extreme, trend = (data.array_element(label=name) for name in (*RELATIVE, "trend"))
        state = first_row(TABLE["states"], {"mean": mean, "extreme": extreme})
        return array_create([mean, extreme, state, trend, state * 10 + trend])

    found = placed.apply_dimension(dimension=profile.band, process=judged)
    return found.rename_labels(dimension=profile.band, target=[band.name for band in BANDS])


def _relative(data: Any, scale: str, boundaries: Any) -> Any:
    """(rue - lower) / (upper - lower), the boundaries straight between knots in logarithms."""
    rue, aridity = (data.array_element(label=f"{name}_{scale}") for name in ("rue", "aridity"))
    lower, upper = (curve.exp() for curve in between_knots(aridity.ln(), *_rows(boundaries)))
    return (rue - lower) / (upper - lower)


def _rows(boundaries: Any) -> list[list[Any]]:
    """Knots, lower and upper curve: numbers, or elements of the process's parameter."""
    if not is_open(boundaries):
        return [list(row) for row in boundaries]
    rows = [ProcessBuilder({"from_parameter": boundaries.name}).array_element(index=row) for row in range(3)]
    return [[row.array_element(index=knot) for knot in range(KNOTS)] for row in rows]


def _trend(data: Any) -> Any:
    """1 degrading, 2 fluctuating (aridity only), 3 improving, 4 static; no data where undetermined."""
    effect, response = (data.array_element(label=name) for name in ("effect_time", "response"))
    timed = reduce(lambda left, right: left.or_(right), [response == 1, response == 3])
    direction = (effect < 0).if_(accept=1, reject=3)
    other = (response == 2).if_(accept=2, reject=(response == 4).if_(accept=4))
    return timed.if_(accept=direction, reject=other)


BANDS = (
    OutputBand("relative_mean", "1", "efficiency of the mean year: 0 at the lower, 1 at the upper boundary"),
    OutputBand("relative_extreme", "1", "efficiency of the strongest month, likewise"),
    OutputBand(
        "state",
        "1",
        "; ".join(
            f"{value} {name}" for value, name in sorted({(row["value"], row["name"]) for row in TABLE["states"]})
        ),
    ),
    OutputBand("trend", "1", "; ".join(f"{value} {name}" for value, name in TRENDS.items())),
    OutputBand("condition", "1", "land condition: 10 state + trend"),
)


PRODUCT = Product(
    id="land_condition",
    summary="Land condition: state by relative rain-use efficiency, and trend (2dRUE, second pass)",
    description=(
        "Each pixel's rain-use efficiency between the lower and the upper boundary of all pixels of equal aridity in "
        "the region, for the mean year and for the strongest month; from the pair a state of ecological maturity by a "
        "table of thresholds; and the trend of the land from the stepwise response. Input is the finished map of "
        "`rain_use`, and the boundaries that were fitted to the whole of it."
    ),
    inputs=(CONDITION,),
    parameters=(
        address(CONDITION, "the finished map of `rain_use`"),
        _boundaries("mean"),
        _boundaries("extreme"),
    ),
    bands=lambda arguments: BANDS,
    cube=_cube,
    performance="Arithmetic only.",
    references=(
        "del Barrio et al. (2010), doi:10.1016/j.rse.2010.03.009",
        "del Barrio et al. (2016), doi:10.3390/rs8070603",
    ),
    limitations=(
        "The published software ends with the observed quantities and their trends. Boundaries by percentiles and the "
        "thresholds of the states are this project's reading: the names of the states are published, the numbers not.",
        "A state is relative to the region: the same pixel in another region has another.",
        "Where a back-end does not hand a process's parameters on to callbacks, generate the graph with the boundaries "
        "filled in.",
    ),
    example={
        "rain-use": "https://example.org/stac/rain_use",
        "boundaries_mean": _EXAMPLE,
        "boundaries_extreme": _EXAMPLE,
    },
)
