"""`aridity_series`: the moisture index P/PET of every year."""

from typing import Any

from openeo import DataCube
from openeo.processes import array_create

from drylands_openeo.product import Arguments, OutputBand, Product
from drylands_openeo.products.aridity import REFERENCES, annual_water, moisture_index
from drylands_openeo.products.climate import PET_LIMITATIONS, PET_PARAMETERS, method_text
from drylands_openeo.profiles import CLIMATE, Profile

BANDS = ("mi", "precipitation", "pet")


def annual_cube(profile: Profile, arguments: Arguments) -> DataCube:
    """The bands of this product: dims (t = years, bands, y, x)."""

    def derived(data: Any) -> Any:
        rain, demand = (data.array_element(label=name) for name in ("precipitation", "pet"))
        return array_create([moisture_index(rain, demand), rain, demand])

    years = annual_water(profile, arguments).apply_dimension(dimension=profile.band, process=derived)
    return years.rename_labels(dimension=profile.band, target=list(BANDS))


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    method = method_text(arguments)
    return (
        OutputBand("mi", "1", f"moisture index P/PET of the year; {method}"),
        OutputBand("precipitation", "mm year-1", "precipitation of the year"),
        OutputBand("pet", "mm year-1", method),
    )


PRODUCT = Product(
    id="aridity_series",
    summary="Moisture index P/PET of every year",
    description=(
        "Precipitation, potential evapotranspiration and their ratio MI of every calendar year of the period, dims "
        "(t, bands, y, x). A year is no data where one of its months lacks P or PET."
    ),
    inputs=(CLIMATE,),
    parameters=PET_PARAMETERS,
    bands=_outputs,
    cube=annual_cube,
    performance="As `aridity`; the result grows with the number of years.",
    references=REFERENCES,
    limitations=(*PET_LIMITATIONS, "MI of a single year is no class of aridity: those are of the mean year."),
    example={"pet_method": "hargreaves", "latitude": 42.45},
)
