"""What graphs that come over the network may read."""

from dataclasses import dataclass

from drylands_openeo.engine import Extent, Layer, Source
from drylands_openeo.errors import GraphError


@dataclass(frozen=True)
class Reach:
    """The server's source; besides its collections, STAC by http(s) address only, not by files of this machine."""

    source: Source

    def collection(self, collection: str, extent: Extent) -> Layer:
        """A collection of the source."""
        return self.source.collection(collection, extent)

    def stac_at(self, url: str, extent: Extent) -> Layer:
        """STAC elsewhere."""
        if not str(url).startswith(("http://", "https://")):
            raise GraphError(
                f"url is {url!r}; this server loads STAC by http(s) address", code="ProcessParameterInvalid"
            )
        return self.source.stac_at(url, extent)
