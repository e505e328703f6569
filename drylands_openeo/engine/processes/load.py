"""Processes that open cubes; the engine reads their pixels window by window."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drylands_openeo.engine.environment import Environment
from drylands_openeo.engine.registry import process
from drylands_openeo.engine.source import Extent, Layer, Source
from drylands_openeo.errors import GraphError


@process
def load_collection(
    id: str,
    spatial_extent: Mapping[str, Any] | None = None,
    temporal_extent: Sequence[str | None] | None = None,
    bands: Sequence[str] | None = None,
    properties: Mapping[str, Callable[..., Any]] | None = None,
    *,
    environment: Environment,
) -> Layer:
    """The layer of a collection that the run's source knows."""
    return _source(environment).collection(id, _extent(spatial_extent, temporal_extent, bands, properties))


@process
def load_stac(
    url: str,
    spatial_extent: Mapping[str, Any] | None = None,
    temporal_extent: Sequence[str | None] | None = None,
    bands: Sequence[str] | None = None,
    properties: Mapping[str, Callable[..., Any]] | None = None,
    *,
    environment: Environment,
) -> Layer:
    """The layer behind the URL of a STAC item, collection or API."""
    return _source(environment).stac_at(url, _extent(spatial_extent, temporal_extent, bands, properties))


def _source(environment: Environment) -> Source:
    if environment.source is None:
        raise GraphError("there is no source of data in this run; give a STAC API, a catalogue or a cube file")
    return environment.source


def _extent(
    spatial: Mapping[str, Any] | None,
    temporal: Sequence[str | None] | None,
    bands: Sequence[str] | None,
    properties: Mapping[str, Callable[..., Any]] | None,
) -> Extent:
    wanted = {name: _predicate(callback) for name, callback in (properties or {}).items()}
    return Extent(spatial, temporal, bands or None, wanted or None)


def _predicate(callback: Callable[..., Any]) -> Callable[[Any], bool]:
    return lambda value: bool(callback(value=value))
