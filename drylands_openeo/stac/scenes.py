"""What loading needs to know of an item, taken out once: day, footprint, and where each band lies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pystac import Item
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry

from drylands_openeo.errors import AssetError
from drylands_openeo.stac.dialects import BandAsset, asset_of, dialect_of
from drylands_openeo.stac.metadata import horizontal, item_time

MARGIN = 0.005
"""Degrees by which footprints are widened, since catalogues simplify them."""


@dataclass(frozen=True)
class SceneBand:
    """One band of one item, ready to be opened. ``hosts``: hosts whose addresses need a signature."""

    item: str
    asset: BandAsset
    href: str
    hosts: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What messages call it: item/asset."""
        return f"{self.item}/{self.asset.key}"


@dataclass(frozen=True)
class Scene:
    """One item: its solar day, its footprint [degrees], and its bands in the order asked; None: it has no such band."""

    item: str
    day: np.datetime64
    footprint: BaseGeometry
    bands: tuple[SceneBand | None, ...]
    gaps: tuple[str, ...] = ()


def scenes_of(
    items: Iterable[Item], bands: Sequence[str], *, longitude: float, on_error: str = "raise"
) -> tuple[Scene, ...]:
    """The scenes by (time, id). A band that an item lacks raises AssetError, or is a gap where ``on_error`` is "gap".

    ``longitude`` [degrees] is that of the whole area: every tile then has the same days.
    """
    ordered = sorted(items, key=lambda item: (item_time(item), item.id))
    return tuple(_scene(item, bands, longitude, on_error) for item in ordered)


def solar_day(item: Item, longitude: float) -> np.datetime64:
    """The day by the sun at ``longitude``: UTC plus whole hours of 15 degrees, as odc-stac counts it."""
    moment = item_time(item) + timedelta(hours=int(longitude / 15))
    return np.datetime64(moment.date(), "ns")


def touching(scenes: Sequence[Scene], window: GeoBox) -> list[Scene]:
    """The scenes whose footprint meets the window, in their order."""
    outline = window.geographic_extent.geom.buffer(MARGIN)
    footprints: NDArray[np.object_] = np.array([scene.footprint for scene in scenes], dtype=object)
    return [scenes[int(i)] for i in np.flatnonzero(shapely.intersects(footprints, outline))]


def _scene(item: Item, bands: Sequence[str], longitude: float, on_error: str) -> Scene:
    hosts = dialect_of(item).signed_hosts if _from_planetary_computer(item) else ()
    found: list[SceneBand | None] = []
    gaps = []
    for band in bands:
        try:
            asset = asset_of(item, band)
        except AssetError as error:
            if on_error == "raise":
                raise
            gaps.append(f"{item.id}/{band}: {error}")
            found.append(None)
        else:
            file = item.assets[asset.key]
            found.append(SceneBand(item.id, asset, file.get_absolute_href() or file.href, hosts))
    return Scene(item.id, solar_day(item, longitude), _footprint(item), tuple(found), tuple(gaps))


def _from_planetary_computer(item: Item) -> bool:
    return any("planetarycomputer.microsoft.com" in str(link.target) for link in item.links)


def _footprint(item: Item) -> BaseGeometry:
    if item.geometry is not None:
        footprint = shape(item.geometry)
        return footprint if footprint.is_valid else shapely.make_valid(footprint)
    west, south, east, north = horizontal(item.bbox) if item.bbox else (-180.0, -90.0, 180.0, 90.0)
    return box(west, south, east, north)
