"""Items of an area and a period, the same from every kind of source."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from pystac import Item
from pystac_client import Client, ConformanceClasses
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from shapely import make_valid
from shapely.geometry import box, shape
from urllib3.util import Retry

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import NoItemsError, SourceError
from drylands_openeo.stac.deduplicate import deduplicate
from drylands_openeo.stac.metadata import horizontal, item_time
from drylands_openeo.stac.sources import Api, api_of, collection_ids, detached, local_items, unknown_collection
from drylands_openeo.stac.where import Where

PAGE = 100
TIMEOUT = (5, 60)
"""Seconds to connect, seconds between bytes."""

RETRIES = 3


def search(
    source: str | Path,
    *,
    area: Area,
    period: Period | None = None,
    collection: str = "sentinel-2-l2a",
    max_cloud_cover: float | None = None,
    where: str | Mapping[str, Any] | None = None,
) -> list[Item]:
    """The items of ``collection`` that touch ``area`` within ``period``, each scene once, by time and id.

    ``source``: a known name (earth-search, earth-search-c1, planetary-computer, cdse), the address of a STAC API, or
    the path of an item collection, a static catalogue or a stac-geoparquet file. ``collection``: a role
    (sentinel-2-l2a, dem, land-cover, climate, npp) or the source's own id. ``period`` None: any time.
    ``max_cloud_cover`` [%] and ``where`` (CQL2, text or JSON, on item properties) choose among scenes after
    duplicates have gone, so that they never choose between two processings of one scene.

    Raises NoItemsError (with the count after each step), UnknownCollectionError (with what there is) and SourceError
    (source out of reach or unreadable).
    """
    condition = None if where is None else Where(where)
    api = api_of(source)
    if api is None:
        found = local_items(source, collection)
    else:
        found = list(_from_api(api, collection, area, period, condition))
    steps = [("found", found)]
    steps.append(("in area and period", [item for item in found if _touches(item, area) and _within(item, period)]))
    steps.append(("scenes after duplicates", deduplicate(steps[-1][1])))
    if max_cloud_cover is not None:
        steps.append((f"with cloud cover <= {max_cloud_cover:g} %", _clear(steps[-1][1], max_cloud_cover)))
    if condition is not None:
        steps.append((f"where {where}", condition.keep(steps[-1][1])))
    items = steps[-1][1]
    if not items:
        raise NoItemsError(_nothing(source, collection, area, period, steps))
    return sorted(items, key=lambda item: (item_time(item), item.id))


def _from_api(api: Api, collection: str, area: Area, period: Period | None, condition: Where | None) -> Iterator[Item]:
    try:
        client = open_api(api.url)
        existing = _existing(client) if collection not in api.collections else ()
        ids = collection_ids(collection, api, existing)
        count = 0
        for item in client.search(**_query(client, ids, area, period, condition)).items():
            count += 1
            yield detached(item)
        if not count and not set(ids) & set(known := _existing(client)):
            raise unknown_collection(collection, api.url, known)
    except SourceError:
        raise
    except (requests.RequestException, APIError) as error:
        raise SourceError(f"STAC API {api.url} cannot be reached or refuses the request: {error}") from error
    except Exception as error:
        raise SourceError(f"STAC API {api.url} does not answer as a STAC API: {error}") from error


def open_api(url: str) -> Client:
    """A client that waits and tries again where the server is busy, and gives up in the end."""
    retry = Retry(total=RETRIES, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None)
    return Client.open(url, stac_io=StacApiIO(max_retries=retry, timeout=TIMEOUT))


def _existing(client: Client) -> list[str]:
    return [collection.id for collection in client.get_collections()]


def _query(
    client: Client, ids: list[str], area: Area, period: Period | None, condition: Where | None
) -> dict[str, Any]:
    """Only what every server can do; the rest is done here."""
    query: dict[str, Any] = {"collections": ids, "limit": PAGE}
    if area.geometry.equals(box(*area.bbox)):
        query["bbox"] = list(area.bbox)
    else:
        query["intersects"] = area.geojson
    if period is not None:
        query["datetime"] = [period.start, period.end]
    if condition is not None and condition.may_precede_deduplication and client.conforms_to(ConformanceClasses.FILTER):
        query |= {"filter": condition.json, "filter_lang": "cql2-json"}
    return query


def _touches(item: Item, area: Area) -> bool:
    if item.geometry is not None:
        footprint = shape(item.geometry)
        return bool((footprint if footprint.is_valid else make_valid(footprint)).intersects(area.geometry))
    return item.bbox is None or box(*horizontal(item.bbox)).intersects(area.geometry)


def _within(item: Item, period: Period | None) -> bool:
    """Half open: an item at the period's end is not in it."""
    if period is None:
        return True
    if item.datetime is not None:
        return period.start <= item_time(item) < period.end
    last = item.common_metadata.end_datetime or item_time(item)
    return item_time(item) < period.end and last >= period.start


def _clear(items: Iterable[Item], limit: float) -> list[Item]:
    """Items at or below the limit. One that says nothing of clouds cannot be shown to be clear, and goes."""
    return [item for item in items if float(item.properties.get("eo:cloud_cover", 101)) <= limit]


def _nothing(
    source: str | Path, collection: str, area: Area, period: Period | None, steps: list[tuple[str, list[Item]]]
) -> str:
    counts = ", ".join(f"{len(items)} {name}" for name, items in steps)
    west, south, east, north = area.bbox
    when = "any time" if period is None else "{} to {} (end not included)".format(*period.interval)
    return (
        f"no items of {collection!r} in {source} for area {west:.4f},{south:.4f},{east:.4f},{north:.4f} "
        f"and {when}: {counts}"
    )
