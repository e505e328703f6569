"""Products -> ``process_graphs/``: a user-defined process each, its APEx record and its benchmark scenario."""

import json
import re
from pathlib import Path
from typing import Any

from drylands_openeo.catalogue.apex import record, scenarios
from drylands_openeo.product import Product
from drylands_openeo.products import PRODUCTS
from drylands_openeo.profiles import CDSE

PUBLISHED_FOR = CDSE
"""The back-end whose processes are published."""


def text(product: Product) -> str:
    """The user-defined process as the file holds it: keys sorted, kernels a row a line, one newline at the end."""
    written = _json(product.udp(PUBLISHED_FOR), sort_keys=True)
    # A list of numbers goes on one line. Inside a JSON string there is no newline, so that no string is touched.
    return re.sub(r"\[\n[\s\d.,]+?\n\s*\]", lambda found: re.sub(r"\s+", " ", found[0]), written)


def files(product: Product) -> dict[str, str]:
    """Path below ``process_graphs/`` -> text, of everything that is published of a product."""
    return {
        f"{product.id}.json": text(product),
        f"records/{product.id}.json": _json(record(product, PUBLISHED_FOR)),
        f"benchmark_scenarios/{product.id}.json": _json(scenarios(product, PUBLISHED_FOR)),
    }


def write(directory: Path) -> list[Path]:
    """Write what is published of every product into the directory; the paths written."""
    contents = {directory / name: content for product in PRODUCTS.values() for name, content in files(product).items()}
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return list(contents)


def _json(some: Any, *, sort_keys: bool = False) -> str:
    return json.dumps(some, indent=2, sort_keys=sort_keys, ensure_ascii=False) + "\n"
