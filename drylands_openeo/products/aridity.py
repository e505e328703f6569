"""`aridity`: moisture index P/PET of a climate, classes of FAO-UNEP, and the potential extent of desertification."""

from dataclasses import replace
from functools import reduce
from typing import Any

from openeo import DataCube
from openeo.processes import array_create, if_

from drylands_openeo import tables
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.climate import (
    PET_LIMITATIONS,
    PET_PARAMETERS,
    PET_REFERENCES,
    load_climate,
    method_text,
    pet_cube,
)
from drylands_openeo.profiles import CLIMATE, Profile

TABLE = tables.read("aridity")
CLASSES = {int(row["value"]): str(row["name"]) for row in (*TABLE["classes"], TABLE["cold"])}
"""Class value -> name."""

MONTHS = 12
MASK = "desertification_extent"
BANDS = ("mi", "aridity_class", MASK, "precipitation", "pet")

COLD = Parameter(
    "coldest_pet",
    "Where evapotranspiration [mm year-1] lies below this the class is cold and no desertification is possible; the "
    "World Atlas of Desertification takes 400. 0: no such class, as in the study of China's potential extent.",
    {"type": "number", "minimum": 0, "maximum": 2000},
    default=0.0,
)

REFERENCES = (
    "Sun et al. (2015), doi:10.1007/s12665-014-3659-x",
    "UNEP (1992), World Atlas of Desertification",
    *PET_REFERENCES,
)


def annual_water(profile: Profile, arguments: Arguments) -> DataCube:
    """Precipitation and evapotranspiration of every year [mm], no data in both where a month lacks one of the two."""
    monthly = load_climate(profile, ("precipitation",), arguments).merge_cubes(pet_cube(profile, arguments))
    return _pair(monthly, profile, _both).aggregate_temporal_period(period="year", reducer=_whole_year)


def aridity_cube(profile: Profile, arguments: Arguments) -> DataCube:
    """The bands of this product, from the sums over all whole years: dims (bands, y, x)."""
    mean = annual_water(profile, arguments).reduce_dimension(dimension=profile.time, reducer="mean")
    cold = arguments["coldest_pet"]

    def derived(data: Any) -> Any:
        rain, demand = (data.array_element(label=name) for name in ("precipitation", "pet"))
        moisture = moisture_index(rain, demand)
        kind = if_(demand < cold, accept=TABLE["cold"]["value"] + 0 * moisture, reject=_class(moisture))
        return array_create([moisture, kind, _inside(kind), rain, demand])

    return mean.apply_dimension(dimension=profile.band, process=derived).rename_labels(
        dimension=profile.band, target=list(BANDS)
    )


def desertification_mask(profile: Profile, arguments: Arguments) -> DataCube:
    """1 outside the potential extent of desertification and where it is not known, else 0: for ``DataCube.mask``.

    Dims (y, x), on the grid of the climate: ``resample_cube_spatial`` brings it to that of what is to be masked.
    """

    def outside(data: Any) -> Any:
        return (data.array_element(label=MASK) > 0.5).if_(accept=0, reject=1)

    return aridity_cube(profile, arguments).reduce_dimension(dimension=profile.band, reducer=outside)


def within_extent(cube: DataCube, profile: Profile, arguments: Arguments) -> DataCube:
    """Another product's cube, without the pixels where no desertification is possible."""
    mask = desertification_mask(profile, arguments)
    return cube.mask(mask.resample_cube_spatial(cube, method="near"))


def _pair(cube: DataCube, profile: Profile, process: Any) -> DataCube:
    """A process that makes two values of the two, which keep their names."""
    return cube.apply_dimension(dimension=profile.band, process=process)


def _both(data: Any) -> Any:
    """Precipitation and evapotranspiration, each only where the other is: what is missing makes a sum missing."""
    rain, demand = (data.array_element(label=name) for name in ("precipitation", "pet"))
    return array_create([rain + 0 * demand, demand + 0 * rain])


def _whole_year(data: Any) -> Any:
    """The sum of twelve months; no data for fewer."""
    return (data.count() == MONTHS).if_(accept=data.sum())


def moisture_index(rain: Any, demand: Any) -> Any:
    """P/PET; no data where nothing evaporates."""
    return (demand > 0).if_(accept=rain / demand)


def _class(moisture: Any) -> Any:
    """The class value: how many limits lie at or below the index, no data where the index is."""
    limits = [row["below"] for row in TABLE["classes"] if row["below"] is not None]
    first = TABLE["classes"][0]["value"]
    steps = [(moisture >= limit).if_(accept=1, reject=0) for limit in limits]
    return reduce(lambda total, step: total + step, steps, first + 0 * moisture)


def _inside(kind: Any) -> Any:
    """1 in the classes of the potential extent, 0 in the others."""
    low, high = TABLE["extent"]
    limits = [0.0, *(row["below"] for row in TABLE["classes"])]
    values = [row["value"] for row, start in zip(TABLE["classes"], limits, strict=False) if low <= start < high]
    return (kind.between(min=min(values), max=max(values))).if_(accept=1, reject=0) + 0 * kind


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    classes = ", ".join(f"{value} {name}" for value, name in CLASSES.items())
    low, high = TABLE["extent"]
    method = method_text(arguments)
    return (
        OutputBand("mi", "1", f"moisture index P/PET of the mean year; {method}"),
        OutputBand("aridity_class", "1", f"{classes}; {method}"),
        OutputBand(MASK, "1", f"1 where {low} <= P/PET < {high}: desertification is possible, else 0; {method}"),
        OutputBand("precipitation", "mm year-1", "mean annual precipitation of the whole years"),
        OutputBand("pet", "mm year-1", f"mean annual {method}"),
    )


PRODUCT = Product(
    id="aridity",
    summary="Aridity: moisture index P/PET, FAO-UNEP classes, potential extent of desertification",
    description=(
        "Ratio of precipitation to potential evapotranspiration of the mean year, MI = sum of annual P / sum of annual "
        "PET over the whole years of the period; the class of FAO-UNEP; and the potential extent of desertification "
        "(0.05 <= MI < 0.65) as a mask. A year counts where each of its months has both P and PET. "
        "Use thirty years."
    ),
    inputs=(CLIMATE,),
    parameters=(COLD, *PET_PARAMETERS),
    bands=_outputs,
    cube=aridity_cube,
    performance="Reads precipitation and temperatures of all months; thirty years of them are the usual.",
    references=REFERENCES,
    limitations=(
        *PET_LIMITATIONS,
        "The classes move with the method of evapotranspiration: compare maps of one method only.",
        "MI is no data where nothing evaporates in the mean year.",
    ),
    example={"pet_method": "thornthwaite", "latitude": 42.45, "coldest_pet": 400},
)


def within_drylands(product: Product, climate_extent: Any) -> Product:
    """A product without the pixels where no desertification is possible in the mean year of ``climate_extent``.

    ``climate_extent``: anything that Period.of takes; thirty years are usual. Arguments that the product shares with
    `aridity` (the method of evapotranspiration, its latitude) hold for both; the others have their defaults.
    """

    def cube(profile: Profile, arguments: Arguments) -> DataCube:
        shared = {one.name: arguments[one.name] for one in PRODUCT.parameters if one.name in arguments}
        place = {"spatial_extent": arguments["spatial_extent"], "temporal_extent": climate_extent}
        return within_extent(product.cube(profile, arguments), profile, PRODUCT.filled(**place, **shared))

    return replace(product, cube=cube, inputs=tuple(dict.fromkeys((*product.inputs, CLIMATE))))
