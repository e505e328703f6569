"""Products -> user-defined processes -> ``process_graphs/``: ``python -m drylands_openeo.catalogue DIRECTORY``."""

import json
import re
import sys
from pathlib import Path

from drylands_openeo.product import Product
from drylands_openeo.products import PRODUCTS
from drylands_openeo.profiles import CDSE

PUBLISHED_FOR = CDSE
"""The back-end whose processes are published."""


def text(product: Product) -> str:
    """The user-defined process as the file holds it: keys sorted, kernels a row a line, one newline at the end."""
    written = json.dumps(product.udp(PUBLISHED_FOR), indent=2, sort_keys=True, ensure_ascii=False)
    # A list of numbers goes on one line. Inside a JSON string there is no newline, so that no string is touched.
    return re.sub(r"\[\n[\s\d.,]+?\n\s*\]", lambda found: re.sub(r"\s+", " ", found[0]), written) + "\n"


def write(directory: Path) -> list[Path]:
    """Write every product's process into the directory; the paths written."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}.json" for name in PRODUCTS]
    for path, product in zip(paths, PRODUCTS.values(), strict=True):
        path.write_text(text(product), "utf-8")
    return paths


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m drylands_openeo.catalogue DIRECTORY")
    for written in write(Path(sys.argv[1])):
        sys.stdout.write(f"{written}\n")
