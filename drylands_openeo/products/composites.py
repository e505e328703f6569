"""Clear reflectance brought together over time: medians over the whole period or its months and years."""

from openeo import DataCube

from drylands_openeo.product import OutputBand, Parameter
from drylands_openeo.profiles import Profile

COMPOSITE = Parameter(
    "composite",
    "What one map is made of: the median of each band over the whole period, over each year or month, or each date.",
    {"type": "string", "enum": ["period", "year", "month", "date"]},
    default="period",
    fixed=True,
)


COUNT = OutputBand("count", "1", "clear observations in the period; 0 or no data where there is none")


def clear_count(cube: DataCube, profile: Profile, kind: str = "period") -> DataCube:
    """How many dates of a cube have data in any band, as a band `count`: the mask clears all bands alike.

    ``kind`` as in ``composite``; of single dates it is 1 or 0.
    """
    first = cube.reduce_dimension(dimension=profile.band, reducer="first")
    if kind == "period":
        counted = first.reduce_dimension(dimension=profile.time, reducer=lambda data: data.count())
    elif kind == "date":
        counted = first.apply(process=lambda x: x.is_valid().if_(accept=1, reject=0))
    else:
        counted = first.aggregate_temporal_period(
            period=kind, reducer=lambda data: data.count(), dimension=profile.time
        )
    return counted.add_dimension(name=profile.band, label=COUNT.name, type="bands")


def composite(cube: DataCube, profile: Profile, kind: str) -> DataCube:
    """(bands, y, x) for "period"; else (t, bands, y, x)."""
    if kind == "period":
        return cube.reduce_dimension(dimension=profile.time, reducer="median")
    if kind == "date":
        return cube
    return cube.aggregate_temporal_period(period=kind, reducer="median", dimension=profile.time)
