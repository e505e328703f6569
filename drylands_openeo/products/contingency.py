"""`contingency`: degradation, fluctuation or restoration from the trends of NPP, MNPP and moisture, and its degree."""

from functools import reduce
from typing import Any

from openeo import DataCube
from openeo.processes import array_create

from drylands_openeo import tables
from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products import mnpp
from drylands_openeo.products.auxiliary import load_auxiliary
from drylands_openeo.products.indices import chosen
from drylands_openeo.products.strata import by_stratum
from drylands_openeo.profiles import CLIMATE, LAND_COVER, NPP, Profile

KERNEL, TREND = Kernel("contingency"), Kernel("trend")

TABLE = tables.read("contingency")

CLASSES = ("class", "subclass", "code", "attribution", "degree")

LEAST_YEARS = 8
"""Years with data that a trend is tested on at least."""

_LEGENDS = {
    "class": "1 degradation, 2 fluctuation, 3 restoration",
    "subclass": "cell of the contingency table, 1..15, row by row",
    "code": "100 NPP + 10 MNPP + MI, each 1 falling, 2 without trend, 3 rising",
    "attribution": "of a degradation: 1 land or human, 2 climate, 3 drought with a gain in efficiency, 4 masked by "
    "moisture, 0 none of these",
    "degree": "of a degradation: 1 slight, 2 moderate, 3 severe; 0 elsewhere",
}

PARAMETERS = (
    *mnpp.PARAMETERS,
    Parameter(
        "alpha",
        "Level of significance of the three trends, two-sided.",
        {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
        default=0.05,
        fixed=True,
    ),
    Parameter(
        "reading",
        "Of the contingency table: as printed, or with the sign of moisture mirrored in its fourth row.",
        {"type": "string", "enum": list(TABLE["readings"])},
        default="printed",
    ),
    Parameter(
        "benchmark",
        "What the decline is measured from: the pixel's first years, its best years (peak), the years before the last "
        "(rolling), or what the best of its stratum bear (potential).",
        {"type": "string", "enum": ["first-years", "peak", "rolling", "potential"]},
        default="first-years",
        fixed=True,
    ),
    Parameter(
        LAND_COVER,
        "For the benchmark `potential`: address of a STAC collection of strata (land cover by aridity), band stratum.",
        {"type": "string"},
        default="",
        fixed=True,
    ),
    Parameter(
        "potential",
        "For the benchmark `potential`: pairs of stratum and MNPP that its best pixels bear, from a first pass.",
        {
            "type": "array",
            "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        },
        default=[],
        fixed=True,
    ),
)


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    return (
        *(OutputBand(name, "1", _LEGENDS[name]) for name in CLASSES),
        OutputBand("decline", "percent", "decline of NPP below its benchmark; negative for a gain"),
        OutputBand("decline_mnpp", "percent", "the same of MNPP, from its own first years"),
    )


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    annual = mnpp.moisture_response(profile, arguments)
    decline = _decline(_with_potential(annual, profile, arguments), profile, "decline", arguments["benchmark"])
    responded = chosen(annual, ["mnpp"]).rename_labels(dimension=profile.band, target=["npp"], source=["mnpp"])
    signs = [sign(annual, name, profile, arguments["alpha"]) for name in mnpp.BANDS]
    evidence = reduce(DataCube.merge_cubes, [*signs, decline])
    context = {
        "table": {key: TABLE[key] for key in ("readings", "attribution")},
        "reading": arguments["reading"],
        "limits": TABLE["degree"]["limits"],
    }
    classes = evidence.apply_dimension(dimension=profile.band, process=KERNEL.remote(**context))
    named = classes.rename_labels(dimension=profile.band, target=list(CLASSES))
    return named.merge_cubes(decline).merge_cubes(_decline(responded, profile, "decline_mnpp", "first-years"))


def sign(annual: DataCube, band: str, profile: Profile, alpha: float) -> DataCube:
    """-1, 0 or 1 where the Mann-Kendall trend of a band's annual series is significant; dims (bands, y, x)."""
    tested = chosen(annual, [band]).reduce_dimension(dimension=profile.time, reducer=TREND.remote(exact=True))
    tested = tested.rename_labels(dimension=profile.band, target=list(TREND.module.BANDS))

    def significant(data: Any) -> Any:
        score, p, count = (data.array_element(label=name) for name in ("s", "p", "count"))
        direction = (score > 0).if_(accept=1, reject=-1)
        return (count >= LEAST_YEARS).if_(accept=(p <= alpha).if_(accept=direction, reject=0))

    signs = tested.reduce_dimension(dimension=profile.band, reducer=significant)
    return signs.add_dimension(name=profile.band, label=band, type="bands")


def _decline(series: DataCube, profile: Profile, name: str, benchmark: str) -> DataCube:
    """How far [%] a series with the band npp has declined; dims (bands, y, x), one band."""
    declined = series.reduce_dimension(dimension=profile.time, reducer=KERNEL.remote(benchmark=benchmark))
    bare = declined.reduce_dimension(dimension=profile.band, reducer="first")
    return bare.add_dimension(name=profile.band, label=name, type="bands")


def _with_potential(annual: DataCube, profile: Profile, arguments: Arguments) -> DataCube:
    """The band npp, and with the benchmark "potential" also the production that each year's moisture would bear."""
    if arguments["benchmark"] != "potential":
        return chosen(annual, ["npp"])
    if not arguments["potential"]:
        raise DrylandsError("benchmark 'potential' needs parameter 'potential': pairs of stratum and MNPP")
    strata = load_auxiliary(profile, LAND_COVER, ("stratum",), arguments)
    bearing = by_stratum(strata, profile, arguments["potential"], "bearing").resample_cube_spatial(annual)

    def two(data: Any) -> Any:
        npp, mi, most = (data.array_element(label=name) for name in ("npp", "mi", "bearing"))
        return array_create([npp, most * mi * 100])

    both = annual.merge_cubes(bearing).apply_dimension(dimension=profile.band, process=two)
    return both.rename_labels(dimension=profile.band, target=["npp", "potential"])


PRODUCT = Product(
    id="contingency",
    summary="Land degradation classes from the trends of NPP, MNPP and moisture, with attribution and degree",
    description=(
        "Mann-Kendall trends of the annual series of NPP, of MNPP = NPP / (MI x 100) and of MI = P / PET, each as "
        "falling, without trend or rising, looked up in a contingency table: degradation, fluctuation or restoration, "
        "with the sub-class, the code of the three signs, a flag that says to what a degradation is to be ascribed, "
        "and its degree by the decline of NPP below a benchmark: slight below 20 %, moderate 20 to 50 %, severe from "
        "50 % on. Trends are those of the raw annual series: a moving average would make trends out of noise."
    ),
    inputs=(NPP, CLIMATE),
    parameters=PARAMETERS,
    bands=_outputs,
    cube=_cube,
    performance="Three trend tests and a look-up a pixel; the series of a tile is held in memory.",
    references=(
        *mnpp.REFERENCES,
        "Mann (1945), doi:10.2307/1907187",
        "Sen (1968), doi:10.1080/01621459.1968.10480934",
    ),
    limitations=(
        *mnpp.LIMITATIONS,
        "The table is known in print only, and one of its rows in two readings: `code` 213 is what the choice moves.",
        "A degradation may be driven by the climate: read it with the attribution, and beside `restrend` and "
        "`land_condition`.",
        "Wetting alone gives false degradation where half of the production does not answer to moisture (23 % of "
        "pixels in our simulation).",
        "For benchmark `potential`, the first pass over the strata is to be made before, and its table given.",
    ),
    example=mnpp.PRODUCT.example,
)
