"""Where and when: an area on the globe and a period of time, checked when they are made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from shapely.geometry import box, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from drylands_openeo.errors import DrylandsError


@dataclass(frozen=True)
class Area:
    """A region in longitude and latitude [degrees, WGS 84].

    >>> Area.of([114.9, 42.4, 115.1, 42.6]).bbox
    (114.9, 42.4, 115.1, 42.6)
    """

    geometry: BaseGeometry

    def __post_init__(self) -> None:
        if self.geometry.is_empty:
            raise DrylandsError("the area is empty; give a bounding box or a polygon with an extent")
        west, south, east, north = self.geometry.bounds
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise DrylandsError(
                f"area bounds {self.geometry.bounds} are not in degrees: give west < east in -180..180, "
                "south < north in -90..90"
            )

    @classmethod
    def of(cls, some: "Area | Sequence[float] | Mapping[str, Any] | str | Path") -> "Area":
        """From a bounding box [west, south, east, north], a GeoJSON object, or a GeoJSON file."""
        if isinstance(some, Area):
            return some
        if isinstance(some, str | Path):
            return cls(_geojson_geometry(_read_geojson(Path(some)), str(some)))
        if isinstance(some, Mapping):
            return cls(_geojson_geometry(some, "the mapping given"))
        values = [float(value) for value in some]
        if len(values) != 4 or not (values[0] < values[2] and values[1] < values[3]):
            raise DrylandsError(
                f"area {values} is not a bounding box [west, south, east, north] with west < east, south < north"
            )
        west, south, east, north = values
        return cls(box(west, south, east, north))

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) [degrees]."""
        west, south, east, north = self.geometry.bounds
        return (west, south, east, north)

    @property
    def geojson(self) -> dict[str, Any]:
        """The GeoJSON geometry."""
        return dict(mapping(self.geometry))

    @property
    def spatial_extent(self) -> dict[str, float]:
        """The bounding box as openEO writes it."""
        return dict(zip(("west", "south", "east", "north"), self.bbox, strict=True))


def _read_geojson(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise DrylandsError(f"area file {str(path)!r} does not exist; give a GeoJSON file or west,south,east,north")
    try:
        content = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DrylandsError(f"area file {str(path)!r} is not GeoJSON: {error}") from error
    if not isinstance(content, dict):
        raise DrylandsError(f"area file {str(path)!r} is not a GeoJSON object")
    return content


def _geojson_geometry(content: Mapping[str, Any], origin: str) -> BaseGeometry:
    match content.get("type"):
        case "FeatureCollection":
            return unary_union([_geojson_geometry(feature, origin) for feature in content.get("features", [])])
        case "Feature":
            return _geojson_geometry(content.get("geometry") or {}, origin)
        case "Polygon" | "MultiPolygon" | "GeometryCollection":
            return shape(dict(content))
    raise DrylandsError(f"{origin}: GeoJSON type {content.get('type')!r} has no area; give a Polygon or MultiPolygon")


@dataclass(frozen=True)
class Period:
    """A time interval, closed at its start and open at its end, in UTC.

    >>> Period.of("2020/2022").interval
    ('2020-01-01', '2023-01-01')
    >>> Period.of("2020-06-01/2020-06-30").days
    30
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise DrylandsError(f"period start {self.start.isoformat()} is not before its end {self.end.isoformat()}")

    @classmethod
    def of(cls, some: "Period | str | Sequence[Any]") -> "Period":
        """From "2020", "2020-05", "2020-01-01/2020-12-31" (last day included), or openEO's [start, end) pair."""
        if isinstance(some, Period):
            return some
        if isinstance(some, str):
            first, _, last = some.partition("/")
            return cls(_moment(first), _after(last or first))
        pair = list(some)
        if len(pair) != 2:
            raise DrylandsError(f"period {some!r} is not a text 'start/end' nor a pair [start, end)")
        return cls(_moment(pair[0]), _moment(pair[1]))

    @property
    def days(self) -> int:
        """Whole days in the period."""
        return (self.end - self.start).days

    @property
    def interval(self) -> tuple[str, str]:
        """[start, end) as openEO's temporal extent; dates where the times are midnight."""
        return (_text(self.start), _text(self.end))


def _moment(some: Any) -> datetime:
    """The first instant of a date, month, year, or an RFC 3339 time."""
    if isinstance(some, datetime):
        return some if some.tzinfo else some.replace(tzinfo=UTC)
    if isinstance(some, date):
        return datetime(some.year, some.month, some.day, tzinfo=UTC)
    text = str(some).strip()
    padded = {4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text)
    try:
        moment = datetime.fromisoformat(padded)
    except ValueError:
        raise DrylandsError(
            f"{text!r} is not a date; write 2020, 2020-05, 2020-05-31 or 2020-05-31T10:00:00Z"
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _after(text: str) -> datetime:
    """The instant after the last one that a year, month, day or time names."""
    start = _moment(text)
    match len(text.strip()):
        case 4:
            return start.replace(year=start.year + 1)
        case 7:
            return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
        case 10:
            return start + timedelta(days=1)
    return start


def _text(moment: datetime) -> str:
    midnight = (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
    return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%SZ")
