"""When the satellites of the generated world pass, what they see of it, and how each pass was processed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from drylands_openeo.world.landscape import EPOCH

CYCLE = timedelta(days=15)
"""Time between the scenes kept: an odd multiple of the pair's five days, so that S2A and S2B take turns."""

BASELINES = (
    (date(2020, 1, 1), "02.14"),
    (date(2021, 3, 30), "03.00"),
    (date(2021, 7, 1), "03.01"),
    (date(2022, 1, 25), "04.00"),
)
"""First day of each processing baseline; from 04.00 on the digital numbers carry an offset of +1000."""

REPROCESSED = ("05.00", datetime(2023, 6, 30, 2, 24, 13, tzinfo=UTC))
TWICE, SPLIT = 14, 37
"""The pass delivered in two baselines, and the one delivered as two datastrips."""


@dataclass(frozen=True)
class HalfPlane:
    """The part of the frame where east * ``east`` + north * ``north`` < ``limit`` [m]: one side of a scene's edge."""

    east: float
    north: float
    limit: float


@dataclass(frozen=True)
class Pass:
    """One item's share of a satellite pass.

    ``start`` is the beginning of its datastrip; ``seen`` the side of the swath's or datastrip's edge with data
    (None: all); ``sequence`` numbers the items of one tile and day.
    """

    number: int
    platform: str
    orbit: int
    sensed: datetime
    start: datetime
    baseline: str
    generated: datetime
    seen: HalfPlane | None = None
    sequence: int = 0

    @property
    def offset(self) -> int:
        """What the digital numbers carry above 10000 x reflectance."""
        return 1000 if self.baseline >= "04.00" else 0


def passes(start: datetime, end: datetime, size: tuple[float, float]) -> Iterator[Pass]:
    """All passes in [start, end), in time order.

    Every sixth comes from the neighbouring orbit, three days later, and sees only the west of the world.
    """
    number, day = 0, EPOCH + timedelta(days=2)
    while (sensed := _sensed(number, day)) < end:
        if sensed >= start:
            yield from _deliveries(_first_delivery(number, sensed, size), size)
        number, day = number + 1, day + CYCLE


def _sensed(number: int, day: datetime) -> datetime:
    neighbour = number % 6 == 5
    return day + timedelta(days=3 if neighbour else 0, hours=3, minutes=17 if neighbour else 27, seconds=31.024)


def _first_delivery(number: int, sensed: datetime, size: tuple[float, float]) -> Pass:
    neighbour = number % 6 == 5
    platform = "sentinel-2b" if number % 2 else "sentinel-2a"
    edge = HalfPlane(float(np.cos(0.22)), float(np.sin(0.22)), 0.15 * size[0]) if neighbour else None
    baseline = [name for first, name in BASELINES if first <= sensed.date()][-1]
    generated = sensed.replace(microsecond=0) + timedelta(hours=4, minutes=11)
    start = sensed.replace(microsecond=0) - timedelta(minutes=2)
    return Pass(number, platform, 32 if neighbour else 75, sensed, start, baseline, generated, edge)


def _deliveries(first: Pass, size: tuple[float, float]) -> Iterator[Pass]:
    if first.number == SPLIT:
        # The datastrips overlap by a few lines, as real ones do.
        tilt, overlap = (0.12, 1.0), 0.01 * size[1]
        later = first.start + timedelta(seconds=83)
        yield replace(first, seen=HalfPlane(-tilt[0], -tilt[1], overlap))
        yield replace(first, seen=HalfPlane(*tilt, overlap), start=later, sequence=1)
        return
    yield first
    if first.number == TWICE:
        baseline, generated = REPROCESSED
        yield replace(first, baseline=baseline, generated=generated, sequence=1)
