"""`harmonic_series`: the seasonal curve of a vegetation index on given dates, free of gaps and noise."""

import calendar
from datetime import date

from openeo import DataCube

from drylands_openeo.area import Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.harmonic_ndvi import (
    FIT_PARAMETERS,
    KERNEL,
    LIMITATIONS,
    REFERENCES,
    fit_context,
    index_series,
)
from drylands_openeo.profiles import OPTICAL, Profile


def mid_months(temporal_extent: list[str]) -> list[str]:
    """The middle day of each month that lies in the period [start, end).

    >>> mid_months(["2021-01-01", "2021-04-01"])
    ['2021-01-16', '2021-02-15', '2021-03-16']
    """
    period = Period.of(temporal_extent)
    first, last = period.start.date(), period.end.date()
    months = [divmod(number, 12) for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)]
    middles = [date(year, m + 1, (calendar.monthrange(year, m + 1)[1] + 2) // 2) for year, m in months]
    inside = [day.isoformat() for day in middles if first <= day < last]
    if not inside:
        raise DrylandsError(f"no middle of a month lies in {temporal_extent}: give parameter 'dates'")
    return inside


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    index = INDICES[arguments["index"]]
    curve = OutputBand(index.name, index.unit, f"value of the fitted curve on each date: {index.summary}")
    return (curve, OutputBand("count", "1", "clear observations that the curve is fitted to, the same on every date"))


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    context = {**fit_context(arguments), "dates": arguments["dates"]}
    curve = index_series(profile, arguments).apply_dimension(dimension=profile.time, process=KERNEL.remote(**context))
    return curve.rename_labels(dimension=profile.band, target=[arguments["index"], "count"])


PRODUCT = Product(
    id="harmonic_series",
    summary="Fitted seasonal curve of a vegetation index on given dates",
    description=(
        "The curve of `harmonic_ndvi` evaluated on given dates: a series without gaps, on the same dates for "
        "every pixel. Dims (t, bands, y, x), bands the index and `count`, the number of clear observations behind each "
        "pixel's curve; the labels of t are the dates."
    ),
    inputs=(OPTICAL,),
    parameters=(
        Parameter(
            "dates",
            "The dates on which the curve is wanted, ISO 8601 (YYYY-MM-DD). In a generated graph they are the middle "
            "days of the months of the period unless they are given.",
            {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 1, "uniqueItems": True},
            derive=lambda arguments: mid_months(arguments["temporal_extent"]),
        ),
        *FIT_PARAMETERS,
    ),
    bands=_outputs,
    cube=_cube,
    performance="As `harmonic_ndvi`; the result grows with the number of dates.",
    references=REFERENCES,
    limitations=(
        *LIMITATIONS,
        "Dates outside the observed period are extrapolated, with the trend.",
        "The result has other dates than the observations: back-ends take them from the function's result, whatever "
        "apply_dimension says of labels.",
    ),
    example={"dates": ["2021-04-15", "2021-07-15", "2021-10-15"], "index": "ndvi"},
)
