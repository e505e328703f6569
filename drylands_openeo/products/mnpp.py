"""`mnpp`: net primary production by what moisture allows, MNPP = NPP / (MI x 100), year by year."""

from typing import Any

from openeo import DataCube
from openeo.processes import array_create

from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.auxiliary import address, load_auxiliary
from drylands_openeo.products.climate import (
    PET_LIMITATIONS,
    PET_PARAMETERS,
    PET_REFERENCES,
    load_climate,
    method_text,
    pet_cube,
)
from drylands_openeo.products.years import PARAMETERS as YEARS
from drylands_openeo.products.years import annual_sums
from drylands_openeo.profiles import CLIMATE, NPP, Profile

BANDS = ("npp", "mnpp", "mi")

LEAST_MOISTURE, LEAST_NPP = 0.05, 1.0

PARAMETERS = (
    address(NPP, "net primary production, band npp [gC m-2], of a month or of a year"),
    *PET_PARAMETERS,
    *YEARS,
    Parameter(
        "npp_step",
        "What one date of the production is the sum of. Annual values are those of calendar years: with other years, "
        "that of the calendar year in which most of the year lies is taken.",
        {"type": "string", "enum": ["month", "year"]},
        default="year",
        fixed=True,
    ),
    Parameter(
        "resampling",
        "How the climate comes onto the grid of the production.",
        {"type": "string", "enum": ["near", "bilinear"]},
        default="bilinear",
        fixed=True,
    ),
    Parameter(
        "least_moisture",
        "Pixels whose mean moisture MI lies below this (hyper-arid) are no data; in a single year MI is taken to be no "
        "less, or the ratio would explode.",
        {"type": "number", "exclusiveMinimum": 0},
        default=LEAST_MOISTURE,
        fixed=True,
    ),
    Parameter(
        "least_npp",
        "Pixels whose mean production [gC m-2 year-1] lies below this are no data: there is nothing that grows.",
        {"type": "number", "minimum": 0},
        default=LEAST_NPP,
        fixed=True,
    ),
)

LIMITATIONS = (
    "The ratio takes production to be proportional to moisture. Where it is not (irrigation, groundwater, towns, "
    "water), mask it before, or read it apart.",
    "Results with different methods of evapotranspiration must not be compared.",
    *PET_LIMITATIONS,
)

REFERENCES = (
    "MI and its limit 0.05 (hyper-arid): Sun et al. (2015), doi:10.1007/s12665-014-3659-x",
    "Net primary production that answers to rain: Fensholt et al. (2013), doi:10.3390/rs5020664",
    *PET_REFERENCES,
)


def moisture_response(profile: Profile, arguments: Arguments) -> DataCube:
    """NPP, MNPP and MI of each year: dims (t, bands, y, x), bands BANDS, on the grid of the production."""
    npp = annual_sums(load_auxiliary(profile, NPP, ("npp",), arguments), arguments, step=arguments["npp_step"])
    both = npp.merge_cubes(moisture(profile, arguments).resample_cube_spatial(npp, method=arguments["resampling"]))
    floor = arguments["least_moisture"]

    def three(data: Any) -> Any:
        npp_, mi = (data.array_element(label=name) for name in ("npp", "mi"))
        return array_create([npp_, npp_ / ((mi < floor).if_(accept=floor, reject=mi) * 100), mi])

    cube = both.apply_dimension(dimension=profile.band, process=three)
    return _guarded(cube.rename_labels(dimension=profile.band, target=list(BANDS)), profile, arguments)


def moisture(profile: Profile, arguments: Arguments) -> DataCube:
    """MI = P / PET of each year, sums of twelve months: dims (t, bands, y, x), band mi, on the climate's grid."""
    climate = load_climate(profile, ("precipitation",), arguments).merge_cubes(pet_cube(profile, arguments))

    def ratio(data: Any) -> Any:
        return data.array_element(label="precipitation") / data.array_element(label="pet")

    ratios = annual_sums(climate, arguments).reduce_dimension(dimension=profile.band, reducer=ratio)
    return ratios.add_dimension(name=profile.band, label="mi", type="bands")


def _guarded(cube: DataCube, profile: Profile, arguments: Arguments) -> DataCube:
    """Without the pixels that are too dry, or where nothing grows, in the mean of the years."""
    floor, least = arguments["least_moisture"], arguments["least_npp"]

    def outside(data: Any) -> Any:
        dry, bare = data.array_element(label="mi") < floor, data.array_element(label="npp") < least
        return dry.or_(bare).if_(accept=1, reject=0)

    means = cube.reduce_dimension(dimension=profile.time, reducer="mean")
    return cube.mask(means.reduce_dimension(dimension=profile.band, reducer=outside))


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    return (
        OutputBand("npp", "gC m-2 year-1", "net primary production of the year"),
        OutputBand("mnpp", "gC m-2 year-1", "net primary production by percentage point of MI"),
        OutputBand("mi", "1", f"moisture index of the year, P / PET; {method_text(arguments)}"),
    )


PRODUCT = Product(
    id="mnpp",
    summary="Moisture-responded net primary production of each year, NPP / (MI x 100)",
    description=(
        "Annual net primary production, annual moisture index MI = P / PET of the same year, and MNPP = NPP / (MI x "
        "100): the production by percentage point of moisture. What is left when the weather of the year is divided "
        "out. Years are calendar years or hydrological years; a year with a missing month is no data."
    ),
    inputs=(NPP, CLIMATE),
    parameters=PARAMETERS,
    bands=_outputs,
    cube=moisture_response,
    performance="Arithmetic only; reading the monthly climate is what takes the time.",
    references=REFERENCES,
    limitations=LIMITATIONS,
    example={
        "npp": "https://example.org/stac/npp",
        "latitude": 42.45,
        "years": [["2021-01-01", "2022-01-01"], ["2022-01-01", "2023-01-01"]],
    },
)
