"""The first node of every graph: the pixels of a role, from a collection of the back-end or from a STAC address."""

from collections.abc import Sequence

from openeo import DataCube
from openeo.internal.graph_building import PGNode

from drylands_openeo.product import Arguments
from drylands_openeo.profiles import Profile


def load(profile: Profile, role: str, bands: Sequence[str], arguments: Arguments) -> DataCube:
    """The bands (by our names) of the collection that plays ``role``, over the arguments' area and period."""
    collection = profile.of(role)
    extents = {name: arguments[name] for name in ("spatial_extent", "temporal_extent")}
    names = profile.band_names(tuple(bands), role)
    if collection.url is not None:
        # Not DataCube.load_stac: it asks the address for metadata, and a graph is built without a network.
        node = PGNode("load_stac", arguments={"url": collection.url, "bands": names, **extents})
        return DataCube(graph=node, connection=None)
    return DataCube.load_collection(collection.id, bands=names, connection=None, **extents)
