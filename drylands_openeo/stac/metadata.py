"""Facts that every catalogue writes under names of its own: tile, data strip, processing baseline, band metadata."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pystac import Asset, Item

_DATASTRIP = ("s2:datastrip_id", "eopf:datastrip_id", "sentinel:datastrip_id")
_BASELINE = ("s2:processing_baseline", "sentinel:processing_baseline", "processing:version")
_PRODUCT = ("sentinel:product_id", "s2:product_uri", "s2:tile_id", *_DATASTRIP)
_GENERATED = ("s2:generation_time", "processing:datetime", "odc:processing_datetime", "updated", "created")
_TILE = ("s2:mgrs_tile", "grid:code", "odc:region_code", "s2:tile_id")


def is_sentinel2(item: Item) -> bool:
    """Whether the item says that it is from Sentinel-2."""
    names = (str(item.properties.get(key, "")) for key in ("constellation", "platform"))
    return any(re.match(r"sentinel[- ]?2", name, re.IGNORECASE) for name in names)


def mgrs_tile(item: Item) -> str | None:
    """The MGRS tile, such as '49TGE'."""
    for key in _TILE:
        if found := re.search(r"(?:^|MGRS-|_T)(\d{1,2}[C-X][A-Z]{2})(?:$|_)", str(item.properties.get(key, ""))):
            return found[1].zfill(5)
    return None


def datastrip_time(item: Item) -> str | None:
    """Start of sensing of the data strip, from its id: the same for all processings of one strip."""
    for key in _DATASTRIP:
        if found := re.search(r"_S(\d{8}T\d{6})", str(item.properties.get(key, ""))):
            return found[1]
    return None


def processing_baseline(item: Item) -> tuple[int, int] | None:
    """Processing baseline (major, minor), such as (5, 10)."""
    for key in _BASELINE:
        if found := re.fullmatch(r"(\d{2})\.(\d{2})", str(item.properties.get(key, ""))):
            return int(found[1]), int(found[2])
    for key in _PRODUCT:
        if found := re.search(r"_N(\d{2})\.?(\d{2})(?:_|$)", str(item.properties.get(key, ""))):
            return int(found[1]), int(found[2])
    return None


def generation_time(item: Item) -> str:
    """When the product was made, as RFC 3339 text that sorts by time; '' where unknown."""
    return next((str(item.properties[key]) for key in _GENERATED if item.properties.get(key)), "")


def item_time(item: Item) -> datetime:
    """The item's time in UTC: datetime, or the start of its interval."""
    moment = item.datetime or item.common_metadata.start_datetime or item.common_metadata.end_datetime
    if moment is None:
        raise ValueError(f"item {item.id!r} has neither datetime nor start_datetime")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def horizontal(bbox: Sequence[float]) -> tuple[float, float, float, float]:
    """West, south, east, north of a bounding box in two or three dimensions."""
    return bbox[0], bbox[1], bbox[len(bbox) // 2], bbox[len(bbox) // 2 + 1]


def asset_band(asset: Asset, names: Collection[str]) -> int | None:
    """Position of the band whose common name or name is one of ``names``, in STAC 1.0 or 1.1 writing."""
    bands = asset.extra_fields.get("eo:bands") or asset.extra_fields.get("bands") or ()
    for key in ("common_name", "eo:common_name", "name"):
        for position, band in enumerate(bands):
            if isinstance(band, Mapping) and band.get(key) in names:
                return position
    return None


def declared(item: Item, asset: Asset, position: int) -> dict[str, Any]:
    """Scale, offset, nodata and classes as an asset declares them, in STAC 1.0 or 1.1 writing."""
    found: dict[str, Any] = {}
    for owner in (asset.extra_fields, _nth(asset, "bands", position), _nth(asset, "raster:bands", position)):
        for key in ("scale", "offset", "nodata", "classification:classes"):
            value = owner.get(f"raster:{key}", owner.get(key))
            if value is not None:
                found[key] = value
    return found


def _nth(asset: Asset, key: str, position: int) -> Mapping[str, Any]:
    bands = asset.extra_fields.get(key) or ()
    return bands[position] if position < len(bands) else {}
