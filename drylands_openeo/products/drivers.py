"""`drivers`: how much of a trend of production the climate explains, and how much it does not."""

from functools import reduce

from openeo import DataCube

from drylands_openeo import tables
from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.auxiliary import address, load_auxiliary
from drylands_openeo.products.climate import (
    PET_LIMITATIONS,
    PET_PARAMETERS,
    PET_REFERENCES,
    load_climate,
    pet_cube,
)
from drylands_openeo.products.mnpp import PARAMETERS as OF_MNPP
from drylands_openeo.products.years import PARAMETERS as YEARS
from drylands_openeo.products.years import annual_sums
from drylands_openeo.profiles import CLIMATE, NPP, Profile

KERNEL = Kernel("drivers")

TABLE = tables.read("drivers")

PREDICTORS = ("precipitation", "pet", "tmean", "radiation")

SHARED = tuple(parameter for parameter in OF_MNPP if parameter.name in ("npp_step", "resampling"))

_LEGEND = "; ".join(
    [*(f"{row['value']} {row['name']}" for row in TABLE["drivers"]), *(f"{k} {v}" for k, v in TABLE["flags"].items())]
)

BANDS = (
    OutputBand("driver", "1", _LEGEND),
    OutputBand("climate", "percent", "share of the trend that the climate explains"),
    OutputBand("unexplained", "percent", "share of the trend that the climate does not explain"),
    OutputBand("slope_observed", "gC m-2 year-2", "slope of the production over the years"),
    OutputBand("slope_predicted", "gC m-2 year-2", "slope of what the climate predicts"),
    OutputBand("slope_residual", "gC m-2 year-2", "slope of observed less predicted"),
    OutputBand("p", "1", "p of the slope of the production"),
    OutputBand("model_r2", "1", "r2 of the model of the climate"),
    OutputBand("model_p", "1", "p of the model of the climate"),
)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    npp = annual_sums(load_auxiliary(profile, NPP, ("npp",), arguments), arguments, step=arguments["npp_step"])
    climate = annual_sums(_climate(profile, arguments), arguments)
    both = npp.merge_cubes(climate.resample_cube_spatial(npp, method=arguments["resampling"]))
    context = {
        "table": {"drivers": TABLE["drivers"]},
        **{name: arguments[name] for name in ("alpha", "model_alpha")},
    }
    found = both.reduce_dimension(dimension=profile.time, reducer=KERNEL.remote(**context))
    return found.rename_labels(dimension=profile.band, target=[band.name for band in BANDS])


def _climate(profile: Profile, arguments: Arguments) -> DataCube:
    """The monthly predictors; their sums of the year serve a line as well as their means."""
    names = arguments["predictors"]
    read = tuple(name for name in names if name != "pet")
    parts = [load_climate(profile, read, arguments)] if read else []
    parts += [pet_cube(profile, arguments)] if "pet" in names else []
    return reduce(DataCube.merge_cubes, parts)


def _level(name: str, what: str) -> Parameter:
    schema = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    return Parameter(name, f"Level of significance of {what}.", schema, default=0.05)


PRODUCT = Product(
    id="drivers",
    summary="Shares of a trend of production that the climate explains and does not explain",
    description=(
        "Annual net primary production by least squares on the climate of the same years; slopes of the production, of "
        "the prediction and of the residual; and by the signs of the three (six cases) whether a rise or a fall is "
        "explained by the climate, not explained by it, or by shares. A climate that explains nothing leaves the pixel "
        "indeterminate."
    ),
    inputs=(NPP, CLIMATE),
    parameters=(
        address(NPP, "net primary production, band npp [gC m-2], of a month or of a year"),
        *PET_PARAMETERS,
        *YEARS,
        *SHARED,
        Parameter(
            "predictors",
            "The variables of the climate that the production is explained by, as sums of the year.",
            {
                "type": "array",
                "items": {"type": "string", "enum": list(PREDICTORS)},
                "minItems": 1,
                "uniqueItems": True,
            },
            default=["precipitation", "pet"],
            fixed=True,
        ),
        _level("alpha", "the trend of the production"),
        _level("model_alpha", "the model of the climate"),
    ),
    bands=lambda arguments: BANDS,
    cube=_cube,
    performance="Arithmetic on annual series; reading the monthly climate is what takes the time.",
    references=(
        "Evans and Geerken (2004), doi:10.1016/S0140-1963(03)00121-6",
        "Wessels et al. (2007), doi:10.1016/j.jaridenv.2006.05.015",
        *PET_REFERENCES,
    ),
    limitations=(
        "What the climate does not explain is not therefore human: carbon dioxide, fire, pests and the error of the "
        "model are in it.",
        "Where the climate itself has a trend, a line takes part of an effect of the land for the climate's.",
        *PET_LIMITATIONS,
    ),
    example={
        "npp": "https://example.org/stac/npp",
        "latitude": 42.45,
        "years": [["2021-01-01", "2022-01-01"], ["2022-01-01", "2023-01-01"]],
    },
)
