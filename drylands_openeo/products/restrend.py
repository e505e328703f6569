"""`restrend`: the change of vegetation that rain does not explain, segmented where there is a break."""

from openeo import DataCube

from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.monthly import VEGETATION_ADDRESS, first_year, monthly
from drylands_openeo.products.rain_use import RESAMPLING
from drylands_openeo.profiles import CLIMATE, VEGETATION, Profile

KERNEL = Kernel("restrend")

BANDS = (
    OutputBand("vpr_slope", "mm-1", "vegetation-precipitation relation (VPR) of all years: index by rain"),
    OutputBand("vpr_r2", "1", "r2 of the VPR: where it is low, what is said here is weak"),
    OutputBand("vpr_p", "1", "p of the VPR, of the best of all sums of rain: too small for that"),
    OutputBand("residual_slope", "year-1", "trend of what the VPR leaves of the index"),
    OutputBand("residual_p", "1", "p of the model of the residuals"),
    OutputBand("total_change", "1", "change of the index over all years that rain does not explain"),
    OutputBand("break_height", "1", "step of the relation at the break, at mean rain"),
    OutputBand(
        "method",
        "1",
        "0 no data, 1 RESTREND, 2 segmented RESTREND, 3 segmented VPR, 4 indeterminate, 5 indeterminate: the index "
        "falls with rain",
    ),
    OutputBand("accumulation", "month", "months of rain that explain the index best"),
    OutputBand("offset", "month", "by how many months they lie before the highest index"),
    OutputBand("break_year", "year", "first year after the break"),
)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    months = monthly(profile, arguments, pet=False)
    names = ("first_year", "max_accumulation", "max_offset", "alpha", "change_alpha")
    context = {name: arguments[name] for name in names} | {"first_month": arguments["hydrological_month"]}
    found = months.reduce_dimension(dimension=profile.time, reducer=KERNEL.remote(**context))
    return found.rename_labels(dimension=profile.band, target=[band.name for band in BANDS])


def _level(name: str, default: float, what: str) -> Parameter:
    schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    return Parameter(name, f"Level of significance of {what}.", schema, default=default)


PRODUCT = Product(
    id="restrend",
    summary="Residual trend of vegetation beside what rain explains, segmented at a break (RESTREND)",
    description=(
        "The highest vegetation index of each year against the rain of the months before it, of all accumulations and "
        "offsets that which explains it best; then the trend of what is left, and breaks in either. A relation that "
        "is not significant is reported as indeterminate: nothing is forced."
    ),
    inputs=(VEGETATION, CLIMATE),
    parameters=(
        VEGETATION_ADDRESS,
        Parameter(
            "hydrological_month",
            "Month in which the years begin: one in which the vegetation rests.",
            {"type": "integer", "minimum": 1, "maximum": 12},
            default=1,
        ),
        Parameter(
            "max_accumulation",
            "Longest sum of rain [months].",
            {"type": "integer", "minimum": 1, "maximum": 24},
            default=12,
        ),
        Parameter(
            "max_offset",
            "Most months between the last rain that counts and the highest index.",
            {"type": "integer", "minimum": 0, "maximum": 12},
            default=4,
        ),
        _level("alpha", 0.05, "the relation and of breaks"),
        _level("change_alpha", 0.10, "the change of the residuals"),
        Parameter(
            "first_year",
            "First year of the vegetation. In a generated graph: the first before which the period has rain enough.",
            {"type": "integer"},
            derive=lambda found: first_year(found, found["max_accumulation"] + found["max_offset"] - 1),
        ),
        RESAMPLING,
    ),
    bands=lambda arguments: BANDS,
    cube=_cube,
    performance="About 40 microseconds a pixel of thirty years beside reading the series.",
    references=(
        "Burrell et al. (2017), doi:10.1016/j.rse.2017.05.018",
        "Evans and Geerken (2004), doi:10.1016/S0140-1963(03)00121-6",
        "Wessels et al. (2012), doi:10.1016/j.rse.2012.06.022",
    ),
    limitations=(
        "What rain does not explain is not therefore human: carbon dioxide, fire, grazing and the error of the model "
        "are in it too.",
        "Strong or early degradation weakens the relation itself: show the map of its r2.",
        "The period must end with a whole year of the vegetation index, and ten years must count.",
    ),
    example={
        "vegetation": "https://example.org/stac/ndvi",
        "first_year": 2002,
        "max_accumulation": 9,
    },
)
