"""The cubes that covariates are bands of, one function a kind: (bands, y, x), bands by the covariates' names."""

from collections.abc import Sequence
from typing import Any

from openeo import DataCube
from openeo.internal.graph_building import PGNode
from openeo.processes import array_create

from drylands_openeo.bands import BY_NAME
from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import Arguments, is_open
from drylands_openeo.products.auxiliary import load_auxiliary, named
from drylands_openeo.products.climate import load_climate
from drylands_openeo.products.covariates import QUARTERS, Covariate
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.harmonic_ndvi import KERNEL as HARMONIC_KERNEL
from drylands_openeo.products.indices import bands_of, index_cube
from drylands_openeo.products.masking import load_clear
from drylands_openeo.products.texture import textured
from drylands_openeo.profiles import CLIMATE, DEM, Profile

LOWEST = -1000.0
"""Below every elevation [m]: a comparison of no data is null, which `if` takes for false."""

WHOLE = 8.5
"""Of the nine pixels of a slope all must be there."""


def needed_bands(wanted: Sequence[Covariate]) -> tuple[str, ...]:
    """Common names of the Sentinel-2 bands behind covariates, each once."""
    found = [
        band
        for one in wanted
        if one.kind not in ("terrain", "climate")
        for band in ((one.layer,) if one.layer in BY_NAME else bands_of([one.layer]))
    ]
    bare = ["red", "nir", "swir16", "swir22"] if any(one.kind == "bare" for one in wanted) else []
    return tuple(dict.fromkeys([*found, *bare]))


def medians(reflectance: DataCube, profile: Profile, wanted: Sequence[Covariate], arguments: Arguments) -> DataCube:
    """Medians over the period."""
    return _median(layers(reflectance, profile, [one.layer for one in wanted]), profile, wanted)


def bare_soil(reflectance: DataCube, profile: Profile, wanted: Sequence[Covariate], arguments: Arguments) -> DataCube:
    """Medians over the dates on which neither green (NDVI) nor dry (NBR2) plants cover the soil."""

    def covered(data: Any) -> Any:
        band = {name: data.array_element(label=profile.bands[name]) for name in ("red", "nir", "swir16", "swir22")}
        green = INDICES["ndvi"].formula(nir=band["nir"], red=band["red"]) > arguments["bare_ndvi"]
        dry = INDICES["nbr2"].formula(swir16=band["swir16"], swir22=band["swir22"]) > arguments["bare_nbr2"]
        return green.or_(dry).if_(accept=1, reject=0)

    bare = reflectance.mask(reflectance.reduce_dimension(dimension=profile.band, reducer=covered))
    return _median(layers(bare, profile, [one.layer for one in wanted]), profile, wanted)


def quarters(reflectance: DataCube, profile: Profile, wanted: Sequence[Covariate], arguments: Arguments) -> DataCube:
    """Of each quarter the mean over the years of its medians."""
    cubes = []
    for number, quarter in enumerate(QUARTERS):
        chosen = [one for one in wanted if one.part == quarter]
        if not chosen:
            continue
        stack = layers(reflectance, profile, [one.layer for one in chosen])
        intervals = _intervals(arguments["quarters"], number)
        seasonal = stack.aggregate_temporal(intervals=intervals, reducer="median", dimension=profile.time)
        mean = seasonal.reduce_dimension(dimension=profile.time, reducer="mean")
        cubes.append(named(mean, profile, [one.layer for one in chosen], [one.name for one in chosen]))
    return merged(cubes)


def harmonics(reflectance: DataCube, profile: Profile, wanted: Sequence[Covariate], arguments: Arguments) -> DataCube:
    """Parts of the curve with one harmonic, index by index."""
    cubes = []
    for index in dict.fromkeys(one.layer for one in wanted):
        chosen = [one for one in wanted if one.layer == index]
        kernel = HARMONIC_KERNEL.remote(harmonics=1, trend=False, method="hants")
        fitted = index_cube(reflectance, profile, [index]).reduce_dimension(dimension=profile.time, reducer=kernel)
        parts = HARMONIC_KERNEL.module.outputs(1, False)
        curve = fitted.rename_labels(dimension=profile.band, target=parts)
        kept = only(curve, [one.part for one in chosen])
        cubes.append(named(kept, profile, [one.part for one in chosen], [one.name for one in chosen]))
    return merged(cubes)


def textures(reflectance: DataCube, profile: Profile, wanted: Sequence[Covariate], arguments: Arguments) -> DataCube:
    """Features of the bands' medians."""
    bands = list(dict.fromkeys(one.layer for one in wanted))
    features = list(dict.fromkeys(one.part for one in wanted))
    median = layers(reflectance, profile, bands).reduce_dimension(dimension=profile.time, reducer="median")
    made = textured(median, arguments, features)
    every = [f"{band}_{feature}" for band in bands for feature in features]
    return only(made.rename_labels(dimension=profile.band, target=every), [one.name for one in wanted])


def terrain(target: DataCube, profile: Profile, wanted: Sequence[Covariate], arguments: Arguments) -> DataCube:
    """Elevation [m] and slope (rise over run) on the pixels of ``target``; the outermost pixels have no slope."""
    loaded = load_auxiliary(profile, DEM, [arguments["dem_band"]], arguments)
    flat = loaded.reduce_dimension(dimension=profile.time, reducer="mean")
    elevation = named(flat, profile, [arguments["dem_band"]], ["elevation"])
    elevation = elevation.resample_cube_spatial(target, method="bilinear")
    cubes = {"elevation": elevation}
    if any(one.layer == "slope" for one in wanted):
        cubes["slope"] = named(_slope(elevation, arguments["resolution"]), profile, ["elevation"], ["slope"])
    return merged([cubes[one.layer] for one in wanted])


def climate(target: DataCube, profile: Profile, wanted: Sequence[Covariate], arguments: Arguments) -> DataCube:
    """Means of the climate over the period on the pixels of ``target``: by month and in our units where it is the
    back-end's, else as the collection has it."""
    bands, where = [one.layer for one in wanted], arguments[CLIMATE]
    if is_open(where) or where:
        loaded = load_auxiliary(profile, CLIMATE, bands, arguments)
    else:
        loaded = only(load_climate(profile, bands, arguments), bands)
    mean = loaded.reduce_dimension(dimension=profile.time, reducer="mean")
    return named(mean, profile, bands, [one.name for one in wanted]).resample_cube_spatial(target, method="bilinear")


OPTICAL_KINDS = {"median": medians, "bare": bare_soil, "quarter": quarters, "harmonic": harmonics, "texture": textures}

OTHER_KINDS = {"terrain": terrain, "climate": climate}


def covariate_cube(profile: Profile, wanted: Sequence[Covariate], arguments: Arguments) -> DataCube:
    """All covariates in their order: dims (bands, y, x) on the pixels of Sentinel-2."""
    bands = needed_bands(wanted)
    if not bands:
        raise DrylandsError(f"covariates {[one.name for one in wanted]}: at least one must come from Sentinel-2")
    reflectance = load_clear(profile, bands, arguments)
    arguments = {**arguments, "resolution": _pixel(profile, bands, arguments)}
    of_kind = {kind: [one for one in wanted if one.kind == kind] for kind in (*OPTICAL_KINDS, *OTHER_KINDS)}
    cube = merged(
        [make(reflectance, profile, of_kind[kind], arguments) for kind, make in OPTICAL_KINDS.items() if of_kind[kind]]
    )
    others = [make(cube, profile, of_kind[kind], arguments) for kind, make in OTHER_KINDS.items() if of_kind[kind]]
    return only(merged([cube, *others]), [one.name for one in wanted])


def _pixel(profile: Profile, bands: Sequence[str], arguments: Arguments) -> float:
    """Pixel size [m] of the reflectance: that of a run on one grid, else of the finest band."""
    if profile.one_grid and arguments["resolution"]:
        return float(arguments["resolution"])
    return float(min(BY_NAME[band].resolution for band in bands))


def layers(reflectance: DataCube, profile: Profile, names: Sequence[str]) -> DataCube:
    """Bands and indices of each date, called by ``names``: dims (t, bands, y, x)."""
    if all(name in BY_NAME for name in names):
        own = profile.band_names(tuple(names))
        return named(only(reflectance, own), profile, own, list(names))
    if len(names) == 1:
        return index_cube(reflectance, profile, names)
    sources = list(dict.fromkeys(_sources(names)))
    own = profile.band_names(tuple(sources))

    def values(data: Any) -> Any:
        bands = {band: data.array_element(label=label) for band, label in zip(sources, own, strict=True)}
        return array_create([_value(name, bands) for name in names])

    several = only(reflectance, own).apply_dimension(dimension=profile.band, process=values)
    return renumbered(several, profile, own, names)


def renumbered(cube: DataCube, profile: Profile, before: Sequence[str], after: Sequence[str]) -> DataCube:
    """The result of apply_dimension along bands ``before``, called ``after``: labels stay where their number does."""
    source = list(before) if len(before) == len(after) else None
    return cube.rename_labels(dimension=profile.band, target=list(after), source=source)


def only(cube: DataCube, bands: Sequence[str]) -> DataCube:
    """The cube with these bands, in this order."""
    return cube.process("filter_bands", data=cube, bands=list(bands))


def merged(cubes: Sequence[DataCube]) -> DataCube:
    """Cubes of different bands as one."""
    first, *others = cubes
    for other in others:
        first = first.merge_cubes(other)
    return first


def _sources(names: Sequence[str]) -> list[str]:
    return [band for name in names for band in ((name,) if name in BY_NAME else INDICES[name].bands)]


def _value(name: str, bands: dict[str, Any]) -> Any:
    if name in BY_NAME:
        return bands[name]
    return INDICES[name].formula(**{band: bands[band] for band in INDICES[name].bands})


def _median(stack: DataCube, profile: Profile, wanted: Sequence[Covariate]) -> DataCube:
    median = stack.reduce_dimension(dimension=profile.time, reducer="median")
    return named(median, profile, [one.layer for one in wanted], [one.name for one in wanted])


def _intervals(quarters: Any, number: int) -> Any:
    if is_open(quarters):
        return PGNode("array_element", data=quarters, index=number)
    if not quarters[number]:
        raise DrylandsError(f"no quarter {number + 1} lies in the period: give a longer one, or parameter 'quarters'")
    return quarters[number]


def _slope(elevation: DataCube, pixel: float) -> DataCube:
    """Horn's (1981) gradient by two kernels; none where a neighbour is missing, whose zero would count as sea level."""
    east = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    north = [[row[column] for row in east] for column in range(3)]

    def near(cube: DataCube, kernel: list[list[int]], factor: float) -> DataCube:
        return cube.apply_kernel(kernel=kernel, factor=factor, border=0, replace_invalid=0)

    across, along = (
        near(elevation, kernel, 1 / (8 * pixel)).apply(process=lambda x: x * x) for kernel in (east, north)
    )
    there = elevation.apply(process=lambda x: (x > LOWEST).if_(accept=1, reject=0))
    incomplete = near(there, [[1] * 3] * 3, 1).apply(process=lambda x: (x < WHOLE).if_(accept=1, reject=0))
    steep = across.merge_cubes(along, overlap_resolver=lambda x, y: x + y).apply(process="sqrt")
    return steep.mask(incomplete)
