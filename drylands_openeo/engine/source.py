"""What the engine asks of whoever holds the pixels; STAC catalogues and cube files answer."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from odc.geo.geobox import GeoBox

from drylands_openeo.engine.values import Cube


@dataclass(frozen=True)
class Extent:
    """What a load process asks for; None is no limit.

    ``properties``: item property -> whether an item with that value is wanted.
    """

    spatial: Mapping[str, Any] | None = None
    temporal: Sequence[str | None] | None = None
    bands: Sequence[str] | None = None
    properties: Mapping[str, Callable[[Any], bool]] | None = None


class Layer(Protocol):
    """A cube on one grid that can be read window by window, from several threads or processes."""

    @property
    def grid(self) -> GeoBox:
        """The grid of the whole layer."""

    @property
    def times(self) -> Sequence[Any]:
        """The dates (numpy.datetime64), ascending; every window has all of them."""

    @property
    def bands(self) -> Sequence[str]:
        """The band labels, as they were asked for."""

    def read(self, window: GeoBox) -> Cube:
        """(t, bands, y, x) float32 on a window of the grid, NaN where there is no data."""


@runtime_checkable
class FileLayer(Layer, Protocol):
    """A layer of many files, which can be read side by side."""

    def read_on(self, window: GeoBox, pool: Executor | None) -> Cube:
        """What ``read`` gives, its files read by the threads of a pool that has nothing else to do."""


class Source(Protocol):
    """Collections by id."""

    def collection(self, collection: str, extent: Extent) -> Layer:
        """A collection of this source."""

    def stac_at(self, url: str, extent: Extent) -> Layer:
        """A STAC collection, API collection or item elsewhere."""
