"""Which product a back-end offers everything for, and with what arguments."""

import pytest

from drylands_openeo.products import PRODUCTS
from drylands_openeo.profiles import PROFILES

PLACE = {"spatial_extent": [115.0, 42.4, 115.1, 42.5], "temporal_extent": "2020/2021"}
WITHOUT = {"titiler": {"indices": {"index": ["evi"], "erosion": 0, "dilation": 0}}}
"""Back-ends that have not everything: what runs there, with what arguments."""

PAIRS = [
    (product, profile, WITHOUT.get(profile.name, {}).get(name, {}))
    for name, product in PRODUCTS.items()
    for profile in PROFILES.values()
    if profile.name not in WITHOUT or name in WITHOUT[profile.name]
]
each_offer = pytest.mark.parametrize(
    ("product", "profile", "arguments"), [pytest.param(*pair, id=f"{pair[0].id}-{pair[1].name}") for pair in PAIRS]
)


def needed(name):
    """The example's arguments, without those that follow from the period."""
    return {key: value for key, value in PRODUCTS[name].example.items() if key not in ("dates", "quarters")}
