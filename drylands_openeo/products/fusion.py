"""`fusion`: a vegetation index of Sentinel-2's pixels on any date, by way of a coarse daily sensor (EFAST type)."""

from datetime import timedelta
from functools import reduce
from typing import Any

from openeo import DataCube

from drylands_openeo.area import Period
from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.auxiliary import address, load_auxiliary
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.harmonic_ndvi import FAMILY, index_series
from drylands_openeo.products.masking import PARAMETERS as OF_MASK
from drylands_openeo.profiles import COARSE, OPTICAL, Profile

KERNEL = Kernel("fusion")

STEPS = 5
"""Distances at which it is asked whether there is cloud: the score of a pixel is the share of them that is clear."""

CLOUDY = 0.05
"""Share of a coarse pixel without fine data from which on it is cloudy."""

_DAYS = {"type": "number", "exclusiveMinimum": 0, "maximum": 366}

FUSION_PARAMETERS = (
    address(COARSE, "the same vegetation index of a coarse daily sensor, band vi, cloud taken off"),
    Parameter(
        "index",
        "The vegetation index.",
        {"type": "string", "enum": list(FAMILY)},
        default="ndvi",
        fixed=True,
    ),
    Parameter("sigma", "Standard deviation [days] of the weights of the fine images.", _DAYS, default=20.0),
    Parameter("smoothing", "Standard deviation [days] of the weights of the coarse images.", _DAYS, default=10.0),
    Parameter(
        "cloud_distance",
        "Distance from cloud [coarse pixels] from which on a fine image counts fully.",
        {"type": "integer", "minimum": STEPS, "maximum": 50},
        default=15,
        fixed=True,
    ),
    *OF_MASK,
)

LIMITATIONS = (
    "A coarse pixel's course is taken to be that of all fine pixels in it: where fields beside each other do not keep "
    "step, the fused series has the mean course.",
    "Days without a fine image within four times sigma are no data; trends must not be led through gaps.",
    "Cloud that neither mask finds enters with its weight.",
)

REFERENCES = (
    "Senty et al. (2024), doi:10.3390/rs16111833",
    "Gao et al. (2006), doi:10.1109/TGRS.2006.872081",
)


def dates_every(temporal_extent: list[str], days: int) -> list[str]:
    """Every so many days of the period [start, end), from its first on.

    >>> dates_every(["2021-01-01", "2021-01-25"], 10)
    ['2021-01-01', '2021-01-11', '2021-01-21']
    """
    period = Period.of(temporal_extent)
    return [(period.start + timedelta(day)).date().isoformat() for day in range(0, period.days, days)]


def both_sensors(profile: Profile, arguments: Arguments) -> DataCube:
    """Bands fine, coarse and weight on the grid of the fine sensor: dims (t, bands, y, x), the dates of both."""
    fine = _named(index_series(profile, arguments), profile, "fine")
    coarse = _named(load_auxiliary(profile, COARSE, ("vi",), arguments), profile, "coarse")
    score = _score(fine, coarse, arguments["cloud_distance"])
    layers = [coarse, _named(score, profile, "weight")]
    return reduce(
        DataCube.merge_cubes, (layer.resample_cube_spatial(fine, method="bilinear") for layer in layers), fine
    )


def fusion_context(arguments: Arguments) -> dict[str, Any]:
    """What the kernel is told."""
    return {name: arguments[name] for name in ("sigma", "smoothing")}


def _score(fine: DataCube, coarse: DataCube, farthest: int) -> DataCube:
    """0 beside cloud to 1 from ``farthest`` coarse pixels on, in STEPS, on the coarse grid at the fine dates.

    Dilations by squares, whose margins every back-end reads: a distance computed within a function would end at the
    edge of the piece that the function is handed.
    """
    missing = fine.apply(process=lambda x: (x > -1e9).if_(accept=0, reject=1))
    on_coarse = missing.resample_cube_spatial(coarse, method="average")
    cloudy = on_coarse.apply(process=lambda x: (x >= CLOUDY).if_(accept=1, reject=0))
    radii = [round(farthest * step / STEPS) for step in range(1, STEPS + 1)]
    clear = [_clear(cloudy, pixels) for pixels in radii]
    return reduce(lambda one, other: one.merge_cubes(other, overlap_resolver=lambda x, y: x + y), clear)


def _clear(cloudy: DataCube, pixels: int) -> DataCube:
    side = 2 * pixels + 1
    near = cloudy.apply_kernel(kernel=[[1] * side for _ in range(side)], factor=1, border=0, replace_invalid=0)
    return near.apply(process=lambda x: (x > 0.5).if_(accept=0, reject=1 / STEPS))


def _named(cube: DataCube, profile: Profile, name: str) -> DataCube:
    """A cube of one band, called ``name`` whatever it was called."""
    bare = cube.reduce_dimension(dimension=profile.band, reducer="first")
    return bare.add_dimension(name=profile.band, label=name, type="bands")


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    index = INDICES[arguments["index"]]
    return (OutputBand(index.name, index.unit, f"fused {index.summary} on each date"),)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    context = {**fusion_context(arguments), "dates": arguments["dates"]}
    fused = both_sensors(profile, arguments).apply_dimension(dimension=profile.time, process=KERNEL.remote(**context))
    return _named(fused, profile, arguments["index"])


PRODUCT = Product(
    id="fusion",
    summary="Vegetation index of Sentinel-2's pixels on any date, by way of a coarse daily sensor",
    description=(
        "What the coarse sensor saw around the date, and the difference to it that the fine images near the date saw, "
        "weighted by how near they are in time and how far the pixel is from cloud: EFAST-type fusion, which needs no "
        "similar neighbours. Indices are blended, not bands. `fusion_accuracy` says how well each fine image is told "
        "from all others."
    ),
    inputs=(OPTICAL, COARSE),
    parameters=(
        Parameter(
            "dates",
            "The dates on which the index is wanted, ISO 8601 (YYYY-MM-DD). In a generated graph every tenth day of "
            "the period unless they are given.",
            {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 1, "uniqueItems": True},
            derive=lambda arguments: dates_every(arguments["temporal_extent"], 10),
        ),
        *FUSION_PARAMETERS,
    ),
    bands=_outputs,
    cube=_cube,
    performance="Holds all dates of both sensors of a tile in memory: take periods of a year or two.",
    references=REFERENCES,
    limitations=LIMITATIONS,
    example={"dates": ["2021-06-01", "2021-06-11"], COARSE: "https://example.org/stac/ndvi300"},
)
