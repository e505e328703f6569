"""A STAC source as layers of a cube: one grid, one list of days, pixels read window by window."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry
from pystac import Item

from drylands_openeo.area import Area, Period
from drylands_openeo.bands import BY_NAME, SCL, common_name
from drylands_openeo.errors import NoItemsError
from drylands_openeo.stac.contract import check_contract
from drylands_openeo.stac.dialects import bands_of
from drylands_openeo.stac.grid import SomeExtent, area_of, corner_of, grid_over, native_resolution, outline_of
from drylands_openeo.stac.load import Days, OnError, as_cube, centre_longitude, read_scenes
from drylands_openeo.stac.metadata import is_sentinel2
from drylands_openeo.stac.read import Loader, Reader, block_of
from drylands_openeo.stac.scenes import Scene, scenes_of, touching
from drylands_openeo.stac.search import search
from drylands_openeo.stac.sources import ROLES

OPTICAL = frozenset(ROLES["sentinel-2-l2a"]) | {"sentinel-2-l2a"}
"""Collections to which a limit of cloud cover and ``where`` of a source apply."""

Predicate = Callable[[Any], bool]


@dataclass(frozen=True)
class StacLayer:
    """Bands of a collection over an area and a period, not read yet.

    ``grid``: GeoBox of the whole area. ``days``: the solar days, in order. ``bands``: names as asked. ``items``: what
    is behind them; a copy sent to another process carries none, since reading needs only ``scenes``.
    """

    grid: GeoBox
    days: Days
    bands: tuple[str, ...]
    items: tuple[Item, ...]
    scenes: tuple[Scene, ...] = field(repr=False)
    reader: Reader
    on_error: OnError

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "items": ()}

    @property
    def anchor(self) -> tuple[float, float] | None:
        """The corner (x, y) of the first file that lies on the layer's projection: cut there, blocks are read once."""
        corners = (corner_of(item, self.bands[0], self.grid) for item in self.items)
        return next((corner for corner in corners if corner is not None), None)

    @cached_property
    def block(self) -> int | None:
        """Edge [pixels] of the square blocks that the first file is read by; None where there is no telling."""
        first = next((band for scene in self.scenes for band in scene.bands if band is not None), None)
        return None if first is None else block_of(first)

    @property
    def times(self) -> tuple[np.datetime64, ...]:
        """The solar days."""
        return tuple(self.days)

    def read(self, window: GeoBox) -> xr.DataArray:
        """(t, bands, y, x), float32, read now; every day of the layer, all NaN where nothing was seen.

        Gaps (``on_error="gap"``) are named in ``attrs["gaps"]``.
        """
        return self.read_on(window, None)

    def read_on(self, window: GeoBox, pool: Executor | None) -> xr.DataArray:
        """The same, read by the threads of a pool."""
        met = touching(self.scenes, window)
        values, gaps = read_scenes(met, self.days, len(self.bands), window, self.reader, self.on_error, pool)
        return as_cube(values, self.days, self.bands, window, gaps)


@dataclass(frozen=True)
class StacSource:
    """Where layers come from: a source as ``search`` takes it, and how its pixels are to be read.

    ``crs``: of the grid; the UTM zone of the area's centre unless given. ``resolution`` [units of the crs]: that of the
    bands (10 or 20 m) for Sentinel-2, otherwise the collection's own. ``resampling``: as in ``load``; nearest, unless
    the caller wants another, is what back-ends do. ``max_cloud_cover`` [%] and ``where`` as in ``search``, for
    Sentinel-2 only. ``loader``, ``on_error`` as in ``load``. ``memory``: what has been found, so that the layers of one
    graph (bands, scene classification) ask the catalogue once; None: ask each time.
    """

    source: str | Path
    loader: Loader = "odc-stac"
    on_error: OnError = "raise"
    max_cloud_cover: float | None = None
    where: str | Mapping[str, Any] | None = None
    crs: str | int | None = None
    resolution: float | None = None
    resampling: str = "nearest"
    memory: dict[Any, list[Item]] | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "memory": None}

    def layer(
        self,
        collection: str,
        *,
        spatial_extent: SomeExtent,
        temporal_extent: Period | str | Sequence[Any] | None = None,
        bands: Sequence[str] | None = None,
        properties: Mapping[str, Predicate] | None = None,
    ) -> StacLayer:
        """The layer of a collection (role or id).

        ``spatial_extent``: Area, bounding box, GeoJSON, or openEO's west, south, east, north [crs].
        ``temporal_extent``: openEO's [start, end), either end open (None), or Period. ``bands`` None: all there are.
        ``properties``: property -> predicate of its value; an item without the property is left out.
        Warns (ContractWarning) where pixels do not look as the catalogue declares.
        """
        outline = outline_of(spatial_extent)
        items = self._items(collection, area_of(outline), temporal_extent, properties or {})
        names = tuple(bands) if bands is not None else default_bands(items[0])
        grid = self._grid(outline, items[0], names)
        reader = Reader(self.loader, self.resampling)
        check_contract(items, grid, reader)
        scenes = scenes_of(items, names, longitude=centre_longitude(grid), on_error=self.on_error)
        days = np.unique(np.array([scene.day for scene in scenes], dtype="datetime64[ns]"))
        return StacLayer(grid, days, names, tuple(items), scenes, reader, self.on_error)

    def _items(
        self, collection: str, area: Area, temporal_extent: Any, properties: Mapping[str, Predicate]
    ) -> list[Item]:
        items = self._found(collection, area, period_of(temporal_extent))
        chosen = [item for item in items if _meets(item, properties)]
        if not chosen:
            raise NoItemsError(
                f"{len(items)} items of {collection!r} found in {self.source}, but none meets the conditions on "
                f"{', '.join(sorted(properties))}"
            )
        return chosen

    def _found(self, collection: str, area: Area, period: Period | None) -> list[Item]:
        key = (collection, area.geometry.wkb, period)
        if self.memory is not None and key in self.memory:
            return self.memory[key]
        optical = collection in OPTICAL
        items = search(
            self.source,
            area=area,
            period=period,
            collection=collection,
            max_cloud_cover=self.max_cloud_cover if optical else None,
            where=self.where if optical else None,
        )
        if self.memory is not None:
            self.memory[key] = items
        return items

    def _grid(self, outline: Geometry, item: Item, bands: Sequence[str]) -> GeoBox:
        if self.resolution is not None:
            return grid_over(outline, crs=self.crs, resolution=self.resolution, metres=False)
        metres = sentinel2_resolution(bands) if is_sentinel2(item) else native_resolution(item, bands[0])
        return grid_over(outline, crs=self.crs, resolution=metres, metres=True)


def period_of(extent: Period | str | Sequence[Any] | None) -> Period | None:
    """openEO's temporal extent, either end of which may be open.

    >>> period_of([None, "2021-01-01"]).interval
    ('1900-01-01', '2021-01-01')
    """
    if extent is None or isinstance(extent, Period | str):
        return None if extent is None else Period.of(extent)
    first, last = Period.of(["1900", "2200"]).interval
    return Period.of(
        [end if end is not None else open_end for end, open_end in zip(extent, (first, last), strict=True)]
    )


def sentinel2_resolution(bands: Sequence[str]) -> float:
    """Pixel size [m] of a layer of Sentinel-2 bands: 10 if one of them has it, else 20.

    >>> sentinel2_resolution(["red", "nir08"]), sentinel2_resolution(["B11", "scl"])
    (10.0, 20.0)
    """
    native = [BY_NAME[common_name(band)].resolution for band in bands if common_name(band) in BY_NAME]
    return 10.0 if 10 in native else 20.0


def default_bands(item: Item) -> tuple[str, ...]:
    """The bands of a layer for which none are asked: spectral bands and scl, or every raster."""
    found = bands_of(item)
    spectral = tuple(name for name in found if name in BY_NAME or name == SCL)
    return spectral or found


def _meets(item: Item, properties: Mapping[str, Predicate]) -> bool:
    return all(name in item.properties and bool(holds(item.properties[name])) for name, holds in properties.items())
