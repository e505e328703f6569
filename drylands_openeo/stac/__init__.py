"""Search, harmonise and load: from a STAC source to reflectance on one grid."""

from drylands_openeo.stac.deduplicate import deduplicate
from drylands_openeo.stac.search import search

__all__ = ["deduplicate", "search"]
