"""What a source holds: its collections as STAC documents, and an item of each to see the bands of."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pystac
import requests
from pystac import Item
from pystac_client.exceptions import APIError

from drylands_openeo.errors import SourceError
from drylands_openeo.stac.metadata import horizontal, item_time
from drylands_openeo.stac.search import open_api
from drylands_openeo.stac.sources import Api, all_items, api_of, detached

Document = dict[str, Any]

WORLD = (-180.0, -90.0, 180.0, 90.0)


def list_collections(source: str | Path) -> dict[str, Document]:
    """Collection id -> STAC collection; made from the items where the source has items only.

    Raises SourceError where the source is out of reach or unreadable.
    """
    api = api_of(source)
    if api is not None:
        return {document["id"]: document for document in _of_api(api)}
    grouped: dict[str, list[Item]] = {}
    for item in all_items(source):
        grouped.setdefault(item.collection_id or "items", []).append(item)
    written = _written(str(source))
    return {name: {**_from_items(name, items), **written.get(name, {})} for name, items in grouped.items()}


def sample_item(source: str | Path, collection: str) -> Item | None:
    """An item of a collection, by its own id; None where it has none."""
    api = api_of(source)
    if api is None:
        return next((item for item in all_items(source) if (item.collection_id or "items") == collection), None)
    try:
        found = open_api(api.url).search(collections=[collection], max_items=1).items()
        return next((detached(item) for item in found), None)
    except (requests.RequestException, APIError) as error:
        raise SourceError(f"STAC API {api.url} cannot be reached or refuses the request: {error}") from error


def _of_api(api: Api) -> list[Document]:
    try:
        return [collection.to_dict() for collection in open_api(api.url).get_collections()]
    except (requests.RequestException, APIError) as error:
        raise SourceError(f"STAC API {api.url} cannot be reached or refuses the request: {error}") from error


def _written(source: str) -> Mapping[str, Document]:
    """The collection documents of a static catalogue; none in other files."""
    content = pystac.StacIO.default().read_json(source) if source.endswith(".json") else {}
    match content.get("type"):
        case "Catalog":
            found: Iterable[pystac.Collection] = pystac.Catalog.from_file(source).get_all_collections()
        case "Collection":
            found = [pystac.Collection.from_file(source)]
        case _:
            return {}
    return {collection.id: collection.to_dict() for collection in found}


def _from_items(name: str, items: list[Item]) -> Document:
    boxes = [horizontal(item.bbox) for item in items if item.bbox] or [WORLD]
    west, south, east, north = zip(*boxes, strict=True)
    bbox = [float(edge) for edge in (min(west), min(south), max(east), max(north))]
    moments = sorted(item_time(item) for item in items)
    interval = [f"{moments[place]:%Y-%m-%dT%H:%M:%SZ}" for place in (0, -1)]
    return {
        "type": "Collection",
        "id": name,
        "description": f"{len(items)} items.",
        "license": "other",
        "extent": {"spatial": {"bbox": [bbox]}, "temporal": {"interval": [interval]}},
        "links": [],
    }
