"""`climate_trend`: Theil-Sen slope and Mann-Kendall test of precipitation, evapotranspiration or their ratio."""

from openeo import DataCube

from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.aridity_series import BANDS, annual_cube
from drylands_openeo.products.climate import PET_LIMITATIONS, PET_PARAMETERS, PET_REFERENCES, method_text
from drylands_openeo.products.indices import chosen
from drylands_openeo.products.trend import LIMITATIONS, REFERENCES, TREND_PARAMETERS, describe, trend_of
from drylands_openeo.profiles import CLIMATE, Profile

UNITS = {"mi": "1", "precipitation": "mm", "pet": "mm"}


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    name = arguments["variable"]
    return describe(UNITS[name], arguments, f"annual {name}; {method_text(arguments)}")


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    annual = chosen(annual_cube(profile, arguments), [arguments["variable"]])
    return trend_of(annual, profile, arguments)


PRODUCT = Product(
    id="climate_trend",
    summary="Trend of the moisture index, precipitation or evapotranspiration over the years",
    description=(
        "Theil-Sen slope with its confidence interval and Mann-Kendall test of annual precipitation, potential "
        "evapotranspiration or their ratio MI, pixel by pixel: whether the land dries or its air demands more."
    ),
    inputs=(CLIMATE,),
    parameters=(
        Parameter(
            "variable",
            "mi: P/PET; precipitation; pet.",
            {"type": "string", "enum": list(BANDS)},
            default="mi",
        ),
        *TREND_PARAMETERS,
        *PET_PARAMETERS,
    ),
    bands=_outputs,
    cube=_cube,
    performance="Reads all months of the period; thirty years or more make a climate.",
    references=(*REFERENCES, *PET_REFERENCES),
    limitations=(*LIMITATIONS, *PET_LIMITATIONS),
    example={"variable": "mi", "latitude": 42.45},
)
