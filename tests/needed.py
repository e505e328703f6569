"""Arguments that a product cannot do without, from its own example."""

from drylands_openeo.product import NO_DEFAULT
from drylands_openeo.products import get_product


def needed(name):
    """Values of the parameters that have no default; dates follow from the period."""
    product = get_product(name)
    asked = {parameter.name for parameter in product.parameters if parameter.default is NO_DEFAULT} - {"dates"}
    return {key: value for key, value in product.example.items() if key in asked}
