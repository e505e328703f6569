"""STAC for one's own rasters, so that openEO's load_stac and this project's sources can read them."""

from drylands_openeo.stacbuild.build import Built, build

__all__ = ["Built", "build"]
