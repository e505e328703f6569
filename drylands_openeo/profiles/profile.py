"""What a profile holds: the collections, processes, rules and limits of one back-end, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drylands_openeo.errors import DrylandsError

OPTICAL = "sentinel-2-l2a"
"""The role of the collection that holds Sentinel-2 surface reflectance and its scene classification."""

DEM, LAND_COVER, CLIMATE, NPP = "dem", "land-cover", "climate", "npp"
"""Roles of auxiliary data: terrain, land cover, weather, net primary production."""

VEGETATION, COARSE = "vegetation", "coarse-daily"
"""Roles of a vegetation index: monthly, and daily of a coarse sensor."""

CONDITION = "rain-use"
"""The role of the finished map of the product `rain_use`, for what is computed from it in a second pass."""

OWN_CLIMATE = ("precipitation", "pet", "tmin", "tmean", "tmax", "radiation", "wind", "humidity", "vapour_pressure")
"""What a climate of the caller's own may hold."""

MONTH = 30.4
"""Days between two dates of a monthly collection."""


@dataclass(frozen=True)
class Collection:
    """Where a back-end has the pixels of one role, and what they are.

    ``id``: for load_collection. ``url``: the STAC address for load_stac, where the back-end has no collection of its
    own. ``bands``: our name -> its name; ``further``: names of other bands it has; both empty: not known.
    ``scale``: what values are still to be multiplied by to be physical; None: not known. ``offset_applied``: what the
    back-end has taken off the values already, in the values' own units. ``classes``: bands that hold classes.
    ``conversions``: our band name -> (scale, offset) to our units, where one ``scale`` does not serve all;
    ``totals``: our names of bands that add up over time.
    ``resolution`` [m]; ``revisit`` [days] between two looks at one place; None: it has no dates.
    ``start``: first date; ``region``: west, south, east, north [degrees], None: the globe.
    ``source``: where this was read.
    """

    id: str
    bands: Mapping[str, str]
    resolution: float
    source: str
    url: str | None = None
    further: frozenset[str] = frozenset()
    scale: float | None = 1.0
    offset_applied: float = 0.0
    conversions: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    totals: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    revisit: float | None = None
    start: str | None = None
    region: tuple[float, float, float, float] | None = None

    @property
    def names(self) -> frozenset[str]:
        """Every band that is known of it, by its own name."""
        return frozenset(self.bands.values()) | self.further


@dataclass(frozen=True)
class Narrower:
    """What a back-end asks of an argument beyond the specification.

    ``schema``: JSON schema. ``literal``: it must be written out, a process-graph parameter will not do.
    """

    schema: Mapping[str, Any]
    why: str
    literal: bool = False


@dataclass(frozen=True)
class UdfRules:
    """What a back-end asks of a user-defined function.

    ``packages``: importable besides the standard library. ``parents``: processes whose callback it may be; its
    callback is then nothing else. ``words``: what must not occur in the text, with the reason.
    """

    packages: frozenset[str]
    parents: frozenset[str]
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """Where a call is refused; None: no limit known. ``sync_pixels``: pixels read by a synchronous call.

    ``items``: of one load. ``image_pixels``: width times height. ``batch``: whether there are batch jobs.
    """

    sync_pixels: float | None = None
    items: int | None = None
    image_pixels: float | None = None
    batch: bool = True


@dataclass(frozen=True)
class Credits:
    """What a run costs. ``pixels_per_second``: of one CPU, an assumption of ours; ``memory`` [GB] that goes with it."""

    sync: float
    batch: float
    per_cpu_hour: float
    per_gb_hour: float
    pixels_per_second: float
    memory: float


@dataclass(frozen=True)
class Profile:
    """One back-end.

    ``collections``: role -> collection. ``time``, ``band``: names of the dimensions (x and y are called so everywhere).
    ``scl_resolution``: pixel size [m] on which the scene classification arrives when it is loaded alone.
    ``one_grid``: whether a run may ask for one pixel size, on which then every band arrives.
    ``processes``: those offered; ``callback_processes``: those allowed inside a callback (reducer, apply).
    ``udf_runtimes``: runtime -> versions; ``udf``: rules for their code, None where there are none to keep.
    ``arguments``: (process, argument) -> what is asked beyond the specification.
    ``job_options``: what every batch job is sent with, None: no such options; ``udf_job_options``: what is different
    for jobs with functions. ``url``: of the service, where there is one for all.
    ``keeps_integers``: whether arithmetic stays in the files' integers where their metadata declare no scale.
    ``has_labels``: whether a callback can take an element by its label; otherwise by its place only.
    ``resizes_bands``: whether apply_dimension along the bands may give another number of them.
    ``sources``: where each entry was read.
    """

    name: str
    title: str
    collections: Mapping[str, Collection]
    scl_resolution: float
    processes: frozenset[str]
    callback_processes: frozenset[str]
    sources: tuple[str, ...]
    one_grid: bool = False
    udf_runtimes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    udf: UdfRules | None = None
    arguments: Mapping[tuple[str, str], Narrower] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    credits: Credits | None = None
    job_options: Mapping[str, Any] | None = None
    udf_job_options: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None
    keeps_integers: bool = False
    has_labels: bool = True
    resizes_bands: bool = True
    time: str = "t"
    band: str = "bands"

    @property
    def bands(self) -> Mapping[str, str]:
        """Common name -> band name of the optical collection."""
        return self.of(OPTICAL).bands

    @property
    def reflectance_scale(self) -> float:
        """What pixel values are still to be multiplied by to be reflectance 0..1; the offset is applied everywhere."""
        scale = self.of(OPTICAL).scale
        if scale is None:
            raise DrylandsError(f"back-end {self.name!r}: the scale of {OPTICAL!r} is not known")
        return scale

    def of(self, role: str) -> Collection:
        """The collection that plays ``role``.

        >>> from drylands_openeo.profiles import get_profile
        >>> get_profile("cdse").of("dem").resolution
        30.0
        """
        if role not in self.collections:
            raise DrylandsError(
                f"back-end {self.name!r} has no collection for {role!r}; it has: {', '.join(sorted(self.collections))}"
            )
        return self.collections[role]

    def collection(self, role: str) -> str:
        """The id of the collection that plays ``role``.

        >>> from drylands_openeo.profiles import get_profile
        >>> get_profile("cdse").collection(OPTICAL)
        'SENTINEL2_L2A'
        """
        return self.of(role).id

    def band_names(self, names: tuple[str, ...], role: str = OPTICAL) -> list[str]:
        """The back-end's names of bands given by our names.

        >>> from drylands_openeo.profiles import get_profile
        >>> get_profile("cdse").band_names(("red", "nir08", "scl"))
        ['B04', 'B8A', 'SCL']
        """
        bands = self.of(role).bands
        unknown = [name for name in names if name not in bands]
        if unknown:
            raise DrylandsError(f"bands {unknown} are not known; common names are: {', '.join(bands)}")
        return [bands[name] for name in names]

    def with_stac(self, role: str, url: str) -> "Profile":
        """The same back-end, with a role's pixels loaded from a STAC collection of the caller's own.

        Images of Sentinel-2 keep the back-end's names and scale. A climate has months, by our names and in our units;
        of any other role neither names nor scale are known, whatever the back-end's own collection has.
        """
        source = "given by the caller"
        own = Collection(role, {}, 1000.0, source, url=url, scale=None)
        if role == CLIMATE:
            own = replace(own, bands={name: name for name in OWN_CLIMATE}, scale=1.0, revisit=MONTH)
        elif role == OPTICAL and role in self.collections:
            own = replace(self.collections[role], url=url, source=source)
        return replace(self, collections={**self.collections, role: own})


def names(text: str) -> frozenset[str]:
    """Words of a text."""
    return frozenset(text.split())
