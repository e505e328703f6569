"""Monthly or annual cubes as one value a hydrological year, in pure process graph.

A hydrological year begins in `hydrological_month` and bears the number of the calendar year in which it begins.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from openeo import DataCube

from drylands_openeo.area import Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import Arguments, Parameter, is_open

MONTHS = 12
SPRING = 7
"""Up to this month, most of a hydrological year lies in the calendar year in which it begins."""


def whole_years(temporal_extent: Sequence[str], month: int) -> list[list[str]]:
    """[start, end) of every hydrological year that lies in the period [start, end) as a whole.

    >>> whole_years(["2001-01-01", "2003-12-31"], 10)
    [['2001-10-01', '2002-10-01'], ['2002-10-01', '2003-10-01']]

    Raises DrylandsError where there is none.
    """
    period = Period.of(temporal_extent)
    first, last = period.start.date(), period.end.date()
    starts = [date(year, month, 1) for year in range(first.year, last.year + 1)]
    years = [[day.isoformat(), day.replace(year=day.year + 1).isoformat()] for day in starts]
    inside = [year for year in years if first.isoformat() <= year[0] and year[1] <= last.isoformat()]
    if not inside:
        raise DrylandsError(
            f"no whole year from month {month} on lies in {list(temporal_extent)}; give a longer period"
        )
    return inside


PARAMETERS = (
    Parameter(
        "hydrological_month",
        "Month in which the year begins: 1 for calendar years, else the first month of the rains' year.",
        {"type": "integer", "minimum": 1, "maximum": MONTHS},
        default=1,
        fixed=True,
    ),
    Parameter(
        "years",
        "The years, as intervals [start, end). In a generated graph they are the whole years of the period from "
        "`hydrological_month` on, unless they are given.",
        {
            "type": "array",
            "subtype": "temporal-intervals",
            "items": {
                "type": "array",
                "items": {"type": "string", "format": "date"},
                "minItems": 2,
                "maxItems": 2,
            },
            "minItems": 1,
        },
        derive=lambda arguments: whole_years(arguments["temporal_extent"], arguments["hydrological_month"]),
    ),
)
"""The parameters that every product of years shares."""


def calendar_years(years: Sequence[Sequence[str]]) -> list[list[str]]:
    """The calendar year in which most of each year lies: where annual data of calendar years is all there is.

    >>> calendar_years([["2001-04-01", "2002-04-01"], ["2001-10-01", "2002-10-01"]])
    [['2001-01-01', '2002-01-01'], ['2002-01-01', '2003-01-01']]
    """
    starts = [date.fromisoformat(start) for start, _ in years]
    numbers = [day.year if day.month <= SPRING else day.year + 1 for day in starts]
    return [[f"{number}-01-01", f"{number + 1}-01-01"] for number in numbers]


def annual_sums(cube: DataCube, arguments: Arguments, *, step: str = "month") -> DataCube:
    """The sum of each year, no data where one of its values is missing; ``step`` of the cube: month or year.

    Labelled by the start of the year. A cube of annual values is that of calendar years.
    """
    years: Any = arguments["years"]
    least = MONTHS if step == "month" else 1
    labels = None
    if step == "year" and not is_open(years):
        labels, years = [start for start, _ in years], calendar_years(years)

    def whole(data: Any) -> Any:
        return (data.count() >= least).if_(accept=data.sum())

    return cube.aggregate_temporal(intervals=years, reducer=whole, labels=labels)
