"""Dates and times as texts: compared, shifted, and their parts replaced; time zones are kept."""

import re
from calendar import monthrange
from datetime import datetime, timedelta
from typing import Any

from drylands_openeo.engine.processes.instants import DATE, instant, require_instant
from drylands_openeo.engine.registry import process
from drylands_openeo.errors import GraphError

SECONDS = {"millisecond": 0.001, "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
BOUNDS = {"millisecond": (0, 999), "second": (0, 59), "minute": (0, 59), "hour": (0, 23), "month": (1, 12)}


@process
def date_between(x: Any, min: Any, max: Any, exclude_max: bool = False) -> Any:
    """Whether an instant lies from ``min`` to ``max``, the end included by default."""
    if x is None:
        return None
    moment, start, end = require_instant(x), require_instant(min), require_instant(max)
    return start <= moment < end if exclude_max else start <= moment <= end


@process
def date_difference(date1: Any, date2: Any, unit: str = "second") -> float:
    """The time from ``date1`` to ``date2`` in a unit, with its fraction; months and years by the calendar.

    >>> date_difference("2020-01-02", "2020-01-01", unit="day"), date_difference("2020-01-16", "2020-02-16", "month")
    (-1.0, 1.0)
    """
    first, second = require_instant(date1), require_instant(date2)
    if unit in ("month", "year"):
        return _months(first, second) / (12 if unit == "year" else 1)
    return (second - first).total_seconds() / _seconds(unit, without="week")


@process
def date_shift(date: Any, value: int, unit: str) -> Any:
    """A date moved by a number of units; a day that the month does not have becomes its last.

    >>> date_shift("2020-01-31", 1, "month"), date_shift("2018-12-31T17:22:45Z", 1150, "millisecond")
    ('2020-02-29', '2018-12-31T17:22:46.150Z')
    """
    moment, zone = _parts(date)
    if unit in ("month", "year"):
        shifted = _plus_months(moment, int(value) * (12 if unit == "year" else 1))
    else:
        shifted = moment + timedelta(seconds=value * _seconds(unit))
    return _written(shifted, zone)


@process
def date_replace_component(date: Any, component: str, value: int) -> Any:
    """A date with one part replaced, clipped to what the part can be.

    >>> date_replace_component("2023-01-30", "day", -40), date_replace_component("2020-02-01T17:22:45Z", "month", 6)
    ('2023-01-01', '2020-06-01T17:22:45Z')
    """
    moment, zone = _parts(date)
    if component == "year":
        changed = _plus_months(moment, (value - moment.year) * 12)
    elif component == "month":
        changed = _plus_months(moment, _clipped(value, *BOUNDS["month"]) - moment.month)
    elif component == "day":
        changed = moment.replace(day=_clipped(value, 1, monthrange(moment.year, moment.month)[1]))
    elif component in BOUNDS:
        part = _clipped(value, *BOUNDS[component])
        zone = "Z" if zone is None else zone
        changed = moment.replace(**_clock(component, part))  # type: ignore[arg-type]
    else:
        raise GraphError(f"a date has no component {component!r}", code="ArgumentInvalid")
    return _written(changed, zone)


def _clock(component: str, part: int) -> dict[str, int]:
    return {"microsecond": part * 1000} if component == "millisecond" else {component: part}


def _clipped(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _seconds(unit: str, *, without: str = "") -> float:
    if unit not in SECONDS or unit == without:
        raise GraphError(
            f"{unit!r} is no unit of time; give {', '.join(SECONDS)}, month or year", code="ArgumentInvalid"
        )
    return SECONDS[unit]


def _parts(date: Any) -> tuple[datetime, str | None]:
    """The local date and time of a text, and its zone as written; None for a date without time."""
    require_instant(date)
    zone = re.search(r"([Zz]|[+-]\d{2}:\d{2})$", date)
    zone_text = None if DATE.fullmatch(date) else zone.group() if zone else "Z"
    local = instant(date if zone is None or zone_text is None else f"{date[: zone.start()]}Z")
    assert local is not None
    return local, zone_text


def _written(moment: datetime, zone: str | None) -> str:
    if zone is None:
        return moment.strftime("%Y-%m-%d")
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + zone


def _plus_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def _months(first: datetime, second: datetime) -> float:
    """Whole months, and the fraction of the month that the rest lies in."""
    whole = (second.year - first.year) * 12 + second.month - first.month
    if _plus_months(first, whole) > second:
        whole -= 1
    start, end = _plus_months(first, whole), _plus_months(first, whole + 1)
    return whole + (second - start) / (end - start)
