"""What ESA-APEx/apex_algorithms asks of a shared process: a record for its catalogue, a scenario for its benchmarks."""

from importlib.metadata import version
from typing import Any
from urllib.parse import urlparse

from drylands_openeo.check import size_of
from drylands_openeo.product import EXAMPLE_EXTENTS, Product
from drylands_openeo.profiles import Profile

HOME = "https://raw.githubusercontent.com/drylands-openeo/drylands_openeo"
"""Where the tags of this repository are served as raw files."""

CREATED, UPDATED = "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z"

CONFORMS_TO = (
    "https://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core",
    "https://apex.esa.int/core/openeo-udp",
)
THEMES = "https://gcmd.earthdata.nasa.gov/kms/concepts/concept_scheme/sciencekeywords"
SQUARE_KILOMETRES = 91.4
"""Of the area of EXAMPLE_EXTENTS."""

EXAMPLE_YEARS = 3


def address(product: Product) -> str:
    """Where the user-defined process of this version is served."""
    return f"{HOME}/v{version('drylands-openeo')}/process_graphs/{product.id}.json"


def record(product: Product, profile: Profile) -> dict[str, Any]:
    """The OGC API record of a product, as it goes to ``algorithm_catalog/<provider>/<id>/records/<id>.json``."""
    return {
        "id": product.id,
        "type": "Feature",
        "conformsTo": list(CONFORMS_TO),
        "geometry": None,
        "properties": {
            "created": CREATED,
            "updated": UPDATED,
            "type": "service",
            "title": product.summary,
            "description": product.description,
            "visibility": "public",
            "cost_estimate": cost(product, profile),
            "cost_unit": "platform credits per km2 and year of observations, estimated, not measured",
            "keywords": list(product.keywords),
            "language": {"code": "en", "name": "English"},
            "contacts": [{"name": "The drylands_openeo authors", "roles": ["principal investigator", "processor"]}],
            "themes": [{"concepts": [{"id": keyword} for keyword in product.keywords], "scheme": THEMES}],
            "formats": [{"name": "GeoTIFF"}, {"name": "netCDF"}],
            "license": "Apache-2.0",
        },
        "linkTemplates": [],
        "links": [
            _link("service", profile.title, str(profile.url)),
            _link("application", "openEO process", address(product), "application/vnd.openeo+json;type=process"),
            _link("provider", "drylands_openeo", "../../record.json"),
            _link("platform", "CDSE openEO federation", "../../../../platform_catalog/cdse_openeo_federation.json"),
        ],
    }


def scenarios(product: Product, profile: Profile) -> list[dict[str, Any]]:
    """The benchmark scenario: the process by its address, over the area of its example.

    It has no reference data yet: those are the results of a first run on the platform.
    """
    node = {
        "process_id": product.id,
        "namespace": address(product),
        "arguments": {**EXAMPLE_EXTENTS, **product.example},
        "result": True,
    }
    return [
        {
            "id": product.id,
            "type": "openeo",
            "description": f"{product.summary}: the example of its description, in Inner Mongolia.",
            "backend": urlparse(str(profile.url)).netloc,
            "process_graph": {f"{product.id.replace('_', '')}1": node},
            "job_options": product.options(profile, _example(product, profile)),
            "reference_options": {"rtol": 0.001, "atol": 0.001, "pixel_tolerance": 1},
        }
    ]


def cost(product: Product, profile: Profile) -> float:
    """Platform credits per square kilometre and year, as `drylands check` estimates, without the start of a job."""
    size = size_of(_example(product, profile), profile)
    if size.batch_credits is None or profile.credits is None:
        return 0.0
    return float(f"{(size.batch_credits - profile.credits.batch) / SQUARE_KILOMETRES / EXAMPLE_YEARS:.1g}")


def _example(product: Product, profile: Profile) -> dict[str, Any]:
    arguments: dict[str, Any] = {**EXAMPLE_EXTENTS, **product.example}
    return product.flat_graph(profile, **arguments)


def _link(rel: str, title: str, href: str, media_type: str = "application/json") -> dict[str, str]:
    return {"rel": rel, "type": media_type, "title": title, "href": href}
