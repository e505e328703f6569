"""The calendar of a climate: dates of any CF calendar as months, and days gathered into months.

A month of daily values counts when it is complete by the rule of WMO-No. 1203 (Guidelines on the Calculation of Climate
Normals, 2017): a sum needs every day; a mean may lack at most ten days and no five in a row.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from drylands_openeo.climate.units import Step
from drylands_openeo.errors import SourceError

Array = NDArray[np.floating[Any]]

MOST_MISSING = 10
LONGEST_GAP = 4
"""Days that a monthly mean may lack: in all, and in a row."""

COUNTED = re.compile(r"months?\s+since\s+(\d{1,4})-(\d{1,2})")


@dataclass(frozen=True)
class Months:
    """The months of a record, one after the other.

    ``first``: number of the first, years * 12 + month - 1. ``days``: how many each has in the record's calendar.
    ``step``: of the record; ``place``: for each of its dates the month's position, ascending.
    """

    first: int
    days: NDArray[np.intp]
    step: Step
    place: NDArray[np.intp]

    @property
    def labels(self) -> NDArray[np.datetime64]:
        """The first of each month."""
        return (np.arange(len(self.days)) + self.first - 1970 * 12).astype("datetime64[M]").astype("datetime64[ns]")

    def of(self, values: Array, per: str, kind: str) -> Array:
        """Values (dates, ...) as (months, ...): amounts as the sum of the month, means as the mean."""
        if self.step == "month":
            out = np.full((len(self.days), *values.shape[1:]), np.nan)
            out[self.place] = values
            return out * self._spread(out.ndim) if kind == "amount" and per == "day" else out
        total, present, gap = self._gathered(values)
        if kind == "amount":
            if per == "month":
                total = total / self._spread(total.ndim)
            total[present < self._spread(total.ndim)] = np.nan
            return total
        sound = (self._spread(total.ndim) - present <= MOST_MISSING) & (gap <= LONGEST_GAP) & (present > 0)
        return np.where(sound, total / np.maximum(present, 1), np.nan)

    def _spread(self, ndim: int) -> NDArray[np.intp]:
        return self.days.reshape(-1, *(1,) * (ndim - 1))

    def _gathered(self, values: Array) -> tuple[Array, NDArray[np.intp], NDArray[np.intp]]:
        """Sum, count and longest gap of the days of every month."""
        shape = (len(self.days), *values.shape[1:])
        total, present, longest = np.zeros(shape), np.zeros(shape, np.intp), np.zeros(shape, np.intp)
        bounds = np.searchsorted(self.place, np.arange(len(self.days) + 1))
        for month, (start, stop) in enumerate(pairwise(bounds)):
            here = ~np.isnan(values[start:stop])
            present[month] = here.sum(axis=0)
            total[month] = np.where(here, values[start:stop], 0).sum(axis=0)
            longest[month] = _longest_gap(here, int(self.days[month]))
        return total, present, longest


def _longest_gap(here: NDArray[np.bool_], days: int) -> NDArray[np.intp]:
    """The most days in a row that are not ``here`` (days, ...); dates not in the record count at the end."""
    run = longest = np.zeros(here.shape[1:], np.intp)
    for present in here:
        run = np.where(present, 0, run + 1)
        longest = np.maximum(longest, run)
    return np.maximum(longest, run + max(0, days - len(here)))


def months_of(time: xr.Variable, bounds: xr.Variable | None, origin: str) -> Months:
    """The months of a time coordinate that is not decoded yet; with ``bounds`` the middle of each cell counts.

    Any CF calendar, and "months since" in every one of them. Raises SourceError for dates that are
    neither monthly nor daily, not ascending, or twice in one month.
    """
    number, ordinal, days = _dates(time, bounds, origin)
    first = int(number[0])
    place = number - first
    step = _step(number, ordinal, origin)
    if (np.diff(ordinal) <= 0).any():
        raise SourceError(f"{origin}: the dates do not ascend, or one is there twice")
    length = _lengths(days, place, first)
    return Months(first, length, step, place)


def _dates(time: xr.Variable, bounds: xr.Variable | None, origin: str) -> tuple[Any, Any, Any]:
    """(number of the month, days since the first date, days of the month) of every date."""
    counted = COUNTED.match(str(time.attrs.get("units", "")))
    if counted:
        number = (int(counted[1]) * 12 + int(counted[2]) - 1 + np.floor(time.values)).astype(np.intp)
        return number, number * 30, np.zeros(len(number), np.intp)
    attributes, middle = dict(time.attrs), time.values
    if bounds is not None:
        attributes |= {name: bounds.attrs[name] for name in ("units", "calendar") if name in bounds.attrs}
        middle = np.asarray(bounds.values, float).mean(axis=1)
    try:
        moments = xr.decode_cf(xr.Dataset(coords={"time": ("time", middle, attributes)}))["time"]
    except (ValueError, OverflowError, KeyError) as error:
        raise SourceError(f"{origin}: time {dict(time.attrs)} is not understood: {error}") from error
    if not (np.issubdtype(moments.dtype, np.datetime64) or moments.dtype == object):
        raise SourceError(
            f"{origin}: time has units {time.attrs.get('units')!r}; 'days since 1900-01-01' or so is needed"
        )
    number = (moments.dt.year * 12 + moments.dt.month - 1).values.astype(np.intp)
    apart = moments.values - moments.values[0]
    if moments.dtype == object:
        ordinal = np.array([difference.total_seconds() / 86400 for difference in apart])
    else:
        ordinal = apart / np.timedelta64(1, "D")
    return number, ordinal, moments.dt.days_in_month.values.astype(np.intp)


def _step(number: NDArray[np.intp], ordinal: Array, origin: str) -> Step:
    if len(number) == 1 or (np.diff(number) >= 1).all():
        if len(number) > 2 and np.median(np.diff(number)) > 1:
            raise SourceError(
                f"{origin}: the dates are {np.median(np.diff(number)):.0f} months apart; monthly is needed"
            )
        return "month"
    apart = float(np.median(np.diff(ordinal)))
    if abs(apart - 1) > 1e-3:
        raise SourceError(f"{origin}: the dates are {apart:.3g} days apart; give monthly or daily values")
    return "day"


def _lengths(days: NDArray[np.intp], place: NDArray[np.intp], first: int) -> NDArray[np.intp]:
    """Days of each month: the calendar's where a date lies in it, else those of the standard calendar."""
    count = int(place[-1]) + 1
    starts = (np.arange(count + 1) + first - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]")
    lengths = np.diff(starts).astype(np.intp)
    known = days > 0
    lengths[place[known]] = days[known]
    return lengths
