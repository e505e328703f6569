"""The climate that products of water read: monthly, in our units, with the evapotranspiration of a chosen method."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from openeo import DataCube

from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, Parameter, is_open
from drylands_openeo.products.loading import load
from drylands_openeo.profiles import CLIMATE, Profile

PET_KERNEL = Kernel("evapotranspiration")

LATITUDE = "latitude"

DAILY = 1.0
"""Days between two looks of a collection by the day."""

TEMPERATURES = ("tmin", "tmean", "tmax")

METHODS: Mapping[str, tuple[str, ...]] = {
    "thornthwaite": ("tmean",),
    "hargreaves": TEMPERATURES,
    "penman_monteith": (*TEMPERATURES, "radiation", "wind"),
    "given": ("pet",),
}
"""Method of evapotranspiration -> the variables that it takes."""

CHOOSABLE = ("hargreaves", "thornthwaite")
"""Methods among which a user-defined process lets its caller choose: those of temperatures alone."""


def middle_latitude(arguments: Arguments) -> float:
    """Latitude [degrees] of the middle of the area.

    >>> middle_latitude({"spatial_extent": {"west": 100, "south": 40, "east": 110, "north": 44}})
    42.0
    """
    extent = arguments["spatial_extent"]
    return float(extent["south"] + extent["north"]) / 2


PET_METHOD = Parameter(
    "pet_method",
    "Potential evapotranspiration: hargreaves (three temperatures), thornthwaite (mean temperature), penman_monteith "
    "(FAO-56: also radiation, wind, humidity or vapour pressure), or given (the collection's own). Never mix methods: "
    "the limits of drylands move with them.",
    {"type": "string", "enum": list(METHODS)},
    default="hargreaves",
    open_schema={"type": "string", "enum": list(CHOOSABLE)},
)

PLACE = (
    Parameter(
        "latitude",
        "Latitude [degrees] of the area, for the length of its days. Read where the collection has no band of it; in a "
        "generated graph the middle of the area unless given.",
        {"type": "number", "minimum": -90, "maximum": 90},
        derive=middle_latitude,
    ),
    Parameter(
        "elevation",
        "Height of the area above the sea [m], for penman_monteith.",
        {"type": "number", "minimum": -500, "maximum": 9000},
        default=0.0,
        fixed=True,
    ),
    Parameter(
        "moisture",
        "The variable of air moisture that penman_monteith reads.",
        {"type": "string", "enum": ["vapour_pressure", "humidity"]},
        default="vapour_pressure",
        fixed=True,
    ),
)

PET_PARAMETERS = (PET_METHOD, *PLACE)
"""The parameters that every product with evapotranspiration shares."""

PET_REFERENCES = (
    "Hargreaves and Samani (1985), doi:10.13031/2013.26773",
    "Thornthwaite (1948), doi:10.2307/210739",
    "Allen et al. (1998), FAO Irrigation and Drainage Paper 56",
)

PET_LIMITATIONS = (
    "One latitude serves the whole area where the collection has no band of it (on every back-end but our own): keep "
    "areas within a few degrees.",
)


def load_climate(profile: Profile, names: Sequence[str], arguments: Arguments) -> DataCube:
    """Monthly variables by our names, in our units: dims (t, bands, y, x).

    Daily collections are added up or averaged by month; what a back-end stores scaled is brought to our units.
    """
    collection = profile.of(CLIMATE)
    groups: dict[tuple[bool, tuple[float, float]], list[str]] = {}
    for name in names:
        groups.setdefault((name in collection.totals, collection.conversions.get(name, (1.0, 0.0))), []).append(name)
    cubes = [
        _monthly(profile, members, arguments, adds=adds, conversion=conversion)
        for (adds, conversion), members in groups.items()
    ]
    together = reduce(DataCube.merge_cubes, cubes)
    ours = [name for members in groups.values() for name in members]
    theirs = profile.band_names(tuple(ours), CLIMATE)
    if ours == theirs:
        return together
    return together.rename_labels(dimension=profile.band, target=ours, source=theirs)


def pet_cube(profile: Profile, arguments: Arguments) -> DataCube:
    """Potential evapotranspiration [mm month-1] by the chosen method: dims (t, bands = ["pet"], y, x)."""
    method = arguments["pet_method"]
    if method == "given":
        return load_climate(profile, ("pet",), arguments)
    names = TEMPERATURES if is_open(method) else METHODS[method]
    context: dict[str, Any] = {"method": method}
    if method == "penman_monteith":
        names = (*names, arguments["moisture"])
        context["elevation"] = arguments["elevation"]
    if LATITUDE in profile.of(CLIMATE).bands:
        names = (*names, LATITUDE)
    else:
        context["latitude"] = arguments["latitude"]
    computed = load_climate(profile, names, arguments).apply_dimension(
        dimension=profile.time, process=PET_KERNEL.remote(**context)
    )
    return computed.rename_labels(dimension=profile.band, target=["pet"])


def method_text(arguments: Arguments) -> str:
    """The method, for a band's description."""
    return f"potential evapotranspiration, method {arguments['pet_method']}"


def _monthly(
    profile: Profile, names: Sequence[str], arguments: Arguments, *, adds: bool, conversion: tuple[float, float]
) -> DataCube:
    """Variables of one kind: loaded, gathered into months, brought to our units."""
    cube = load(profile, CLIMATE, names, arguments)
    if profile.of(CLIMATE).revisit == DAILY:
        cube = cube.aggregate_temporal_period(period="month", reducer="sum" if adds else "mean")
    scale, offset = conversion
    if conversion == (1.0, 0.0):
        return cube
    return cube.apply(process=lambda x: x * scale + offset)
