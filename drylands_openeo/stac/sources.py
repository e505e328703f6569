"""Where items come from: a STAC API by name or address, or a catalogue, item collection or stac-geoparquet file."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlparse

import pystac
from pystac import Item, Link

from drylands_openeo.errors import SourceError, UnknownCollectionError
from drylands_openeo.stac.metadata import is_sentinel2

ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sentinel-2-l2a": (
            "sentinel-2-l2a",
            "sentinel-2-c1-l2a",
            "sentinel-s2-l2a-cogs",
            "s2_l2a",
            "s2_l2a_c1",
            "ga_s2am_ard_3",
            "ga_s2bm_ard_3",
            "ga_s2cm_ard_3",
        ),
        "dem": ("dem", "cop-dem-glo-30", "cop-dem-glo-30-dged-cog", "dem_cop_30"),
        "land-cover": ("land-cover", "esa-worldcover", "clms_lc_global_100m_yearly_v3_cog"),
        "climate": ("climate",),
        "npp": ("npp", "modis-17A3HGF-061", "clms_dmp_global_300m_10daily_v2_cog"),
    }
)
"""Role -> ids under which catalogues hold it; what a source that is not known by name is looked through for."""


@dataclass(frozen=True)
class Api:
    """A STAC API; ``collections``: role -> its id there."""

    url: str
    collections: Mapping[str, str]


KNOWN: Mapping[str, Api] = MappingProxyType(
    {
        "earth-search": Api(
            "https://earth-search.aws.element84.com/v1",
            {"sentinel-2-l2a": "sentinel-2-l2a", "dem": "cop-dem-glo-30"},
        ),
        "earth-search-c1": Api(
            "https://earth-search.aws.element84.com/v1",
            {"sentinel-2-l2a": "sentinel-2-c1-l2a", "dem": "cop-dem-glo-30"},
        ),
        "planetary-computer": Api(
            "https://planetarycomputer.microsoft.com/api/stac/v1",
            {
                "sentinel-2-l2a": "sentinel-2-l2a",
                "dem": "cop-dem-glo-30",
                "land-cover": "esa-worldcover",
                "npp": "modis-17A3HGF-061",
            },
        ),
        "cdse": Api(
            "https://stac.dataspace.copernicus.eu/v1",
            {
                "sentinel-2-l2a": "sentinel-2-l2a",
                "dem": "cop-dem-glo-30-dged-cog",
                "land-cover": "clms_lc_global_100m_yearly_v3_cog",
                "npp": "clms_dmp_global_300m_10daily_v2_cog",
            },
        ),
    }
)


def api_of(source: str | Path) -> Api | None:
    """The API that ``source`` names; None where it is a file or static catalogue.

    >>> api_of("https://stac.example.org/v1").url
    'https://stac.example.org/v1'
    >>> api_of("catalog.json") is None
    True
    """
    text = str(source)
    if text in KNOWN:
        return KNOWN[text]
    if _is_url(text) and not urlparse(text).path.endswith((".json", ".geojson")):
        return Api(text, {})
    return None


def collection_ids(role: str, api: Api, existing: Iterable[str]) -> list[str]:
    """The ids to ask an API for; ``existing`` is looked at only where the API does not say itself."""
    if role in api.collections:
        return [api.collections[role]]
    if role not in ROLES:
        return [role]
    available = list(existing)
    found = [name for name in ROLES[role] if name in available]
    if not found:
        raise unknown_collection(role, api.url, available)
    return found


def unknown_collection(collection: str, source: str, existing: Iterable[str]) -> UnknownCollectionError:
    """The error that lists what there is."""
    names = sorted(set(existing))
    shown = ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
    return UnknownCollectionError(
        f"collection {collection!r}: {source} has no such collection; it has {shown or 'none'}. "
        f"Give one of these or a role: {', '.join(ROLES)}"
    )


def local_items(source: str | Path, collection: str) -> list[Item]:
    """The items of a collection (id or role) in a file or static catalogue, asset addresses absolute."""
    items = list(all_items(source))
    ids = {collection, *ROLES.get(collection, ())}
    chosen = [
        item
        for item in items
        if item.collection_id in ids
        or (item.collection_id is None and collection == "sentinel-2-l2a" and is_sentinel2(item))
    ]
    if items and not chosen:
        raise unknown_collection(collection, str(source), (item.collection_id or "(none)" for item in items))
    return chosen


def all_items(source: str | Path) -> Iterator[Item]:
    """The items of a file or static catalogue, asset addresses absolute."""
    source = str(source)
    if not _is_url(source) and not Path(source).is_file():
        raise SourceError(
            f"source {source!r} is neither a known name ({', '.join(KNOWN)}), nor the address of a STAC API, "
            "nor a file that exists"
        )
    if source.endswith((".parquet", ".geoparquet")):
        content: Any = _read_geoparquet(source)
    else:
        content = _read_json(source)
    yield from _items_of(content, source)


def _read_json(source: str) -> Any:
    try:
        return json.loads(pystac.StacIO.default().read_text(source))
    except Exception as error:
        raise SourceError(f"source {source!r} cannot be read as JSON: {error}") from error


def _read_geoparquet(source: str) -> Any:
    try:
        import rustac
    except ImportError:
        raise SourceError(
            f"source {source!r} is stac-geoparquet, which needs rustac: pip install 'drylands-openeo[geoparquet]'"
        ) from None
    try:
        return rustac.read_sync(source)
    except Exception as error:
        raise SourceError(f"source {source!r} cannot be read as stac-geoparquet: {error}") from error


def _items_of(content: Any, source: str) -> Iterator[Item]:
    """Items of a list, an item collection, an item, or a catalogue with its children."""
    kind = content.get("type") if isinstance(content, Mapping) else None
    try:
        if isinstance(content, list):
            documents = content
        elif kind == "FeatureCollection":
            documents = content["features"]
        elif kind == "Feature":
            documents = [content]
        elif kind in ("Catalog", "Collection"):
            found = pystac.Catalog if kind == "Catalog" else pystac.Collection
            for item in found.from_file(source).get_items(recursive=True):
                yield detached(item)
            return
        else:
            raise SourceError(f"source {source!r} is JSON, but neither a STAC item, item collection nor catalogue")
        for document in documents:
            yield detached(Item.from_dict(document, preserve_dict=False), base=source)
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(f"source {source!r} is not valid STAC: {error}") from error


def detached(item: Item, *, base: str | None = None) -> Item:
    """The item with absolute asset addresses and without the catalogue behind it, so that it is light to send.

    Relative addresses are resolved against the item's own address, or else the file ``base`` that holds it.
    """
    own = item.get_self_href()
    for asset in item.assets.values():
        asset.href = _absolute(asset.href, own if own and (base is None or _is_url(own)) else base)
    item.links = [
        Link(link.rel, link.get_absolute_href() or link.href, link.media_type, link.title)
        for link in item.links
        if link.rel in ("self", "license", "via", "derived_from", "collection")
    ]
    return item


def _absolute(href: str, base: str | None) -> str:
    if base is None or "://" in href or href.startswith("/vsi") or os.path.isabs(href):
        return href
    return pystac.utils.make_absolute_href(href, base if _is_url(base) else os.path.abspath(base))


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://"))
