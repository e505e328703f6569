"""`texture`: grey-level co-occurrence features of the window around each pixel."""

from typing import Any

from openeo import DataCube

from drylands_openeo.bands import SENTINEL2_BANDS
from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product, is_open
from drylands_openeo.products.auxiliary import named
from drylands_openeo.products.composites import COUNT, clear_count
from drylands_openeo.products.masking import PARAMETERS, load_clear
from drylands_openeo.profiles import OPTICAL, Profile

KERNEL = Kernel("texture")

FEATURES = {
    "homogeneity": "sum p / (1 + (i-j)^2)",
    "contrast": "sum p (i-j)^2",
    "dissimilarity": "sum p |i-j|",
    "mean": "mean grey level",
    "variance": "variance of the grey level",
    "correlation": "correlation of the grey levels of a pair",
    "asm": "sum p^2",
    "entropy": "-sum p ln p",
}

SIDE = 256
"""Edge of a neighbourhood without its overlap [pixels]; the numbers do not depend on it."""

LOWEST, HIGHEST = 0.0, 0.6
"""Default range of the grey levels [reflectance]: what drylands reflect, one scale for every region and date."""

SHAPE_PARAMETERS = (
    Parameter(
        "window",
        "Side of the window [pixels], odd.",
        {"type": "integer", "enum": list(range(3, 32, 2))},
        default=9,
        fixed=True,
    ),
    Parameter(
        "displacement",
        "Distance of the two pixels of a pair [pixels].",
        {"type": "integer", "minimum": 1, "maximum": 15},
        default=4,
        fixed=True,
    ),
    Parameter("levels", "Number of grey levels.", {"type": "integer", "minimum": 2, "maximum": 256}, default=32),
    Parameter(
        "low",
        "Reflectance of the lowest grey level: one number, or one a band.",
        {"type": "array", "items": {"type": "number"}, "minItems": 1},
        default=[LOWEST],
    ),
    Parameter(
        "high",
        "Reflectance of the highest grey level: one number, or one a band.",
        {"type": "array", "items": {"type": "number"}, "minItems": 1},
        default=[HIGHEST],
    ),
    Parameter(
        "convention",
        "proper: probabilities sum to 1; snap: as ESA SNAP, whose sum to 2.",
        {"type": "string", "enum": ["proper", "snap"]},
        default="proper",
    ),
)


def median_image(profile: Profile, arguments: Arguments) -> DataCube:
    """The median of each band over the period: dims (bands, y, x), bands by common name."""
    return _median(load_clear(profile, arguments["band"], arguments), profile, arguments)


def _median(clear: DataCube, profile: Profile, arguments: Arguments) -> DataCube:
    median = clear.reduce_dimension(dimension=profile.time, reducer="median")
    return named(median, profile, profile.band_names(tuple(arguments["band"])), arguments["band"])


def textured(image: DataCube, arguments: Arguments, features: list[str]) -> DataCube:
    """The features of each band of ``image`` ([t,] bands, y, x), bands <band>_<feature>."""
    context = {name: arguments[name] for name in ("window", "displacement", "levels", "low", "high", "convention")}
    overlap = context["window"] // 2 + context["displacement"]
    return image.apply_neighborhood(
        process=KERNEL.remote(**context, features=features),
        size=[{"dimension": dim, "unit": "px", "value": SIDE} for dim in ("x", "y")],
        overlap=[{"dimension": dim, "unit": "px", "value": overlap} for dim in ("x", "y")],
    )


def check_ranges(arguments: Arguments, bands: int) -> None:
    """Raise DrylandsError where ``low`` and ``high`` do not fit the bands or each other."""
    low, high = arguments["low"], arguments["high"]
    if is_open(low) or is_open(high):
        return
    wrong = [name for name, some in (("low", low), ("high", high)) if len(some) not in (1, bands)]
    if wrong:
        raise DrylandsError(f"parameter {wrong[0]!r}: {arguments[wrong[0]]}; one number, or one for each band")
    if not all(a < b for a, b in zip(low * (bands // len(low)), high * (bands // len(high)), strict=True)):
        raise DrylandsError(f"parameters 'low' {low} and 'high' {high}: low < high is needed")


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    textures = [
        OutputBand(f"{band}_{feature}", "1", f"{feature} of {band}: {FEATURES[feature]}")
        for band in arguments["band"]
        for feature in arguments["feature"]
    ]
    return (*textures, COUNT)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    check_ranges(arguments, len(arguments["band"]))
    clear = load_clear(profile, arguments["band"], arguments)
    made = textured(_median(clear, profile, arguments), arguments, arguments["feature"])
    names = [band.name for band in _outputs(arguments) if band is not COUNT]
    return made.rename_labels(dimension=profile.band, target=names).merge_cubes(clear_count(clear, profile))


def _choice(name: str, description: str, values: list[str], default: list[str]) -> Parameter:
    schema: dict[str, Any] = {"type": "array", "items": {"type": "string", "enum": values}, "minItems": 1}
    return Parameter(name, description, {**schema, "uniqueItems": True}, default=default, fixed=True)


PRODUCT = Product(
    id="texture",
    summary="Grey-level co-occurrence texture of the median image",
    description=(
        "Features of the grey-level co-occurrence matrix of the window around each pixel, in the median image of the "
        "period. Grey levels are of equal width between `low` and `high`, which hold for the whole region: with a "
        "range from each chunk the map would show the chunks. The default range is one of reflectance, so that "
        "regions and years compare; `drylands range` finds a narrower one for a region."
    ),
    inputs=(OPTICAL,),
    parameters=(
        _choice("band", "Bands by common name.", [band.name for band in SENTINEL2_BANDS], ["nir"]),
        _choice("feature", "Features.", list(FEATURES), ["homogeneity", "variance"]),
        *SHAPE_PARAMETERS,
        *PARAMETERS,
    ),
    bands=_outputs,
    cube=_cube,
    performance="asm and entropy cost ten times as much as the other six; leave them out if they are not needed.",
    references=("Haralick et al. (1973), doi:10.1109/TSMC.1973.4309314",),
    limitations=(
        "Pixels nearer to the edge of the data than half a window have no texture.",
        "Bands of 20 m are taken on the grid of 10 m: pairs of pixels one apart are then often one pixel twice.",
        "Values depend on levels, range and window: compare only what was made with the same.",
    ),
    example={"levels": 32, "low": [0.05], "high": [0.5]},
)
