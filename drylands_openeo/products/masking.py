"""Clear-sky reflectance: the scene classification as a mask, eroded and dilated in metres, in pure process graph.

Why these defaults: docs/methods/masking.md.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from openeo import DataCube

from drylands_openeo.bands import SCL, SCL_CLASSES, SCL_KEEP
from drylands_openeo.errors import DrylandsError
from drylands_openeo.product import Arguments, Parameter
from drylands_openeo.products.loading import element, load
from drylands_openeo.profiles import OPTICAL, Profile

NEVER_VALID = (0, 1)
"""No data, saturated or defective: dropped always, and never grown, for what is beside them is sound."""

PRESENT = tuple(code for code in SCL_CLASSES if code not in NEVER_VALID)

EROSION, DILATION = 20.0, 200.0

PARAMETERS = (
    Parameter(
        "keep",
        "Classes of the scene classification to keep: " + ", ".join(f"{c} {SCL_CLASSES[c]}" for c in PRESENT) + ".",
        {
            "type": "array",
            "items": {"type": "integer", "enum": list(PRESENT)},
            "minItems": 1,
            "uniqueItems": True,
        },
        default=list(SCL_KEEP),
        fixed=True,
    ),
    Parameter(
        "erosion",
        "How much [m] the rejected areas shrink before they grow: specks narrower than twice this vanish.",
        {"type": "number", "minimum": 0, "maximum": 500},
        default=EROSION,
        fixed=True,
    ),
    Parameter(
        "dilation",
        "How far [m] beyond the rejected areas pixels are dropped as well.",
        {"type": "number", "minimum": 0, "maximum": 2000},
        default=DILATION,
        fixed=True,
    ),
)
"""The parameters that every product of optical images shares."""


def load_clear(profile: Profile, bands: Sequence[str], arguments: Arguments) -> DataCube:
    """Reflectance [0..1] of ``bands`` (common names), no data where it is not clear: dims (t, bands, y, x)."""
    scl = load(profile, OPTICAL, [SCL], arguments)
    masked = clear(
        load(profile, OPTICAL, bands, arguments),
        scl,
        profile,
        keep=arguments["keep"],
        erosion=arguments["erosion"],
        dilation=arguments["dilation"],
        resolution=arguments["resolution"] if profile.one_grid and arguments["resolution"] else profile.scl_resolution,
    )
    if profile.reflectance_scale == 1.0:
        return masked
    return masked.apply(process=lambda x: x * profile.reflectance_scale)


def clear(
    reflectance: DataCube,
    scl: DataCube,
    profile: Profile,
    *,
    keep: Sequence[int] = SCL_KEEP,
    erosion: float = EROSION,
    dilation: float = DILATION,
    resolution: float = 20.0,
) -> DataCube:
    """``reflectance`` without the pixels whose class in ``scl`` (pixel size ``resolution`` [m]) is not to be kept.

    A class that is present and not in ``keep`` is rejected. The rejected set is eroded by ``erosion`` [m] and dilated
    by ``erosion + dilation`` [m], both with squares. Pixels without a class are dropped themselves, but count as not
    rejected for their neighbours; the cube's border neither shrinks nor grows anything.

    Raises DrylandsError where the back-end has no apply_kernel and a distance is not 0.
    """
    if "apply_kernel" not in profile.processes and (erosion or dilation):
        raise DrylandsError(
            f"back-end {profile.name!r} has no apply_kernel, so that nothing can shrink or grow: give erosion 0 and "
            f"dilation 0 (given: {erosion} and {dilation} m)"
        )
    rejected = [code for code in PRESENT if code not in keep]
    shrunk, grown = radius(erosion, resolution), radius(dilation, resolution)
    if not rejected:
        dropped = _without_class(scl, profile)
    elif not shrunk + grown:
        dropped = _classes(scl, profile, keep, inside=0, outside=1)
    else:
        # A mask is what is not zero, so the sum is the union: one pass over the reflectance instead of two.
        near = _grown(scl, profile, rejected, shrunk, grown)
        dropped = _without_class(scl, profile).merge_cubes(near, overlap_resolver="add")
    return reflectance.mask(dropped.resample_cube_spatial(reflectance, method="near"))


def radius(metres: float, resolution: float) -> int:
    """A distance in whole pixels, halves up.

    >>> radius(200, 20), radius(30, 20), radius(20, 60)
    (10, 2, 0)
    """
    return int(metres / resolution + 0.5)


def _grown(scl: DataCube, profile: Profile, rejected: Sequence[int], erosion: int, dilation: int) -> DataCube:
    """1 where a pixel is to be dropped for a rejected one near by, else 0."""
    core = _classes(scl, profile, rejected, inside=1, outside=0)
    if erosion:
        # Erosion is dilation of the complement: with it the zeros beyond the border, the only ones that every back-end
        # offers, are neutral.
        others = _classes(scl, profile, rejected, inside=0, outside=1)
        core = _near(others, erosion).apply(process=lambda x: (x < 0.5).if_(accept=1, reject=0))
    if not erosion + dilation:
        return core
    return _near(core, erosion + dilation).apply(process=lambda x: (x > 0.5).if_(accept=1, reject=0))


def _near(ones: DataCube, pixels: int) -> DataCube:
    """How many ones stand in the square around each pixel. Square and odd, as CDSE needs its kernels."""
    side = 2 * pixels + 1
    return ones.apply_kernel(kernel=[[1] * side for _ in range(side)], factor=1, border=0, replace_invalid=0)


def _without_class(scl: DataCube, profile: Profile) -> DataCube:
    """1 where there is no data or a defective pixel, else 0."""

    def reducer(data: Any) -> Any:
        # No data makes a comparison null, and `if` takes null for false.
        return (element(data, profile, SCL, [SCL]) > max(NEVER_VALID)).if_(accept=0, reject=1)

    return scl.reduce_dimension(dimension=profile.band, reducer=reducer)


def _classes(scl: DataCube, profile: Profile, codes: Sequence[int], *, inside: int, outside: int) -> DataCube:
    """``inside`` where the class is one of ``codes``, ``outside`` elsewhere, also where there is no class."""

    def reducer(data: Any) -> Any:
        code = element(data, profile, SCL, [SCL])
        member = reduce(lambda left, right: left.or_(right), [code == value for value in codes])
        return member.if_(accept=inside, reject=outside)

    return scl.reduce_dimension(dimension=profile.band, reducer=reducer)
