"""`drought`: self-calibrated Palmer index, SPI or SPEI of every month."""

from typing import Any

from openeo import DataCube
from openeo.api.process import Parameter as OpenParameter

from drylands_openeo.kernel import Kernel
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

KERNEL = Kernel("drought")

USUAL_AWC = 100.0
"""Available water capacity [mm] where a collection has none and nobody gives one; R's scPDSI takes the same."""

INDEX_BANDS = {"scpdsi": ("scpdsi", "phdi", "wplm", "z"), "spi": ("spi",), "spei": ("spei",)}

TEXTS = {
    "scpdsi": "self-calibrated Palmer drought severity index",
    "phdi": "Palmer hydrological drought index",
    "wplm": "weighted Palmer index",
    "z": "Palmer's moisture anomaly, scaled by the calibration",
    "spi": "standardised precipitation index",
    "spei": "standardised precipitation-evapotranspiration index",
}

DROUGHT_PARAMETERS = (
    Parameter(
        "drought_index",
        "scpdsi: self-calibrated Palmer index and its kin; spi: precipitation; spei: precipitation less "
        "evapotranspiration.",
        {"type": "string", "enum": list(INDEX_BANDS)},
        default="scpdsi",
        fixed=True,
    ),
    Parameter(
        "awc",
        "Available water capacity of the soil [mm], for scpdsi. In a generated graph the band awc of the climate where "
        "it has one, else 100, unless a number is given.",
        {"type": ["number", "null"], "minimum": 0, "maximum": 5000},
        derive=lambda arguments: None,
        open_schema={"type": "number", "minimum": 0, "maximum": 5000},
    ),
    Parameter(
        "calibration",
        "First and last year of the calibration, whole years within the record, at least five for scpdsi. In a "
        "generated graph all whole years unless given.",
        {"type": ["array", "null"], "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        derive=lambda arguments: None,
        open_schema={"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
    ),
    Parameter(
        "accumulation",
        "Months that spi and spei add up.",
        {"type": "integer", "minimum": 1, "maximum": 60},
        default=3,
        fixed=True,
    ),
    Parameter(
        "distribution",
        "The law fitted by spi and spei; default of spi: gamma, of spei: log-logistic.",
        {"type": ["string", "null"], "enum": ["gamma", "pearson3", "log-logistic", None]},
        default=None,
        fixed=True,
    ),
)


def drought_cube(profile: Profile, arguments: Arguments) -> DataCube:
    """The bands of this product: dims (t = months from a January on, bands, y, x)."""
    index, awc = arguments["drought_index"], arguments["awc"]
    if awc is None and "awc" not in profile.of(CLIMATE).bands:
        awc = USUAL_AWC
    own = ("precipitation", "awc") if index == "scpdsi" and awc is None else ("precipitation",)
    cube = load_climate(profile, own, arguments)
    if index != "spi":
        cube = cube.merge_cubes(pet_cube(profile, arguments))
    computed = cube.apply_dimension(
        dimension=profile.time, process=KERNEL.remote(**_context({**arguments, "awc": awc}))
    )
    return computed.rename_labels(dimension=profile.band, target=list(INDEX_BANDS[index]))


def _context(arguments: Arguments) -> dict[str, Any]:
    """What the kernel is told."""
    context: dict[str, Any] = {"index": arguments["drought_index"]}
    if arguments["calibration"] is not None:
        context["calibration"] = arguments["calibration"]
    if context["index"] == "scpdsi":
        return context if arguments["awc"] is None else {**context, "awc": arguments["awc"]}
    context["months"] = arguments["accumulation"]
    if arguments["distribution"] is not None:
        context["distribution"] = arguments["distribution"]
    return context


def describe(index: str, arguments: Arguments) -> tuple[OutputBand, ...]:
    """The bands of an index."""
    method = "" if index == "spi" else f"; {method_text(arguments)}"
    months = "" if index == "scpdsi" else f" of {arguments['accumulation']} months"
    return tuple(OutputBand(name, "1", f"{TEXTS[name]}{months}{method}") for name in INDEX_BANDS[index])


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    return describe(arguments["drought_index"], arguments)


TEMPORAL = OpenParameter.temporal_interval("climate_extent").schema

REFERENCES = (
    "Palmer (1965), Meteorological Drought, US Weather Bureau Research Paper 45",
    "Wells et al. (2004), doi:10.1175/1520-0442(2004)017<2335:ASPDSI>2.0.CO;2",
    "Vicente-Serrano et al. (2010), doi:10.1175/2009JCLI2909.1",
    *PET_REFERENCES,
)

LIMITATIONS = (
    *PET_LIMITATIONS,
    "The period must begin with a January; a month missing inside the record leaves scpdsi no data throughout.",
    "The newest months of scpdsi are provisional: the next one may end an open spell.",
    "scpdsi calls the compiled functions of climate-indices, which a back-end installs by the header of the function.",
)

PRODUCT = Product(
    id="drought",
    summary="Drought by month: self-calibrated Palmer index, SPI, SPEI",
    description=(
        "Self-calibrated Palmer drought severity index (with the hydrological and the weighted index and the moisture "
        "anomaly), or in a generated graph the standardised precipitation index SPI or SPEI at any accumulation. "
        "Dims (t, bands, y, x). Negative is dry; from -1 abnormally, from -2 moderately, from -3 severely, from -4 "
        "extremely (scpdsi)."
    ),
    inputs=(CLIMATE,),
    parameters=(*DROUGHT_PARAMETERS, *PET_PARAMETERS),
    bands=_outputs,
    cube=drought_cube,
    performance="About 3 ms a pixel of 60 years on one core; memory grows with the number of months.",
    references=REFERENCES,
    limitations=LIMITATIONS,
    example={"pet_method": "hargreaves", "latitude": 42.45, "awc": 100, "calibration": [1991, 2020]},
)
