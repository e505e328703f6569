"""`evapotranspiration`: monthly potential evapotranspiration from a climate, by a method of one's choice."""

from openeo import DataCube

from drylands_openeo.product import Arguments, OutputBand, Product
from drylands_openeo.products.climate import (
    PET_LIMITATIONS,
    PET_PARAMETERS,
    PET_REFERENCES,
    method_text,
    pet_cube,
)
from drylands_openeo.profiles import CLIMATE, Profile


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    return (OutputBand("pet", "mm month-1", method_text(arguments)),)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    return pet_cube(profile, arguments)


PRODUCT = Product(
    id="evapotranspiration",
    summary="Monthly potential evapotranspiration: Hargreaves, Thornthwaite, Penman-Monteith",
    description=(
        "Potential evapotranspiration of every month of the period [mm month-1], from temperatures (Hargreaves in the "
        "form of FAO-56, Thornthwaite with the branch for hot months) or, in a generated graph, from radiation, wind "
        "and humidity too (FAO-56 Penman-Monteith). Dims (t, bands, y, x)."
    ),
    inputs=(CLIMATE,),
    parameters=PET_PARAMETERS,
    bands=_outputs,
    cube=_cube,
    performance="Reads the monthly (or daily) temperatures of the period; the arithmetic is light.",
    references=PET_REFERENCES,
    limitations=(
        *PET_LIMITATIONS,
        "Thornthwaite's heat index is that of the period: the same month differs a little with the period asked for.",
        "Thornthwaite is lowest in dry and windy places; Penman-Monteith wants radiation and wind of good quality.",
    ),
    example={"pet_method": "hargreaves", "latitude": 42.45},
)
