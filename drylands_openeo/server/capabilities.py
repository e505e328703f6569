"""What this server is: capabilities, conformance, file formats, UDF runtimes, the account."""

import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from drylands_openeo.server.auth import check_basic
from drylands_openeo.server.calls import Answer, Call, Endpoint, answer

API_VERSION = "1.2.0"
CONFORMANCE = (f"https://api.openeo.org/{API_VERSION}", "https://api.stacspec.org/v1.0.0/collections")
LIBRARIES = ("numpy", "pandas", "scipy", "xarray")

OUTPUT: dict[str, dict[str, Any]] = {
    "GTiff": {"title": "Cloud-optimised GeoTIFF, one file a date", "gis_data_types": ["raster"], "parameters": {}},
    "netCDF": {"title": "netCDF-4, one variable a band", "gis_data_types": ["raster"], "parameters": {}},
    "JSON": {"title": "JSON, for results that are no map", "gis_data_types": ["other"], "parameters": {}},
}


def capabilities(call: Call, endpoints: Sequence[Endpoint]) -> Answer:
    """GET /."""
    return answer(
        {
            "type": "Catalog",
            "stac_version": "1.1.0",
            "id": "drylands-openeo",
            "title": "drylands_openeo",
            "description": "Land-degradation surveillance of drylands: an openEO back-end on this machine.",
            "api_version": API_VERSION,
            "backend_version": version("drylands-openeo"),
            "production": False,
            "conformsTo": list(CONFORMANCE),
            "endpoints": _paths(endpoint for endpoint in endpoints if endpoint.listed),
            "links": [
                _link(call, "self", "/"),
                _link(call, "data", "/collections"),
                _link(call, "conformance", "/conformance"),
                _link(call, "version-history", "/.well-known/openeo"),
            ],
        }
    )


def well_known(call: Call) -> Answer:
    """GET /.well-known/openeo."""
    return answer({"versions": [{"url": call.root, "api_version": API_VERSION, "production": False}]})


def conformance(call: Call) -> Answer:
    """GET /conformance."""
    return answer({"conformsTo": list(CONFORMANCE)})


def file_formats(call: Call) -> Answer:
    """GET /file_formats."""
    return answer({"input": {}, "output": OUTPUT})


def udf_runtimes(call: Call) -> Answer:
    """GET /udf_runtimes."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    settings = call.backend.settings
    foreign = "any text" if settings.trust_any else f"{len(settings.trusted)} texts that were allowed"
    python = {
        "title": "Python",
        "description": f"Runs the kernels of drylands_openeo, and {foreign} besides.",
        "type": "language",
        "default": running,
        "versions": {running: {"libraries": dict(_libraries())}},
    }
    return answer({"Python": python})


def credentials_basic(call: Call) -> Answer:
    """GET /credentials/basic."""
    settings = call.backend.settings
    check_basic(call.headers.get("authorization"), settings.user, settings.password)
    return answer({"access_token": call.backend.token})


def me(call: Call) -> Answer:
    """GET /me."""
    return answer({"user_id": call.backend.settings.user, "links": []})


def _paths(endpoints: Iterable[Endpoint]) -> list[dict[str, Any]]:
    methods: dict[str, list[str]] = {}
    for endpoint in endpoints:
        methods.setdefault(endpoint.path, []).append(endpoint.method)
    return [{"path": path, "methods": found} for path, found in methods.items()]


def _libraries() -> Iterable[tuple[str, dict[str, str]]]:
    for name in LIBRARIES:
        try:
            yield name, {"version": version(name)}
        except PackageNotFoundError:
            continue


def _link(call: Call, rel: str, path: str) -> dict[str, str]:
    return {"rel": rel, "href": call.link(path), "type": "application/json"}
