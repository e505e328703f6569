"""The products as they are shared: user-defined processes, records for APEx, and code for the plain openEO client."""

from drylands_openeo.catalogue.publish import PUBLISHED_FOR, files, text, write
from drylands_openeo.catalogue.snippet import snippet

__all__ = ["PUBLISHED_FOR", "files", "snippet", "text", "write"]
