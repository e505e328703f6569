"""A look at the pixels: is the offset what the catalogue says?

Catalogues are known to be wrong about it (a flag "offset applied" that is false although it is, a missing offset), and
an offset of 0.1 too much turns NDVI 0.11 into 0.08: a decline that never was. The test is the darkest clear pixels.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo import CRS
from odc.geo.geobox import GeoBox
from pystac import Item
from shapely.geometry import shape

from drylands_openeo.bands import SCL, SCL_KEEP
from drylands_openeo.errors import AssetError, ContractWarning
from drylands_openeo.stac.dialects import asset_of, dialect_of
from drylands_openeo.stac.metadata import is_sentinel2, processing_baseline
from drylands_openeo.stac.read import Reader, configured
from drylands_openeo.stac.scenes import scenes_of

DARK_BANDS = ("blue", "red")
"""Bands looked at: the darkest ground of nearly every scene is below 0.1 in one of them."""

PERCENTILE = 1.0
"""Per cent of the clear pixels that count as the darkest."""

FORGOTTEN = 0.1
"""Reflectance that even the darkest pixels reach where the offset of 0.1 is still in. Bright sand can too."""

NEGATIVE_SHARE = 0.05
"""Share of negative reflectance from which the offset seems to have been taken off twice; good scenes: under 1 %."""

DIGITAL_NUMBERS = 2.0
"""Median reflectance above which the scale seems not to have been applied."""

FEWEST = 100
"""Clear pixels below which nothing is said."""

SAMPLE = 128
"""Side of the sample window [pixels]."""


@dataclass(frozen=True)
class Contract:
    """What is believed of an item's values; the pixels are looked at once for each contract.

    ``carried``: whether the product itself carries the offset (baseline 04.00 and later, or unknown). ``offset``: what
    is added here.
    """

    dialect: str
    carried: bool
    offset: float


def contract_of(item: Item) -> Contract | None:
    """The contract of a Sentinel-2 item; None for items without a dark band."""
    band = _first_band(item)
    if band is None:
        return None
    baseline = processing_baseline(item)
    return Contract(dialect_of(item).name, baseline is None or baseline >= (4, 0), asset_of(item, band).offset)


def check_contract(items: Iterable[Item], grid: GeoBox, reader: Reader | None = None) -> list[str]:
    """Warns (ContractWarning) for each contract whose pixels do not look as declared; the messages are returned.

    For each contract among the items one sample window of the least cloudy item is read. An item that cannot be read
    says nothing here: reading it in earnest will name it.
    """
    clearest: dict[Contract, Item] = {}
    for item in items:
        contract = contract_of(item) if is_sentinel2(item) else None
        if contract is not None and (contract not in clearest or _cloud(item) < _cloud(clearest[contract])):
            clearest[contract] = item
    messages = []
    for contract, item in clearest.items():
        with configured():
            finding = disagreement(_sample(item, grid, reader or Reader(resampling="nearest")), contract)
        if finding:
            messages.append(f"item {item.id!r} ({contract.dialect}): {finding}")
            warnings.warn(messages[-1], ContractWarning, stacklevel=3)
    return messages


def disagreement(clear: Mapping[str, NDArray[np.floating]], contract: Contract) -> str | None:
    """What is wrong with clear, valid reflectance (band -> values), in words; None if nothing is.

    >>> ground = {"blue": np.linspace(0.05, 0.15, 200)}
    >>> disagreement(ground, Contract("any", True, -0.1)) is None
    True
    >>> disagreement({"blue": ground["blue"] + 0.1}, Contract("any", True, 0.0))
    'the darkest clear pixels have reflectance 0.151: the offset of -0.1 seems not to have been applied (or the ground
    is bright sand)'
    """
    clear = {band: values for band, values in clear.items() if values.size >= FEWEST}
    if not clear:
        return None
    if (middle := max(float(np.median(values)) for values in clear.values())) > DIGITAL_NUMBERS:
        return f"median reflectance is {middle:.0f}: the scale seems not to have been applied"
    negative = max(float(np.mean(values < 0)) for values in clear.values())
    if contract.offset < 0 and negative > NEGATIVE_SHARE:
        return (
            f"{negative:.0%} of the clear pixels have negative reflectance: the provider seems to have applied the "
            f"offset of {contract.offset:g} already"
        )
    darkest = min(float(np.percentile(values, PERCENTILE)) for values in clear.values())
    if contract.offset == 0 and contract.carried and darkest >= FORGOTTEN:
        return (
            f"the darkest clear pixels have reflectance {darkest:.3f}: the offset of -0.1 seems not to have been "
            "applied (or the ground is bright sand)"
        )
    return None


def _sample(item: Item, grid: GeoBox, reader: Reader) -> dict[str, NDArray[np.floating]]:
    """Clear, valid reflectance of the dark bands in one window."""
    window = _sample_window(item, grid)
    if window is None:
        return {}
    values = {}
    for name in (*DARK_BANDS, SCL):
        try:
            (scene,) = scenes_of([item], [name], longitude=0.0)
            plane = np.full(window.shape, np.nan, np.float32)
            if scene.bands[0] is not None:
                part, numbers = reader.read(scene.bands[0], window)
                plane[part] = numbers
            values[name] = plane
        except AssetError:
            continue
    classes = values.pop(SCL, None)
    clear = np.ones(window.shape, bool) if classes is None else np.isin(classes, SCL_KEEP)
    return {name: plane[clear & np.isfinite(plane)] for name, plane in values.items()}


def _sample_window(item: Item, grid: GeoBox) -> GeoBox | None:
    """The middle of what the item shows of the grid."""
    if item.geometry is None or grid.crs is None:
        return grid[: min(SAMPLE, grid.height), : min(SAMPLE, grid.width)]
    seen = shape(item.geometry).intersection(grid.geographic_extent.geom)
    if seen.is_empty:
        return None
    place = seen.representative_point()
    column, row = ~grid.transform @ CRS("EPSG:4326").transformer_to_crs(grid.crs)(place.x, place.y)
    top, left = (
        int(np.clip(position - SAMPLE // 2, 0, max(size - SAMPLE, 0)))
        for position, size in ((row, grid.height), (column, grid.width))
    )
    return grid[top : min(top + SAMPLE, grid.height), left : min(left + SAMPLE, grid.width)]


def _first_band(item: Item) -> str | None:
    for band in DARK_BANDS:
        try:
            asset_of(item, band)
        except AssetError:
            continue
        return band
    return None


def _cloud(item: Item) -> float:
    return float(item.properties.get("eo:cloud_cover", 100))
