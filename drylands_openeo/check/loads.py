"""What is loaded: collection, bands, area and period."""

from collections.abc import Iterator, Mapping
from typing import Any

from drylands_openeo.area import Period
from drylands_openeo.check.finding import Finding, Rule
from drylands_openeo.check.scopes import Call, Subject
from drylands_openeo.errors import DrylandsError
from drylands_openeo.profiles import Collection, Profile

COLLECTION = Rule("load.collection", "warning", "Its bands, values and dates cannot be checked.")
BANDS = Rule("load.bands", "error", "The back-end refuses a band that the collection does not have.")
ALL_BANDS = Rule("load.all-bands", "warning", "Every band is read, and paid for.")
NO_EXTENT = Rule("load.no-extent", "warning", "Without a limit a back-end reads everything, or refuses.")
AREA = Rule("load.area", "error", "An area turned round or out of range holds no pixel.")
OUTSIDE = Rule("load.outside", "warning", "There are no data; the result is empty or the job fails.")
PERIOD = Rule("load.period", "error", "An interval is [start, end): an empty one holds no date.")

RULES = (COLLECTION, BANDS, ALL_BANDS, NO_EXTENT, AREA, OUTSIDE, PERIOD)

LOADS = {"load_collection": "id", "load_stac": "url"}
"""Process -> the argument that names the collection."""


def loads(subject: Subject) -> Iterator[Call]:
    """The nodes that load."""
    return (call for call in subject.calls if call.process_id in LOADS and not call.is_foreign)


def collection_of(call: Call, profile: Profile) -> Collection | None:
    """The collection that a node loads; None where the profile does not know it."""
    wanted = call.arguments.get(LOADS[call.process_id])
    for collection in profile.collections.values():
        found = collection.id if call.process_id == "load_collection" else collection.url
        if found is not None and found == wanted and not (call.process_id == "load_collection" and collection.url):
            return collection
    return None


def check_loads(subject: Subject) -> Iterator[Finding]:
    """Faults in what is loaded."""
    for call in loads(subject):
        collection = collection_of(call, subject.profile)
        yield from _bands(call, collection, subject.profile)
        yield from _area(call, collection)
        if call.arguments.get("temporal_extent") is None and (collection is None or collection.revisit is not None):
            yield NO_EXTENT.at(call.path, "no temporal_extent", "Give 'temporal_extent'.")
        yield from _period(call, call.arguments.get("temporal_extent"), collection)
    for call in subject.calls:
        if call.process_id == "filter_temporal" and not call.is_foreign:
            yield from _period(call, call.arguments.get("extent"), None)


def _bands(call: Call, collection: Collection | None, profile: Profile) -> Iterator[Finding]:
    wanted = call.arguments.get(LOADS[call.process_id])
    if collection is None and isinstance(wanted, str):
        known = ", ".join(c.url or c.id for c in profile.collections.values())
        yield COLLECTION.at(
            call.path, f"{wanted!r} is not known of {profile.name!r}", f"Make sure that it exists. Known are: {known}."
        )
    bands = call.arguments.get("bands")
    if bands is None:
        yield ALL_BANDS.at(call.path, "no bands are chosen", "Give 'bands'.")
    elif collection is not None and collection.names and isinstance(bands, list):
        for band in bands:
            if isinstance(band, str) and band not in collection.names:
                known = ", ".join(sorted(collection.names))
                yield BANDS.at(call.path, f"{collection.id} has no band {band!r}", f"It has: {known}.")


def _area(call: Call, collection: Collection | None) -> Iterator[Finding]:
    extent = call.arguments.get("spatial_extent")
    if extent is None:
        yield NO_EXTENT.at(call.path, "no spatial_extent", "Give 'spatial_extent'.")
        return
    box = box_of(extent)
    if box is None:
        return
    west, south, east, north = box
    if west >= east or south >= north:
        yield AREA.at(
            call.path, f"the area runs from {west}, {south} to {east}, {north}", "Give west < east, south < north."
        )
    elif is_degrees(extent) and not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        yield AREA.at(call.path, f"{box} are no degrees", "Give degrees, or the 'crs' of the numbers.")
    elif collection is not None and collection.region is not None and is_degrees(extent):
        w, s, e, n = collection.region
        if east <= w or west >= e or north <= s or south >= n:
            yield OUTSIDE.at(call.path, f"{collection.id} covers {collection.region} only", "Take another collection.")


def _period(call: Call, extent: Any, collection: Collection | None) -> Iterator[Finding]:
    if not isinstance(extent, list) or len(extent) != 2 or not all(isinstance(end, str) for end in extent):
        return
    try:
        period = Period.of(extent)
    except DrylandsError as error:
        yield PERIOD.at(call.path, str(error), "Give [start, end), start before end, as YYYY-MM-DD.")
        return
    if collection is not None and collection.start is not None and period.interval[1] <= collection.start:
        yield OUTSIDE.at(call.path, f"{collection.id} begins {collection.start}", "Take a later period.")


def box_of(extent: Any) -> tuple[float, float, float, float] | None:
    """West, south, east, north of an openEO bounding box; None for anything else."""
    if not isinstance(extent, Mapping):
        return None
    sides = [extent.get(key) for key in ("west", "south", "east", "north")]
    west, south, east, north = (float(s) if isinstance(s, int | float) else None for s in sides)
    if west is None or south is None or east is None or north is None:
        return None
    return west, south, east, north


def is_degrees(extent: Mapping[str, Any]) -> bool:
    """Whether a bounding box is in longitude and latitude.

    >>> is_degrees({"west": 1, "crs": 32650}), is_degrees({"west": 1, "crs": "EPSG:4326"})
    (False, True)
    """
    return str(extent.get("crs") or 4326).upper().removeprefix("EPSG:") in ("4326", "OGC:CRS84")
