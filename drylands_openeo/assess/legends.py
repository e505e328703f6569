"""How the maps of an assessment are counted: classes by name, and what each method says of a pixel in common words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drylands_openeo import tables
from drylands_openeo.products.aridity import CLASSES as ARIDITY
from drylands_openeo.products.land_condition import TRENDS

Bands = Mapping[str, NDArray[Any]]
Codes = NDArray[Any]

NO_DATA = 0
"""The code of a pixel that a map says nothing of; every table has a row for it."""

VERDICTS = {1: "degrading", 2: "no change", 3: "improving"}

_CONTINGENCY, _CONDITION, _DRIVERS = (tables.read(name) for name in ("contingency", "condition", "drivers"))
_STATES = {int(row["value"]): str(row["name"]) for row in _CONDITION["states"]}


@dataclass(frozen=True, eq=False)
class Legend:
    """One table of areas: the ``codes`` of a product's bands, each with a name; what is none of them is an error."""

    title: str
    product: str
    bands: tuple[str, ...]
    names: Mapping[int, str]
    codes: Callable[[Bands], Codes]


def plain(band: str, *, shift: int = 0) -> Callable[[Bands], Codes]:
    """The codes of one band, plus ``shift``; 0 where it has no data."""
    return lambda bands: np.where(np.isnan(bands[band]), NO_DATA, bands[band] + shift).astype(np.int64)


def residual_change(bands: Bands) -> Codes:
    """RESTREND in the words of VERDICTS; 4 indeterminate."""
    change, method = bands["total_change"], bands["method"]
    codes = np.select([change < 0, change == 0, change > 0, method >= 4], [1, 2, 3, 4], NO_DATA)
    return np.asarray(codes, np.int64)


def _attribution(bands: Bands) -> Codes:
    """1..4 of the table, 5 a degradation that none of them fits, 6 no degradation."""
    kind, flag = bands["class"], bands["attribution"]
    return np.select([np.isnan(kind), kind != 1, flag > 0], [NO_DATA, 6, np.nan_to_num(flag)], 5).astype(np.int64)


def _degree(bands: Bands) -> Codes:
    """1..3 of the table, 4 no degradation, 5 a degradation without a benchmark."""
    kind, degree = bands["class"], bands["degree"]
    return np.select([np.isnan(kind), kind != 1, degree > 0], [NO_DATA, 4, np.nan_to_num(degree)], 5).astype(np.int64)


LEGENDS = (
    Legend("aridity", "aridity", ("aridity_class",), ARIDITY, plain("aridity_class")),
    Legend(
        "MNPP class",
        "contingency",
        ("class",),
        {int(code): name for code, name in _CONTINGENCY["classes"].items()},
        plain("class"),
    ),
    Legend(
        "MNPP degree",
        "contingency",
        ("class", "degree"),
        {
            **{int(code): name for code, name in _CONTINGENCY["degree"]["names"].items()},
            4: "no degradation",
            5: "degradation without benchmark",
        },
        _degree,
    ),
    Legend(
        "MNPP attribution",
        "contingency",
        ("class", "attribution"),
        {
            **{int(row["value"]): row["name"] for row in _CONTINGENCY["attribution"]},
            5: "degradation, none of these",
            6: "no degradation",
        },
        _attribution,
    ),
    Legend("2dRUE state", "land_condition", ("state",), _STATES, plain("state")),
    Legend("2dRUE land trend", "land_condition", ("trend",), TRENDS, plain("trend")),
    Legend(
        "2dRUE land condition",
        "land_condition",
        ("condition",),
        {10 * state + trend: f"{_STATES[state]}, {TRENDS[trend]}" for state in sorted(_STATES) for trend in TRENDS},
        plain("condition"),
    ),
    Legend(
        "RESTREND",
        "restrend",
        ("total_change", "method"),
        {
            1: "fall that rain does not explain",
            2: "no significant change",
            3: "rise that rain does not explain",
            4: "indeterminate",
        },
        residual_change,
    ),
    Legend(
        "drivers",
        "drivers",
        ("driver",),
        {1 + int(row["value"]): row["name"] for row in _DRIVERS["drivers"]}
        | {1 + int(code): name for code, name in _DRIVERS["flags"].items()},
        plain("driver", shift=1),
    ),
)
"""Every table of areas; those of products that were not asked for are left out."""


def _land_trend(bands: Bands) -> Codes:
    trend = bands["trend"]
    return np.select([trend == 1, trend == 3, trend > 0], [1, 3, 2], NO_DATA).astype(np.int64)


def _residual_verdict(bands: Bands) -> Codes:
    codes = residual_change(bands)
    return np.where(codes == 4, NO_DATA, codes)


def _npp_trend(bands: Bands) -> Codes:
    slope, p = bands["npp_slope"], bands["npp_p"]
    found = np.select([np.isnan(p), p > 0.05, slope < 0, slope > 0], [NO_DATA, 2, 1, 3], 2)
    return found.astype(np.int64)


METHODS = (
    Legend("trend of NPP", "mnpp_trend", ("npp_slope", "npp_p"), VERDICTS, _npp_trend),
    Legend("MNPP", "contingency", ("class",), VERDICTS, plain("class")),
    Legend("2dRUE", "land_condition", ("trend",), VERDICTS, _land_trend),
    Legend("RESTREND", "restrend", ("total_change", "method"), VERDICTS, _residual_verdict),
)
"""What each method says of a pixel in the words of VERDICTS."""
