"""The calendar of aggregate_temporal_period: which period an instant lies in, what it is called, when it starts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from drylands_openeo.engine.values import Block
from drylands_openeo.errors import GraphError

SEASONS = {12: "djf", 3: "mam", 6: "jja", 9: "son"}
TROPICAL_SEASONS = {11: "ndjfma", 5: "mjjaso"}


@dataclass(frozen=True)
class Period:
    """A period of the calendar: the start of the one that an instant lies in, the next one's start, and its label."""

    start: Callable[[datetime], datetime]
    next: Callable[[datetime], datetime]
    label: Callable[[datetime], str]
    read: Callable[[str], datetime]


def _months_from(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return datetime(year, month + 1, 1)


def _blocks(length: int, first: int) -> Callable[[datetime], datetime]:
    """Starts of blocks of months, the year's first block starting in the month ``first``."""
    return lambda moment: _months_from(datetime(moment.year, moment.month, 1), -((moment.month - first) % length))


def _years(length: int, first: int) -> Period:
    return Period(
        lambda moment: datetime(moment.year - (moment.year - first) % length, 1, 1),
        lambda start: datetime(start.year + length, 1, 1),
        lambda start: f"{start.year:04d}",
        lambda label: datetime(int(label), 1, 1),
    )


def _seasons(length: int, names: dict[int, str]) -> Period:
    return Period(
        _blocks(length, next(iter(names))),
        lambda start: _months_from(start, length),
        lambda start: f"{start.year:04d}-{names[start.month]}",
        lambda label: datetime(int(label[:4]), {name: month for month, name in names.items()}[label[5:]], 1),
    )


def _midnight(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, moment.day)


def _monday(moment: datetime) -> datetime:
    return _midnight(moment) - timedelta(days=moment.weekday())


def _iso_week(start: datetime) -> str:
    year, week, _ = start.isocalendar()
    return f"{year:04d}-{week:02d}"


def _dekad(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, min((moment.day - 1) // 10, 2) * 10 + 1)


def _next_dekad(start: datetime) -> datetime:
    return start + timedelta(days=10) if start.day < 21 else _months_from(start, 1)


def _read_dekad(label: str) -> datetime:
    month, third = divmod(int(label[5:]) - 1, 3)
    return datetime(int(label[:4]), month + 1, third * 10 + 1)


def _read_week(label: str) -> datetime:
    return datetime.combine(date.fromisocalendar(int(label[:4]), int(label[5:]), 1), datetime.min.time())


PERIODS = {
    "hour": Period(
        lambda moment: moment.replace(minute=0, second=0, microsecond=0),
        lambda start: start + timedelta(hours=1),
        lambda start: start.strftime("%Y-%m-%d-%H"),
        lambda label: datetime.strptime(label, "%Y-%m-%d-%H"),
    ),
    "day": Period(
        _midnight,
        lambda start: start + timedelta(days=1),
        lambda start: start.strftime("%Y-%j"),
        lambda label: datetime.strptime(label, "%Y-%j"),
    ),
    "week": Period(_monday, lambda start: start + timedelta(days=7), _iso_week, _read_week),
    "dekad": Period(
        _dekad, _next_dekad, lambda start: f"{start.year:04d}-{start.month * 3 - 2 + start.day // 10:02d}", _read_dekad
    ),
    "month": Period(
        _blocks(1, 1),
        lambda start: _months_from(start, 1),
        lambda start: start.strftime("%Y-%m"),
        lambda label: datetime(int(label[:4]), int(label[5:]), 1),
    ),
    "season": _seasons(3, SEASONS),
    "tropical-season": _seasons(6, TROPICAL_SEASONS),
    "year": _years(1, 0),
    "decade": _years(10, 0),
    "decade-ad": _years(10, 1),
}


def named(period: str) -> Period:
    """A period by its name in the specification."""
    if period not in PERIODS:
        raise GraphError(f"period {period!r} is none of {', '.join(PERIODS)}", code="ArgumentInvalid")
    return PERIODS[period]


def spans(moments: Block, period: str) -> Iterator[tuple[str, np.datetime64, np.datetime64]]:
    """(label, start, next start) of every period from the first to the last instant, the empty ones too.

    >>> dates = np.array(["2024-01-28", "2024-02-29"], dtype="datetime64[ns]")
    >>> [label for label, start, end in spans(dates, "dekad")]
    ['2024-03', '2024-04', '2024-05', '2024-06']
    """
    if len(moments) == 0:
        return
    calendar = named(period)
    start, last = calendar.start(_datetime(moments.min())), _datetime(moments.max())
    while start <= last:
        end = calendar.next(start)
        yield calendar.label(start), np.datetime64(start, "ns"), np.datetime64(end, "ns")
        start = end


def starts(labels: Sequence[str], period: str) -> Block:
    """The instants at which labelled periods start.

    >>> starts(["2024-03", "2024-04"], "dekad")
    array(['2024-01-21T00:00:00.000000000', '2024-02-01T00:00:00.000000000'],
          dtype='datetime64[ns]')
    """
    read = named(period).read
    return np.array([read(label) for label in labels], dtype="datetime64[ns]")


def _datetime(moment: np.datetime64) -> datetime:
    value: datetime = moment.astype("datetime64[us]").item()
    return value
