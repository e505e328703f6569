"""One small run of each product: its example, placed where the pixels of the comparison are."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from drylands_openeo.area import Area
from drylands_openeo.product import Product
from drylands_openeo.profiles import OPTICAL, Profile

YEAR = ("2020-01-01", "2021-01-01")
"""For products of images: the world's period."""

YEARS = ("2001-01-01", "2013-01-01")
"""For products of climate and productivity, and those of images that need many years."""

LONG = ("1981-01-01", "2011-01-01")
"""For what is calibrated on a climatological normal."""

PERIODS = {"trend": YEARS, "vegetation_response": YEARS, "drought": LONG}

AT = "https://example.org/stac/"
"""Addresses of what is loaded from elsewhere end in its role; nobody is asked there, the source knows them."""

QUARTERS = ("2020-01-01", "2020-04-01", "2020-07-01", "2020-10-01", "2021-01-01")

OURS: Mapping[str, Any] = {
    "quarters": [[list(quarter)] for quarter in pairwise(QUARTERS)],
    "years": [[f"{year}-01-01", f"{year + 1}-01-01"] for year in range(2003, 2013)],
    "calibration": [1981, 2010],
    "climate_extent": list(LONG[:1] + YEARS[1:]),
    "first_year": 2003,
    "last_year": 2012,
    "dates": ["2020-05-15", "2020-07-15"],
}
SHORT: Mapping[str, Mapping[str, Any]] = {
    "indices": {"index": ["ndvi", "bsi", "nbr2"]},
    "harmonic_ndvi": {"trend": False},
    "trend": {"fewest": 1},
    "drought": {"drought_index": "spei"},
    "npp": {"dates": [f"2020-{month:02d}-15" for month in range(1, 13)]},
}
"""What the images of the comparison allow."""


@dataclass(frozen=True)
class Case:
    """A product, what it is run with, and when."""

    product: Product
    arguments: Mapping[str, Any]
    period: tuple[str, str]

    def graph(self, profile: Profile, area: Area | Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
        """The product's graph for a back-end."""
        given = {**self.arguments, **arguments}
        return self.product.flat_graph(profile, spatial_extent=area, temporal_extent=self.period, **given)


def case_of(product: Product) -> Case:
    """The product's own example, within our periods and from our addresses."""
    found = {name: _ours(name, value) for name, value in product.example.items()}
    period = PERIODS.get(product.id, YEAR if OPTICAL in product.inputs else YEARS)
    return Case(product, {**found, **SHORT.get(product.id, {})}, period)


def _ours(name: str, value: Any) -> Any:
    if isinstance(value, str) and value.startswith(AT):
        return f"{AT}{name}"
    return OURS.get(name, value)
