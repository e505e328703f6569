"""A monthly vegetation index beside the monthly climate, as the kernels of rain use want them."""

from typing import Any

from openeo import DataCube

from drylands_openeo.area import Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import Arguments
from drylands_openeo.products.auxiliary import address, load_auxiliary
from drylands_openeo.products.climate import load_climate, pet_cube
from drylands_openeo.profiles import VEGETATION, Profile

MONTHS = 12
RAIN = "rain"

VEGETATION_ADDRESS = address(
    VEGETATION, "a vegetation index on any linear scale, band vi; dates of a month are averaged"
)


def monthly(profile: Profile, arguments: Arguments, *, pet: bool) -> DataCube:
    """Bands vi, rain and, if asked for, pet: dims (t, bands, y, x), one t a month.

    On the grid of the vegetation index; the climate is brought onto it by ``arguments["resampling"]``.
    """
    index = load_auxiliary(profile, VEGETATION, ("vi",), arguments)
    index = index.aggregate_temporal_period(period="month", reducer="mean")
    rain = load_climate(profile, ("precipitation",), arguments)
    weather = rain.rename_labels(dimension=profile.band, target=[RAIN], source=["precipitation"])
    if pet:
        weather = weather.merge_cubes(pet_cube(profile, arguments))
    # By the same process as the index, so that both carry the same labels.
    weather = weather.aggregate_temporal_period(period="month", reducer="sum")
    return index.merge_cubes(weather.resample_cube_spatial(index, method=arguments["resampling"]))


def first_year(arguments: Arguments, ahead: int) -> int:
    """The first hydrological year before which ``ahead`` months of the period lie.

    >>> first_year({"temporal_extent": ["2000-07-01", "2004-01-01"], "hydrological_month": 1}, 6)
    2001
    """
    start = Period.of(arguments["temporal_extent"]).start
    month = 12 * start.year + start.month - 1 + (start.day > 1) + ahead
    return -((int(arguments["hydrological_month"]) - 1 - month) // MONTHS)


def last_year(arguments: Arguments) -> int:
    """The last hydrological year that ends within the period.

    >>> last_year({"temporal_extent": ["2000-07-01", "2004-01-01"], "hydrological_month": 4})
    2002
    """
    end = Period.of(arguments["temporal_extent"]).end
    year = (12 * end.year + end.month - int(arguments["hydrological_month"])) // MONTHS - 1
    first: Any = arguments.get("first_year", year)
    if isinstance(first, int) and year < first:
        raise DrylandsError(
            f"no whole year from month {arguments['hydrological_month']} on, with the months before it whose rain "
            f"counts, lies in {list(arguments['temporal_extent'])}; give a longer period"
        )
    return year
