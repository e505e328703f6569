"""`indices`: median composites of spectral indices over a period, with the count of clear observations."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from openeo import DataCube
from openeo.processes import array_create

from drylands_openeo.product import Arguments, OutputBand, Parameter, Product, is_open
from drylands_openeo.products.composites import COUNT, clear_count
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.loading import element
from drylands_openeo.products.masking import PARAMETERS, load_clear
from drylands_openeo.profiles import OPTICAL, Profile


def bands_of(names: Sequence[str]) -> tuple[str, ...]:
    """Common names of the bands that the indices need, each once.

    >>> bands_of(["ndvi", "bsi"])
    ('nir', 'red', 'blue', 'swir16')
    """
    return tuple(dict.fromkeys(band for name in names for band in INDICES[name].bands))


def index_cube(
    reflectance: DataCube, profile: Profile, names: Sequence[str], loaded: Sequence[str] | None = None
) -> DataCube:
    """The indices of a cube, one band each, called by ``names``: dims (t, bands, y, x).

    ``loaded``: the bands of the cube, in order, where they are more than ``bands_of(names)``.
    """
    bands = bands_of(names) if loaded is None else loaded

    def single(name: str) -> DataCube:
        value = reflectance.reduce_dimension(
            dimension=profile.band, reducer=lambda data: _values(data, profile, [name], bands)[0]
        )
        return value.add_dimension(name=profile.band, label=name, type="bands")

    # An array that replaces the bands is beyond some back-ends, a reduced dimension is not.
    if len(names) == 1 or not profile.resizes_bands:
        return reduce(lambda left, right: left.merge_cubes(right), map(single, names))
    several = reflectance.apply_dimension(
        dimension=profile.band, process=lambda data: array_create(_values(data, profile, names, bands))
    )
    # Labels stay where their number does; else they count from 0.
    source = profile.band_names(tuple(bands)) if len(bands) == len(names) else None
    return several.rename_labels(dimension=profile.band, target=list(names), source=source)


def chosen(cube: DataCube, bands: Any) -> DataCube:
    """The bands that are named by a process-graph parameter (or by an array that holds one)."""
    return cube.process("filter_bands", data=cube, bands=bands)


def _values(data: Any, profile: Profile, names: Sequence[str], loaded: Sequence[str]) -> list[Any]:
    """The indices of one pixel's bands, each band taken out of ``data`` once."""
    bands = {band: element(data, profile, band, loaded) for band in bands_of(names)}
    indices = [INDICES[name] for name in names]
    return [index.formula(**{band: bands[band] for band in index.bands}) for index in indices]


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    indices = [INDICES[name] for name in arguments["index"]]
    return (*(OutputBand(i.name, i.unit, f"median: {i.summary} {i.reference}") for i in indices), COUNT)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    index = arguments["index"]
    names = list(INDICES) if is_open(index) else index
    reflectance = load_clear(profile, bands_of(names), arguments)
    values = index_cube(reflectance, profile, names)
    if is_open(index):
        values = chosen(values, index)
    return values.reduce_dimension(dimension=profile.time, reducer="median").merge_cubes(
        clear_count(reflectance, profile)
    )


PRODUCT = Product(
    id="indices",
    summary="Median composites of spectral indices, clear of cloud",
    description=(
        "Median over the period of each chosen spectral index of Sentinel-2 surface reflectance, computed date by date "
        "from what is left after cloud, shadow, snow and defects are masked by the scene classification; and the "
        "number of clear observations of each pixel. Indices: " + ", ".join(INDICES) + "."
    ),
    inputs=(OPTICAL,),
    parameters=(
        Parameter(
            "index",
            "Which indices: " + "; ".join(f"{index.name}: {index.summary}" for index in INDICES.values()),
            {
                "type": "array",
                "items": {"type": "string", "enum": list(INDICES)},
                "minItems": 1,
                "uniqueItems": True,
            },
            default=["ndvi"],
        ),
        *PARAMETERS,
    ),
    bands=_outputs,
    cube=_cube,
    performance=(
        "This process computes all indices and then selects, since its graph cannot depend on a parameter: it reads "
        "all their bands whatever the indices. A graph generated for the indices that are wanted reads only "
        "theirs."
    ),
    references=tuple(dict.fromkeys(index.reference for index in INDICES.values())),
    limitations=(
        "Bands of 20 m (red edge, short-wave infrared) are taken at the nearest pixel of the 10 m grid; a run on this "
        "machine may interpolate them (`--resampling bilinear`), and then differs from back-ends.",
        "The scene classification calls some bright sand cloud and misses thin cirrus; see the count.",
        "A median of few observations follows the season of those; compare the count.",
    ),
    example={"index": ["ndvi", "bsi"]},
)
