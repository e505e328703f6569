"""Climatological normals and anomalies."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from drylands_openeo.engine.processes import periods, pixelwise
from drylands_openeo.engine.processes.labels import instants, labelled, temporal
from drylands_openeo.engine.processes.sequences import floating
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.errors import GraphError

SINGLE = ("climatology-period", "single-period")
"""Periods of one label, for all dates."""

NORMALS = ("day", "month", "season", "tropical-season")
MONTH = np.timedelta64(31, "D")
WHOLE_YEARS = ("year", "decade", "decade-ad")


@process
def climatological_normal(data: Cube, period: str, climatology_period: Sequence[str] = ("1981", "2010")) -> Cube:
    """The mean of every day or month of the year, season, or of all dates, over the years of the climatology.

    Seasons belong to the year of their last month: December 1980 counts to 1981's winter, which is left out where
    the data start later than that December; a season that the end of the climatology cuts off is left out, too.
    Labels: "01".."12", "001".."366", "djf", ...
    """
    name = temporal(data, None)
    first, last = (int(year) for year in climatology_period)
    moments = instants(data, name)
    years, parts = _parts(moments, period)
    inside = (years >= first) & (years <= last)
    labels = [str(label) for label in dict.fromkeys(sorted(parts[inside].tolist(), key=_calendar_order))]
    values = np.moveaxis(floating(data.values), data.get_axis_num(name), 0)
    means = [pixelwise.mean(values[inside & (parts == label)]) for label in labels]
    if not means:
        raise GraphError(f"the cube has no dates in {first}..{last}", code="TemporalExtentEmpty")
    return _replaced(data, name, np.stack(means), labels)


@process
def anomaly(data: Cube, normals: Cube, period: str) -> Cube:
    """Every value less the normal of its part of the year."""
    name, normal_name = temporal(data, None), temporal(normals, None)
    parts = _labels_of(data, name, period)
    known = [str(label) for label in normals.coords[normal_name].values]
    at = [0 if period in SINGLE else _position(known, part) for part in parts]
    spread = normals.rename({normal_name: name} if normal_name != name else {}).isel({name: at})
    ordered = spread.transpose(*(dim for dim in data.dims if dim in spread.dims))
    shape = [data.sizes[dim] if dim in spread.dims else 1 for dim in data.dims]
    return data.copy(deep=False, data=data.values - ordered.values.reshape(shape))


def _parts(moments: Block, period: str) -> tuple[Block, Block]:
    """(year that it counts to, part of the year) of every instant; year 0 for a season that has lost its start."""
    if period in SINGLE:
        return _years(moments), np.full(len(moments), SINGLE[0])
    if period not in NORMALS:
        raise GraphError(f"period {period!r} is none of {', '.join(NORMALS)}, {SINGLE[0]}", code="ArgumentInvalid")
    spans = list(periods.spans(moments, period))
    starts, ends = (np.array([span[limit] for span in spans]) for limit in (1, 2))
    names = np.array([label[5:] for label, _, _ in spans])
    years = _years(ends - np.timedelta64(1, "D"))
    years[0] = 0 if _years(starts)[0] < years[0] and moments.min() >= starts[0] + MONTH else years[0]
    at = np.searchsorted(starts, moments, side="right") - 1
    return years[at], names[at]


def _years(moments: Block) -> Block:
    return moments.astype("datetime64[Y]").astype(int) + 1970


def _labels_of(data: Cube, name: str, period: str) -> list[str]:
    if period in SINGLE:
        return [""] * data.sizes[name]
    calendar = periods.named(period)
    moments = instants(data, name).astype("datetime64[us]").tolist()
    labels = [calendar.label(calendar.start(moment)) for moment in moments]
    return labels if period in WHOLE_YEARS else [label.rsplit("-", 1)[1] for label in labels]


def _position(known: list[str], part: str) -> int:
    """Where a part of the year stands among the normals; numbers with or without leading zeros."""
    for index, label in enumerate(known):
        if label == part or (label.isdigit() and part.isdigit() and int(label) == int(part)):
            return index
    raise GraphError(f"the normals have no label {part!r}; they have {', '.join(known)}", code="LabelNotAvailable")


def _calendar_order(label: str) -> Any:
    order = ("djf", "mam", "jja", "son", "ndjfma", "mjjaso")
    return (order.index(label), "") if label in order else (0, label)


def _replaced(data: Cube, name: str, values: Block, labels: list[str]) -> Cube:
    coords = {key: found for key, found in data.coords.items() if name not in found.dims}
    moved = np.moveaxis(values, 0, data.get_axis_num(name))
    return labelled(
        Cube(moved, dims=data.dims, coords=coords, attrs=data.attrs), name, np.array(labels), like="temporal"
    )
