"""The engine behind the openEO API 1.2, for clients on this machine."""

from drylands_openeo.server.app import create_app
from drylands_openeo.server.backend import Backend
from drylands_openeo.server.settings import Settings

__all__ = ["Backend", "Settings", "create_app"]
