"""Processes that stand for a small graph of their own: ndvi; and inspect, which only looks on."""

import logging
from typing import Any

import numpy as np

from drylands_openeo.engine.processes.filters import band_positions
from drylands_openeo.engine.processes.labels import labelled, of_kind
from drylands_openeo.engine.processes.math import normalized_difference
from drylands_openeo.engine.processes.sequences import floating
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.engine.values import dimension_labels as labels_of
from drylands_openeo.errors import GraphError

LOG = logging.getLogger("drylands_openeo.inspect")
LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


@process
def ndvi(data: Cube, nir: str = "nir", red: str = "red", target_band: str | None = None) -> Cube:
    """``(nir - red) / (nir + red)`` in place of the bands, or as one more of them."""
    found = of_kind(data, "bands")
    if len(found) != 1:
        raise GraphError(f"the cube has {len(found)} dimensions of bands", code="DimensionAmbiguous")
    dimension, names = found[0], labels_of(data, found[0])
    index = normalized_difference(
        _band(data, dimension, nir, "NirBandAmbiguous"), _band(data, dimension, red, "RedBandAmbiguous")
    )
    if target_band is None:
        return data.isel({dimension: 0}, drop=True).copy(deep=False, data=index)
    if target_band in names:
        raise GraphError(f"the cube has a band {target_band!r} already", code="BandExists")
    axis = data.get_axis_num(dimension)
    values = np.concatenate([floating(data.values), np.expand_dims(index, axis)], axis=axis)
    coords = {name: labels for name, labels in data.coords.items() if dimension not in labels.dims}
    wider = Cube(values, dims=data.dims, coords=coords, attrs=data.attrs)
    return labelled(wider, dimension, [*names, target_band], like="bands")


@process
def inspect(data: Any, message: str = "", code: str = "User", level: str = "info") -> Any:
    """The data as it is; a summary of it goes to the log."""
    LOG.log(LEVELS.get(level, logging.INFO), "%s: %s %s", code, message, _summary(data))
    return data


def _band(data: Cube, dimension: str, name: str, code: str) -> Block:
    positions = band_positions(labels_of(data, dimension), name)
    if len(positions) != 1:
        raise GraphError(f"{len(positions)} bands of {labels_of(data, dimension)} are {name!r}", code=code)
    return floating(data.isel({dimension: positions[0]}).values)


def _summary(data: Any) -> str:
    if isinstance(data, Cube):
        return f"cube {dict(data.sizes)} {data.dtype}"
    return f"block {data.shape} {data.dtype}" if isinstance(data, np.ndarray) else repr(data)[:1000]
