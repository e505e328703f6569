"""`fractional_cover`: shares of green vegetation, dry vegetation and bare ground."""

from typing import Any

from openeo import DataCube

from drylands_openeo.endmembers import PUBLISHED, Library, all_published, published, read
from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.composites import COMPOSITE, COUNT, clear_count, composite
from drylands_openeo.products.masking import PARAMETERS, load_clear
from drylands_openeo.profiles import OPTICAL, Profile

KERNEL = Kernel("fractional_cover")

BANDS = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "swir16", "swir22")

COVERS = {"pv": "green vegetation", "npv": "dry vegetation", "bare": "bare ground"}

PIXEL = 20.0
"""Pixel size of the result [m]: that of the coarser bands, for the finer ones can be averaged and not invented."""


def library_of(name: str) -> Library:
    """The endmembers called ``name``: "all" published ones, one of the published libraries, or a CSV file."""
    if name == "all":
        return all_published()
    if name in PUBLISHED:
        return published(name)
    if not name.lower().endswith(".csv"):
        raise DrylandsError(f"parameter 'library': {name!r} is none of all, {', '.join(PUBLISHED)}, nor a CSV file")
    return read(name)


def _context(arguments: Arguments) -> dict[str, Any]:
    library, model = library_of(arguments["library"]), arguments["model"]
    common = {"model": model, "names": list(COVERS)}
    if model == "bundle":
        return {**common, "libraries": library.bundles(tuple(COVERS), BANDS), "draws": arguments["draws"], "seed": 0}
    spectra = [library.of(cover, BANDS).mean(axis=0).round(6).tolist() for cover in COVERS]
    return {**common, "endmembers": spectra}


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    shares = [OutputBand(name, "1", f"share of {cover}") for name, cover in COVERS.items()]
    misfit = OutputBand("rmse", "1", "root mean squared misfit of the reflectance")
    added = {
        "linear": [],
        "bundle": [OutputBand(f"{name}_sd", "1", f"spread of the share of {cover}") for name, cover in COVERS.items()],
        "ppnm": [OutputBand("nonlinearity", "1", "coefficient b of the squared term")],
        "fan": [OutputBand("nonlinearity", "1", "share of the light scattered between covers")],
    }
    return (*shares, misfit, *added[arguments["model"]], COUNT)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    dates = load_clear(profile, BANDS, arguments)
    clear, count = (make(dates, profile, arguments["composite"]) for make in (composite, clear_count))
    # Not DataCube.resample_spatial: openeo then takes x and y for all the dimensions that there are.
    coarse, seen = (
        cube.process("resample_spatial", data=cube, resolution=PIXEL, method="average") for cube in (clear, count)
    )
    shares = coarse.apply_dimension(dimension=profile.band, process=KERNEL.remote(**_context(arguments)))
    names = [band.name for band in _outputs(arguments) if band is not COUNT]
    return shares.rename_labels(dimension=profile.band, target=names).merge_cubes(seen)


PRODUCT = Product(
    id="fractional_cover",
    summary="Shares of green vegetation, dry vegetation and bare ground",
    description=(
        "Unmixes Sentinel-2 surface reflectance (ten bands, at 20 m, bands of 10 m averaged) into green vegetation "
        "(PV), dry vegetation (NPV) and bare ground, which are >= 0 and sum to 1. Model `bundle` draws endmembers at "
        "random from a library, divides spectra by their brightness, and weighs the draws by their fit; `linear` has "
        "one spectrum a cover; `ppnm` and `fan` add light that is scattered between covers."
    ),
    inputs=(OPTICAL,),
    parameters=(
        Parameter(
            "model",
            "bundle, linear, ppnm or fan.",
            {"type": "string", "enum": ["bundle", "linear", "ppnm", "fan"]},
            default="bundle",
            fixed=True,
        ),
        Parameter(
            "library",
            "Endmembers: all published ones (all), those of earthlib or emit, or a CSV file with columns class (pv, "
            "npv, bare), name and one a band.",
            {"type": "string", "minLength": 1},
            default="all",
            fixed=True,
        ),
        Parameter(
            "draws",
            "How many sets of endmembers are drawn (model bundle).",
            {"type": "integer", "minimum": 1, "maximum": 1000},
            default=100,
        ),
        COMPOSITE,
        *PARAMETERS,
    ),
    bands=_outputs,
    cube=_cube,
    performance="Reads ten bands and the scene classification of every date; reading is what takes the time.",
    references=(
        "Asner and Lobell (2000), doi:10.1016/S0034-4257(00)00126-5",
        "Altmann et al. (2012), doi:10.1109/TIP.2012.2187668",
        "Fan et al. (2009), doi:10.1080/01431160902558659",
    ),
    limitations=(
        "The published libraries hold few spectra; local ones are better, above all of soils.",
        "Dry vegetation and bright soil look alike in Sentinel-2's bands: see the spread (npv_sd).",
        "Water, cloud shadow and snow are not endmembers; there the misfit (rmse) is large.",
    ),
    example={"draws": 100},
)
