"""Clear reflectance brought together over time: medians over the whole period or its months and years."""

from openeo import DataCube

from drylands_openeo.product import Parameter
from drylands_openeo.profiles import Profile

COMPOSITE = Parameter(
    "composite",
    "What one map is made of: the median of each band over the whole period, over each year or month, or each date.",
    {"type": "string", "enum": ["period", "year", "month", "date"]},
    default="period",
    fixed=True,
)


def composite(cube: DataCube, profile: Profile, kind: str) -> DataCube:
    """(bands, y, x) for "period"; else (t, bands, y, x)."""
    if kind == "period":
        return cube.reduce_dimension(dimension=profile.time, reducer="median")
    if kind == "date":
        return cube
    return cube.aggregate_temporal_period(period=kind, reducer="median", dimension=profile.time)
