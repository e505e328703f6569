"""The date and the band that a file's name tells."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drylands_openeo.errors import DrylandsError

NOON = timedelta(hours=12)
"""When a file that tells no hour is dated: the day is then the same by the sun at every longitude."""

_DATES = (
    r"(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>[0-2]\d|3[01])T(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)\d*",
    r"(?P<year>(?:19|20)\d\d)(?P<s>[-_.])(?P<month>0[1-9]|1[0-2])(?P=s)(?P<day>[0-2]\d|3[01])",
    r"(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>[0-2]\d|3[01])",
    r"A?(?P<year>(?:19|20)\d\d)(?P<yearday>[0-3]\d\d)",
    r"(?P<year>(?:19|20)\d\d)[-_.]?(?P<month>0[1-9]|1[0-2])",
    r"(?P<year>(?:19|20)\d\d)",
)
"""Ways to write a date, the more telling first; digits must not stand beside them."""

_PARTS = (("year", 0), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0))


def read_name(path: Path, pattern: str | None = None) -> tuple[datetime | None, str]:
    """(date, band): what ``pattern`` finds, or else the first way to write a date that the name shows.

    ``pattern``: a regular expression with groups year and, if there are, month, day, yearday, hour, minute, band.
    Without a group ``band`` the band is the name without its date.

    >>> read_name(Path("tp_2020-06.tif"))
    (datetime.datetime(2020, 6, 1, 12, 0, tzinfo=datetime.timezone.utc), 'tp')
    >>> read_name(Path("MOD17.A2020153.NPP.tif"))[1]
    'MOD17.NPP'
    """
    for expression in _DATES if pattern is None else (pattern,):
        around = rf"(?<!\d)(?:{expression})(?!\d)" if pattern is None else expression
        found = re.search(around, path.stem)
        if found is not None:
            groups = {key: value for key, value in found.groupdict().items() if value is not None}
            rest = re.sub(
                r"^[-_.]+|[-_.]+$|(?<=[-_.])[-_.]+", "", path.stem[: found.start()] + path.stem[found.end() :]
            )
            return _date(groups, path), groups.get("band") or rest
    if pattern is not None:
        raise DrylandsError(f"file {path.name!r} does not match the pattern {pattern!r}")
    return None, path.stem


def _date(groups: dict[str, str], path: Path) -> datetime:
    if "year" not in groups:
        raise DrylandsError(f"the pattern has no group 'year': write (?P<year>\\d{{4}}) for the year in {path.name!r}")
    year, month, day, hour, minute = (int(groups.get(key, least)) for key, least in _PARTS)
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC)
        if "yearday" in groups:
            moment = datetime.strptime(f"{groups['year']} {groups['yearday']} +0000", "%Y %j %z")
    except ValueError as error:
        raise DrylandsError(f"file {path.name!r} tells no date: {error}; give a pattern that finds it") from error
    return moment if "hour" in groups else moment + NOON
