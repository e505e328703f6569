"""The first node of every graph: the pixels of a role, from a collection of the back-end or from a STAC address."""

from collections.abc import Sequence
from typing import Any

from openeo import DataCube
from openeo.internal.graph_building import PGNode

from drylands_openeo.product import Arguments
from drylands_openeo.profiles import OPTICAL, Profile


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


def element(data: Any, profile: Profile, band: str, bands: Sequence[str], role: str = OPTICAL) -> Any:
    """One band of a pixel inside a callback; ``bands``: those of the cube, in order, as they were loaded."""
    if profile.has_labels:
        return data.array_element(label=profile.band_names((band,), role)[0])
    return data.array_element(index=list(bands).index(band))
