"""The source's collections as openEO lists them: STAC collections with the cube's dimensions and bands."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from threading import RLock
from typing import Any

from pystac import Item

from drylands_openeo.bands import BY_NAME
from drylands_openeo.cubefile import CubeFile
from drylands_openeo.engine import Extent, Source
from drylands_openeo.errors import DrylandsError
from drylands_openeo.local import Catalogue
from drylands_openeo.profiles import LOCAL, OPTICAL
from drylands_openeo.server.calls import Answer, Call, answer
from drylands_openeo.server.failures import ApiError
from drylands_openeo.stac.collections import list_collections, sample_item
from drylands_openeo.stac.layer import default_bands
from drylands_openeo.stac.sources import ROLES, api_of

DATACUBE = "https://stac-extensions.github.io/datacube/v2.2.0/schema.json"
KEPT = ("title", "description", "keywords", "license", "providers", "extent")
WORLD = [-180.0, -90.0, 180.0, 90.0]

Document = Mapping[str, Any]


class Collections:
    """Collections by the ids under which graphs may load them.

    ``documents``: id -> STAC collection, read at the first request. ``bands``: id -> the names of its bands.
    """

    def __init__(self, documents: Callable[[], Mapping[str, Document]], bands: Callable[[str], Sequence[str]]) -> None:
        self._read, self._bands = documents, bands
        self._full: dict[str, Document] = {}
        self._lock = RLock()

    @cached_property
    def _documents(self) -> Mapping[str, Document]:
        return self._read()

    def ids(self) -> list[str]:
        """The ids."""
        with self._lock:
            return sorted(self._documents)

    def short(self) -> list[Document]:
        """Each collection without its bands and dimensions."""
        return [_short(name, self._documents[name]) for name in self.ids()]

    def full(self, name: str) -> Document:
        """One collection with its bands and dimensions; an ApiError where there is none."""
        if name not in self.ids():
            raise ApiError("CollectionNotFound", f"there is no collection {name!r}; there are {', '.join(self.ids())}")
        with self._lock:
            if name not in self._full:
                document = self._documents[name]
                self._full[name] = (
                    document if "cube:dimensions" in document else _full(name, document, self._bands(name))
                )
            return self._full[name]


def collections_of(source: Source, given: Sequence[Document] | None = None) -> Collections:
    """The collections that are given, else those of the source."""
    match source:
        case _ if given is not None:
            return Collections(lambda: {document["id"]: document for document in given}, lambda name: ())
        case Catalogue():
            root = source.stac.source
            own = cache(lambda: list_collections(root))
            return Collections(
                lambda: {**_roles(root, own()), **own()},
                lambda name: _bands_of(sample_item(root, name if name in own() else _playing(root, name, own()))),
            )
        case CubeFile():
            name = LOCAL.collection(OPTICAL)
            text = {"id": name, "description": f"The cube {source.path.name}."}
            return Collections(lambda: {name: text}, lambda _: source.collection(name, Extent()).bands)
    raise DrylandsError(f"a source of type {type(source).__name__} does not say what collections it has; give them")


def listed(call: Call) -> Answer:
    """GET /collections."""
    documents = [_linked(call, document) for document in call.backend.collections.short()]
    return answer({"collections": documents, "links": [_link(call, "self", "/collections")]})


def described(call: Call) -> Answer:
    """GET /collections/{collection_id}."""
    return answer(_linked(call, call.backend.collections.full(call.path["collection_id"])))


def _linked(call: Call, document: Document) -> Document:
    own = f"/collections/{document['id']}"
    links = [_link(call, "self", own), _link(call, "root", "/"), _link(call, "parent", "/collections")]
    return {**document, "links": [*document.get("links", ()), *links]}


def _link(call: Call, rel: str, path: str) -> dict[str, str]:
    return {"rel": rel, "href": call.link(path), "type": "application/json"}


def _roles(root: Any, own: Mapping[str, Document]) -> dict[str, Document]:
    """Collections under the roles by which graphs of this project name them."""
    return {role: own[name] for role in ROLES for name in [_playing(root, role, own)] if name in own}


def _playing(root: Any, role: str, existing: Iterable[str]) -> str:
    """The collection that plays a role; the role itself where there is none."""
    api = api_of(root)
    named = (api.collections[role],) if api is not None and role in api.collections else ROLES.get(role, ())
    return next((name for name in named if name in existing), role)


def _bands_of(item: Item | None) -> tuple[str, ...]:
    return () if item is None else default_bands(item)


def _short(name: str, document: Document) -> dict[str, Any]:
    text = {key: document[key] for key in KEPT if document.get(key) is not None}
    licence = [link for link in document.get("links", ()) if link.get("rel") == "license"]
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [DATACUBE],
        "license": "other",
        "description": name,
        "extent": {"spatial": {"bbox": [WORLD]}, "temporal": {"interval": [[None, None]]}},
        **text,
        "id": name,
        "links": licence,
    }


def _full(name: str, document: Document, bands: Sequence[str]) -> dict[str, Any]:
    short = _short(name, document)
    west, south, east, north = _horizontal(short["extent"]["spatial"]["bbox"][0])
    dimensions = {
        "x": {"type": "spatial", "axis": "x", "extent": [west, east], "reference_system": 4326},
        "y": {"type": "spatial", "axis": "y", "extent": [south, north], "reference_system": 4326},
        "t": {"type": "temporal", "extent": list(short["extent"]["temporal"]["interval"][0])},
    }
    if bands:
        dimensions["bands"] = {"type": "bands", "values": list(bands)}
    summaries = {"bands": [_band(band) for band in bands]} if bands else {}
    return {**short, "cube:dimensions": dimensions, "summaries": summaries}


def _horizontal(bbox: Sequence[float]) -> Sequence[float]:
    return (*bbox[:2], *bbox[len(bbox) // 2 :][:2])


def _band(name: str) -> dict[str, Any]:
    if name not in BY_NAME:
        return {"name": name}
    band = BY_NAME[name]
    return {
        "name": name,
        "eo:common_name": "rededge" if name.startswith("rededge") else name,
        "eo:center_wavelength": band.centre / 1000,
        "eo:full_width_half_max": band.width / 1000,
        "description": f"{band.sensor_name}, surface reflectance 0..1",
    }
