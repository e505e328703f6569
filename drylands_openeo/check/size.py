"""How much a graph reads, what that costs, and whether a synchronous call will be refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, radians
from typing import Any

from drylands_openeo.area import Period
from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.loads import box_of, collection_of, is_degrees, loads
from drylands_openeo.check.scopes import Call, Subject
from drylands_openeo.errors import DrylandsError
from drylands_openeo.profiles import Profile

SYNC = Rule("size.synchronous", "warning", "The back-end refuses a synchronous call of that size.")
ITEMS = Rule(
    "size.items", "warning", "The back-end refuses to load more images at once, unless it is set up otherwise."
)
IMAGE = Rule("size.image", "warning", "The back-end refuses larger images, unless it is set up otherwise.")

RULES = (SYNC, ITEMS, IMAGE)

METRES_A_DEGREE = 111_320.0
RESOLUTION, REVISIT = 10.0, 5.0
"""What a collection that is not known is taken to have."""


@dataclass(frozen=True)
class Load:
    """What one node reads; ``pixels`` counts every band of every date."""

    node: str
    image: float
    dates: float
    bands: int

    @property
    def pixels(self) -> float:
        """image x dates x bands."""
        return self.image * self.dates * self.bands


@dataclass(frozen=True)
class Size:
    """What a graph reads and costs; credits None where the back-end has none. ``complete``: every load is in it.

    Credits of a batch job are an estimate within a factor of ten: the back-end's prices are known, its speed is not.
    """

    loads: tuple[Load, ...]
    complete: bool
    sync_credits: float | None
    batch_credits: float | None

    @property
    def pixels(self) -> float:
        """Of every load."""
        return sum(load.pixels for load in self.loads)


def estimate(subject: Subject) -> Size:
    """The size of a graph: loads whose area or period is left open are left out."""
    found = [_load(call, subject.profile) for call in loads(subject)]
    known = tuple(load for load in found if load is not None)
    pixels, credits = sum(load.pixels for load in known), subject.profile.credits
    if credits is None:
        return Size(known, None not in found, None, None)
    hours = pixels / credits.pixels_per_second / 3600
    batch = credits.batch + hours * (credits.per_cpu_hour + credits.memory * credits.per_gb_hour)
    return Size(known, None not in found, credits.sync, batch)


def check_size(subject: Subject) -> Iterator[Finding]:
    """What is too much for a synchronous call."""
    size, limits = estimate(subject), subject.profile.limits
    smaller = "Take a smaller area or a shorter period."
    if limits.sync_pixels is not None and size.pixels > limits.sync_pixels:
        what = f"about {size.pixels:.1e} pixels are read; the limit is {limits.sync_pixels:.0e}"
        yield SYNC.at("", what, "Send it as a batch job." if limits.batch else smaller)
    for load in size.loads:
        if limits.items is not None and load.dates > limits.items:
            what = f"about {load.dates:.0f} images are loaded; the limit is {limits.items}"
            yield ITEMS.at(load.node, what, smaller)
        if limits.image_pixels is not None and load.image > limits.image_pixels:
            what = f"an image has about {load.image:.1e} pixels; the limit is {limits.image_pixels:.0e}"
            yield IMAGE.at(load.node, what, smaller)


def _load(call: Call, profile: Profile) -> Load | None:
    collection = collection_of(call, profile)
    resolution = RESOLUTION if collection is None else collection.resolution
    metres = _square_metres(call.arguments.get("spatial_extent"))
    revisit = REVISIT if collection is None else collection.revisit
    days = _days(call.arguments.get("temporal_extent")) if revisit is not None else 1.0
    if metres is None or days is None:
        return None
    bands = call.arguments.get("bands")
    count = len(bands) if isinstance(bands, list) else max(len(collection.names) if collection is not None else 1, 1)
    return Load(call.path, metres / resolution**2, max(days / revisit, 1.0) if revisit else 1.0, count)


def _square_metres(extent: Any) -> float | None:
    box = box_of(extent)
    if box is None:
        return None
    west, south, east, north = box
    if not is_degrees(extent):
        return (east - west) * (north - south)
    return (east - west) * (north - south) * METRES_A_DEGREE**2 * cos(radians((south + north) / 2))


def _days(extent: Any) -> float | None:
    if not isinstance(extent, list) or not all(isinstance(end, str) for end in extent):
        return None
    try:
        return float(Period.of(extent).days)
    except DrylandsError:
        return None
