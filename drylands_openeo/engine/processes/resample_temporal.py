"""resample_cube_temporal: the dates of another cube."""

from typing import Any

import numpy as np

from drylands_openeo.engine.processes.labels import instants, kind, labelled, of_kind
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.errors import GraphError

DAY = np.timedelta64(86_400_000_000_000, "ns")


@process
def resample_cube_temporal(
    data: Cube, target: Cube, dimension: str | None = None, valid_within: float | None = None
) -> Cube:
    """The cube at the dates of another: the nearest date, of two as near the earlier.

    With ``valid_within`` [days], the nearest date on which the pixel is valid, less than so far away.
    """
    for name in _dimensions(data, target, dimension):
        data = _resampled(data, name, target, None if valid_within is None else float(valid_within))
    return data


def _dimensions(data: Cube, target: Cube, dimension: str | None) -> list[str]:
    if dimension is None:
        shared = [name for name in of_kind(data, "temporal") if name in of_kind(target, "temporal")]
        if not shared:
            raise GraphError("the cubes have no temporal dimension of one name", code="DimensionMismatch")
        return shared
    for cube in (data, target):
        if dimension not in cube.dims:
            raise GraphError(f"a cube lacks the dimension {dimension!r}", code="DimensionNotAvailable")
        if kind(cube, dimension) != "temporal":
            raise GraphError(f"dimension {dimension!r} is not temporal", code="DimensionMismatch")
    return [dimension]


def _resampled(data: Cube, name: str, target: Cube, valid_within: float | None) -> Cube:
    distance = np.abs(instants(data, name)[np.newaxis] - instants(target, name)[:, np.newaxis])
    ranked = np.argsort(distance, axis=1, kind="stable")
    labels: dict[str, Any] = dict(target.coords[name].attrs) | {"like": "temporal"}
    labels.pop("type", None)
    if valid_within is None:
        return labelled(data.isel({name: ranked[:, 0]}), name, target.coords[name].values, **labels)
    axis = data.get_axis_num(name)
    values = np.moveaxis(data.values, axis, 0)
    reach = valid_within * DAY.astype(float)
    picked = [
        _nearest_valid(values, ranks[distance[at, ranks].astype(float) < reach]) for at, ranks in enumerate(ranked)
    ]
    coords = {key: found for key, found in data.coords.items() if name not in found.dims}
    resampled = Cube(np.moveaxis(np.stack(picked), 0, axis), dims=data.dims, coords=coords, attrs=data.attrs)
    return labelled(resampled, name, target.coords[name].values, **labels)


def _nearest_valid(values: Block, ranks: Block) -> Block:
    found: Block = np.full(values.shape[1:], np.nan, dtype=np.result_type(values, np.float32))
    for rank in ranks:
        found = np.where(np.isfinite(found), found, values[rank])
    return np.where(np.isfinite(found), found, np.nan).astype(found.dtype)
