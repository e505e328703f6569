"""What a user names as the source of pixels, as the engine's source."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drylands_openeo.cubefile import CubeFile
from drylands_openeo.engine import Extent, Layer, Source
from drylands_openeo.errors import DrylandsError
from drylands_openeo.stac import StacSource

COLLECTIONS = "/collections/"


@dataclass(frozen=True)
class Catalogue:
    """A STAC catalogue or API."""

    stac: StacSource

    def collection(self, collection: str, extent: Extent) -> Layer:
        """A collection of the catalogue, by role or by id."""
        return _layer(self.stac, collection, extent)

    def stac_at(self, url: str, extent: Extent) -> Layer:
        """What a ``load_stac`` address means: a collection of an API, or a catalogue of one collection."""
        root, mark, collection = url.rstrip("/").partition(COLLECTIONS)
        return _layer(replace(self.stac, source=root if mark else url), collection or Path(url).stem, extent)


def source_of(*, cube: Path | None = None, scale: float | None = None, **stac: Any) -> Source:
    """A cube file, or a STAC source with the settings of :class:`StacSource` (``source`` first of all)."""
    if cube is not None:
        return CubeFile(cube, scale)
    if not stac.get("source"):
        raise DrylandsError("no source: give a STAC API, a known name, a catalogue, or a cube file")
    return Catalogue(StacSource(**stac))


def _layer(stac: StacSource, collection: str, extent: Extent) -> Layer:
    if extent.spatial is None:
        raise DrylandsError(f"collection {collection!r} is loaded without spatial_extent; give an area")
    return stac.layer(
        collection,
        spatial_extent=extent.spatial,
        temporal_extent=extent.temporal,
        bands=extent.bands,
        properties=extent.properties,
    )
