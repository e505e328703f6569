"""Temporal aggregation: by intervals that are given, or by the calendar."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from drylands_openeo.engine.processes import periods
from drylands_openeo.engine.processes.callbacks import as_block
from drylands_openeo.engine.processes.instants import is_clock_time, numpy_instant, require_instant, rfc3339
from drylands_openeo.engine.processes.labels import instants, labelled, temporal
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Cube, Stack
from drylands_openeo.errors import GraphError

Selection = slice | Block


@process
def aggregate_temporal(
    data: Cube, intervals: Any, reducer: Any, labels: Any = (), dimension: str | None = None, context: Any = None
) -> Cube:
    """One value for every interval [start, end) of dates, or of times of day; labelled by its start by default."""
    name = temporal(data, dimension)
    moments = instants(data, name)
    selections = [_selection(moments, interval) for interval in intervals]
    names = list(labels) or [_start(interval, moments) for interval in intervals]
    if len(names) != len(selections):
        raise GraphError(f"{len(names)} labels for {len(selections)} intervals", code="LabelMismatch")
    if len(set(names)) != len(names):
        raise GraphError(f"labels {names} are not distinct: give 'labels'", code="DistinctDimensionLabelsRequired")
    return labelled(_aggregated(data, name, selections, reducer, context), name, names, like="temporal")


@process
def aggregate_temporal_period(
    data: Cube, period: str, reducer: Any, dimension: str | None = None, context: Any = None
) -> Cube:
    """One value for every period of the calendar from the first to the last date, the empty ones too.

    Labels are those of the specification ("2020-01" for a month); the coordinate's attribute ``period`` tells what
    they are.
    """
    name = temporal(data, dimension)
    moments = instants(data, name)
    spans = list(periods.spans(moments, period))
    selections = [_between(moments, start, end) for _, start, end in spans]
    aggregated = _aggregated(data, name, selections, reducer, context)
    return labelled(aggregated, name, np.array([label for label, _, _ in spans]), like="temporal", period=period)


def _aggregated(data: Cube, name: str, selections: Sequence[Selection], reducer: Any, context: Any) -> Cube:
    along = Stack.along(data, name)
    names = None if along.labels is None else np.array(along.labels, dtype=object)
    shape = along.values.shape[1:]
    blocks = []
    for selection in selections:
        chosen = Stack(along.values[selection], None if names is None else tuple(names[selection]))
        blocks.append(as_block(reducer(data=chosen, context=context), shape, along.values))
    values = np.moveaxis(np.stack(blocks), 0, data.get_axis_num(name))
    coords = {key: found for key, found in data.coords.items() if name not in found.dims}
    return Cube(values, dims=data.dims, coords=coords, attrs=data.attrs)


def _selection(moments: Block, interval: Sequence[Any]) -> Selection:
    start, end = interval
    if is_clock_time(start) and is_clock_time(end):
        clock = moments - moments.astype("datetime64[D]")
        first, last = _of_day(start), _of_day(end)
        inside = (clock >= first) & (clock < last) if first < last else (clock >= first) | (clock < last)
        return np.flatnonzero(inside)
    low, high = (None if limit is None else numpy_instant(require_instant(limit)) for limit in (start, end))
    if low is not None and high is not None and low >= high:
        raise GraphError(f"the interval {list(interval)} is empty", code="TemporalExtentEmpty")
    return _between(moments, low, high)


def _between(moments: Block, start: Any, end: Any) -> Selection:
    """The dates in [start, end), None being no limit: a slice where they stand in a row, which copies nothing."""
    after_start = np.full(len(moments), True) if start is None else moments >= start
    before_end = np.full(len(moments), True) if end is None else moments < end
    inside = np.flatnonzero(after_start & before_end)
    if len(inside) and inside[-1] - inside[0] + 1 == len(inside):
        return slice(int(inside[0]), int(inside[-1]) + 1)
    return inside


def _start(interval: Sequence[Any], moments: Block) -> Any:
    """The start of an interval; of one that is open there, the first date."""
    if interval[0] is not None:
        return interval[0]
    return rfc3339(moments.min()) if len(moments) else str(interval[1])


def _of_day(clock: str) -> np.timedelta64:
    day = np.datetime64("1970-01-01", "ns")
    return numpy_instant(require_instant(f"1970-01-01T{clock.rstrip('Zz')}Z")) - day
