"""`rain_use`: rain-use efficiency and aridity at two time scales, and the response to time and aridity (2dRUE)."""

from openeo import DataCube

from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.climate import PET_LIMITATIONS, PET_PARAMETERS, PET_REFERENCES
from drylands_openeo.products.monthly import VEGETATION_ADDRESS, first_year, last_year, monthly
from drylands_openeo.profiles import CLIMATE, VEGETATION, Profile

KERNEL = Kernel("rain_use")

RESAMPLING = Parameter(
    "resampling",
    "How the climate comes onto the grid of the vegetation index.",
    {"type": "string", "enum": ["near", "bilinear"]},
    default="bilinear",
    fixed=True,
)

BANDS = (
    OutputBand("rue_mean", "mm-1", "rain-use efficiency of the mean year: mean of the index by the rain of the year"),
    OutputBand("rue_extreme", "mm-1", "highest index of all months by the rain of the months before it"),
    OutputBand("aridity_mean", "1", "PET / P of the mean year: larger is drier"),
    OutputBand("aridity_extreme", "1", "PET / P of the months before the highest index"),
    OutputBand("guarded_years", "1", "years without rain, which was taken as 1 mm: such a year rules the means"),
    OutputBand("effect_time", "1", "standard partial regression of the annual index on time; 0 where not significant"),
    OutputBand("effect_aridity", "1", "the same on aridity"),
    OutputBand("response", "1", "to 1 time, 2 aridity, 3 both, 4 none; 0 undetermined"),
)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    months = monthly(profile, arguments, pet=True)
    names = ("first_year", "last_year", "hydrological_month", "antecedent", "alpha")
    context = {name: arguments[name] for name in names}
    found = months.reduce_dimension(dimension=profile.time, reducer=KERNEL.remote(**context))
    return found.rename_labels(dimension=profile.band, target=[band.name for band in BANDS])


PRODUCT = Product(
    id="rain_use",
    summary="Rain-use efficiency, aridity, and the vegetation's response to time and aridity (2dRUE, first pass)",
    description=(
        "The observed quantities of 2dRUE: the vegetation index by the rain, of the mean hydrological year and of the "
        "strongest month, aridity at the same scales, and a stepwise regression of the annual index on time and "
        "aridity. The first of two passes: `land_condition` compares each pixel with all others of equal aridity."
    ),
    inputs=(VEGETATION, CLIMATE),
    parameters=(
        VEGETATION_ADDRESS,
        *PET_PARAMETERS,
        Parameter(
            "hydrological_month",
            "Month in which the hydrological year begins; it bears the number of the calendar year in which it does.",
            {"type": "integer", "minimum": 1, "maximum": 12},
            default=1,
        ),
        Parameter(
            "antecedent",
            "Months of rain before the strongest month that its efficiency is measured by.",
            {"type": "integer", "minimum": 1, "maximum": 30},
            default=6,
        ),
        Parameter(
            "alpha",
            "Level of significance of the stepwise regression.",
            {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            default=0.10,
        ),
        Parameter(
            "first_year",
            "First hydrological year. In a generated graph: the first whose antecedent months lie in the period.",
            {"type": "integer"},
            derive=lambda arguments: first_year(arguments, arguments["antecedent"]),
        ),
        Parameter(
            "last_year",
            "Last hydrological year. In a generated graph: the last that ends in the period.",
            {"type": "integer"},
            derive=last_year,
        ),
        RESAMPLING,
    ),
    bands=lambda arguments: BANDS,
    cube=_cube,
    performance="The monthly series of a tile is held in memory: 12 values a year of index, rain and PET each.",
    references=(
        "del Barrio et al. (2010), doi:10.1016/j.rse.2010.03.009",
        "del Barrio et al. (2016), doi:10.3390/rs8070603",
        *PET_REFERENCES,
    ),
    limitations=(
        "A month without data in the run makes the pixel's means no data: fill the index before, for example by "
        "`harmonic_series`.",
        "Aridity is PET / P, the inverse of the aridity index of FAO and UNEP.",
        "Every year needs its full twelve months, and the first also the antecedent months of rain.",
        *PET_LIMITATIONS,
    ),
    example={
        "vegetation": "https://example.org/stac/ndvi",
        "latitude": 42.45,
        "first_year": 2021,
        "last_year": 2023,
        "antecedent": 6,
    },
)
