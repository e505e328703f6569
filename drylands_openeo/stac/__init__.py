"""Search, harmonise and load: from a STAC source to reflectance on one grid."""

from drylands_openeo.stac.contract import check_contract
from drylands_openeo.stac.deduplicate import deduplicate
from drylands_openeo.stac.layer import StacLayer, StacSource
from drylands_openeo.stac.load import load
from drylands_openeo.stac.search import search

__all__ = ["StacLayer", "StacSource", "check_contract", "deduplicate", "load", "search"]
