"""``drylands products``: what can be computed."""

from rich.console import Console
from rich.table import Table

from drylands_openeo.products import PRODUCTS


def products() -> None:
    """List the products, their parameters and what they map."""
    table = Table(box=None, pad_edge=False)
    for title in ("product", "maps", "parameters"):
        table.add_column(title, overflow="fold")
    for product in PRODUCTS.values():
        table.add_row(product.id, product.summary, ", ".join(parameter.name for parameter in product.parameters))
    Console().print(table)
