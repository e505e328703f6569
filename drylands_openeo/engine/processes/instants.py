"""Dates and times as RFC 3339 writes them, and as instants that can be compared."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import numpy as np

from drylands_openeo.errors import GraphError

DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(?:([Zz])|([+-])(\d{2}):(\d{2}))?")
TIME = re.compile(r"\d{2}:\d{2}(:\d{2}(\.\d+)?)?[Zz]?")


def instant(text: Any) -> datetime | None:
    """The instant that a date (midnight, UTC) or date-time names; None for any other text.

    >>> instant("2020-01-01T01:00:00+01:00").isoformat()
    '2020-01-01T00:00:00+00:00'
    """
    if not isinstance(text, str):
        return None
    if DATE.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    match = DATE_TIME.fullmatch(text)
    if match is None:
        return None
    day, hour, minute, second, fraction, _, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes)) if sign else timedelta()
    leap = int(second or 0) // 60
    clock = time(int(hour), int(minute), int(second or 0) - leap, round(float(fraction or 0) * 1e6))
    moment = datetime.combine(date.fromisoformat(day), clock, timezone(-offset if sign == "-" else offset))
    return moment.astimezone(UTC) + timedelta(seconds=leap)


def require_instant(text: Any) -> datetime:
    """The instant, or an error that names the text."""
    moment = instant(text)
    if moment is None:
        raise GraphError(f"{text!r} is no date; write it as 2020-12-31 or 2020-12-31T23:59:59Z", code="ArgumentInvalid")
    return moment


def numpy_instant(moment: datetime) -> np.datetime64:
    """The instant as NumPy holds it."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ns")


def is_clock_time(text: Any) -> bool:
    """Whether a text is a time without a date."""
    return isinstance(text, str) and TIME.fullmatch(text) is not None


def rfc3339(moment: Any) -> str:
    """An instant as text, in UTC, to the second (finer where the instant is)."""
    whole = moment == moment.astype("datetime64[s]")
    return f"{np.datetime_as_string(moment, unit='s' if whole else 'ms')}Z"
