"""How each catalogue writes an item: asset keys, scale, offset, no-data, and who has applied the offset.

Baseline 04.00 and later store reflectance as (DN - 1000) / 10000. A catalogue may have taken the 1000 off already, may
say so, may say it wrongly, or may say nothing; the date tells nothing, since old scenes are processed anew. Each
dialect declares its rule; ``contract.check_contract`` looks at the pixels.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pystac import Asset, Item

from drylands_openeo.bands import BY_NAME, SCL, SENTINEL2_BANDS, common_name
from drylands_openeo.errors import AssetError
from drylands_openeo.stac.metadata import asset_band, declared, processing_baseline

Kind = Literal["reflectance", "classes", "other"]
OffsetRule = Literal["declared", "baseline", "none"]

BASELINE_OFFSET = -0.1
"""Reflectance added from processing baseline 04.00 on, where metadata say nothing (BOA_ADD_OFFSET -1000 / 10000)."""

AUXILIARY_SCALE = 1e-3
"""Level-2A aerosol optical thickness and water vapour [cm]: quantification value 1000, no offset."""


@dataclass(frozen=True)
class BandAsset:
    """Where one band of an item lies, and what must still be done: reflectance = DN * scale + offset.

    ``offset`` is what is still to be added: 0 where the provider has applied it. ``nodata`` is a digital number;
    None: the file says. ``index`` counts bands in the file from 1.
    """

    key: str
    scale: float
    offset: float
    nodata: float | None
    kind: Kind
    index: int = 1


@dataclass(frozen=True)
class Dialect:
    """One catalogue's way of writing Sentinel-2 Level-2A.

    Recognised when the item's collection is one of ``collections`` (if any) and it has one of ``marks``, asset keys or
    properties (if any). ``assets``: band -> keys in order of preference. ``offset``: "declared" takes the asset's own
    metadata, "baseline" the processing baseline, "none" adds nothing. ``applied_flag``: property that says that the
    offset is in the pixels already; it does not hold for assets that end on ``untouched``, the provider's originals.
    """

    name: str
    assets: Mapping[str, tuple[str, ...]]
    offset: OffsetRule
    collections: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    scale: float = 1e-4
    nodata: float | None = 0
    applied_flag: str | None = None
    untouched: str | None = None
    classes: frozenset[str] = field(default_factory=lambda: frozenset({SCL}))
    signed_hosts: tuple[str, ...] = ()

    def recognises(self, item: Item) -> bool:
        """Whether the item is written in this dialect."""
        if self.collections and item.collection_id not in self.collections:
            return False
        return not self.marks or any(mark in item.assets or mark in item.properties for mark in self.marks)


_COMMON = {name: (name, f"{name}-jp2") for name in (*BY_NAME, SCL, "aot", "wvp")}
_SENSOR = {
    **{band.name: (band.sensor_name,) for band in SENTINEL2_BANDS},
    **{name: (name.upper(),) for name in (SCL, "aot", "wvp")},
}
_AT_RESOLUTION = {
    **{b.name: tuple(f"{b.sensor_name}_{r}m" for r in (10, 20, 60) if r >= b.resolution) for b in SENTINEL2_BANDS},
    SCL: ("SCL_20m", "SCL_60m"),
    "aot": ("AOT_10m", "AOT_20m", "AOT_60m"),
    "wvp": ("WVP_10m", "WVP_20m", "WVP_60m"),
}
_GEOSCIENCE_AUSTRALIA = {
    "coastal": ("nbart_coastal_aerosol",),
    **{name: (f"nbart_{name}",) for name in ("blue", "green", "red")},
    **{f"rededge{n}": (f"nbart_red_edge_{n}",) for n in (1, 2, 3)},
    "nir": ("nbart_nir_1",),
    "nir08": ("nbart_nir_2",),
    "swir16": ("nbart_swir_2",),
    "swir22": ("nbart_swir_3",),
    "fmask": ("oa_fmask",),
}

DIALECTS = (
    Dialect(
        "CDSE", _AT_RESOLUTION, "declared", marks=frozenset(key for keys in _AT_RESOLUTION.values() for key in keys)
    ),
    Dialect("Earth Search Collection 1", _COMMON, "declared", collections=frozenset({"sentinel-2-c1-l2a"})),
    Dialect(
        "Earth Search v1",
        _COMMON,
        "declared",
        marks=frozenset({"earthsearch:boa_offset_applied"}),
        applied_flag="earthsearch:boa_offset_applied",
        untouched="-jp2",
    ),
    Dialect(
        "Earth Search v0",
        _SENSOR,
        "baseline",
        collections=frozenset({"sentinel-s2-l2a-cogs"}),
        applied_flag="sentinel:boa_offset_applied",
    ),
    Dialect("DE Africa Collection 1", _COMMON, "declared", collections=frozenset({"s2_l2a_c1"})),
    Dialect(
        "DE Africa",
        _SENSOR,
        "baseline",
        collections=frozenset({"s2_l2a"}),
        applied_flag="sentinel:boa_offset_applied",
    ),
    Dialect(
        "DEA",
        _GEOSCIENCE_AUSTRALIA,
        "none",
        collections=frozenset({"ga_s2am_ard_3", "ga_s2bm_ard_3", "ga_s2cm_ard_3"}),
        nodata=-999,
        classes=frozenset({"fmask"}),
    ),
    Dialect(
        "Planetary Computer",
        _SENSOR,
        "baseline",
        collections=frozenset({"sentinel-2-l2a"}),
        marks=frozenset({"B02", "B03", "B04", "B08", "B8A", "B11", "B12"}),
        signed_hosts=(".blob.core.windows.net",),
    ),
)

PLAIN = Dialect("plain STAC", {}, "declared", scale=1.0, nodata=None, signed_hosts=(".blob.core.windows.net",))
"""Any other item: bands by common name, key or sensor name; scale, offset and no-data as the asset declares them."""


def dialect_of(item: Item) -> Dialect:
    """The dialect that the item is written in; ``PLAIN`` where none is recognised."""
    return next((dialect for dialect in DIALECTS if dialect.recognises(item)), PLAIN)


def asset_of(item: Item, band: str) -> BandAsset:
    """Where ``band`` (common name, sensor name or asset key) lies in ``item``, and its scale and offset.

    Raises AssetError, which lists the bands there are, when the item has no such band.
    """
    dialect = dialect_of(item)
    name = common_name(band)
    key, position = _key_of(item, dialect, band, name)
    asset = item.assets[key]
    metadata = declared(item, asset, position)
    kind = _kind_of(dialect, name, asset, metadata)
    nodata = metadata.get("nodata", 0 if kind == "classes" and name == SCL else dialect.nodata)
    if kind == "reflectance":
        scale, offset = float(metadata.get("scale", dialect.scale)), _offset(item, dialect, key, metadata)
    elif kind == "classes":
        scale, offset = 1.0, 0.0
    elif dialect.assets:
        # Aerosol and water vapour [0.001]: some catalogues copy the reflectance's scale and offset onto them.
        scale, offset = AUXILIARY_SCALE, 0.0
    else:
        scale, offset = float(metadata.get("scale", 1.0)), float(metadata.get("offset", 0.0))
    return BandAsset(key, scale, offset, _number(nodata), kind, position + 1)


def bands_of(item: Item) -> tuple[str, ...]:
    """The names by which the bands of an item can be asked for: spectral bands and SCL first, in order."""
    dialect = dialect_of(item)
    if dialect.assets:
        known = (*BY_NAME, SCL, *dialect.assets)
        return tuple(
            dict.fromkeys(name for name in known if any(key in item.assets for key in dialect.assets.get(name, ())))
        )
    return tuple(key for key, asset in item.assets.items() if _is_raster(asset))


def _key_of(item: Item, dialect: Dialect, band: str, name: str) -> tuple[str, int]:
    """(asset key, position of the band in the file)."""
    if band in item.assets and not (name in dialect.assets and band not in dialect.assets[name]):
        return band, 0
    for key in (*dialect.assets.get(name, ()), *(() if dialect.assets else _spellings(name))):
        if key in item.assets:
            return key, 0
    if not dialect.assets:
        for key, asset in item.assets.items():
            position = asset_band(asset, {band, name})
            if position is not None and _is_raster(asset):
                return key, position
    raise AssetError(
        f"item {item.id!r} ({dialect.name}) has no band {band!r}; it has {', '.join(bands_of(item)) or 'no raster'}"
    )


def _spellings(name: str) -> tuple[str, ...]:
    sensor_name = BY_NAME[name].sensor_name if name in BY_NAME else name
    return (name, sensor_name, sensor_name.lower(), name.upper())


def _kind_of(dialect: Dialect, name: str, asset: Asset, metadata: Mapping[str, Any]) -> Kind:
    if name in dialect.classes or "classification:classes" in metadata:
        return "classes"
    if name in BY_NAME or asset_band(asset, set(BY_NAME)) is not None or "reflectance" in (asset.roles or ()):
        return "other" if name in ("aot", "wvp") else "reflectance"
    return "other"


def _offset(item: Item, dialect: Dialect, key: str, metadata: Mapping[str, Any]) -> float:
    """What must still be added to DN * scale."""
    untouched = dialect.untouched is not None and key.endswith(dialect.untouched)
    if dialect.applied_flag and item.properties.get(dialect.applied_flag) is True and not untouched:
        return 0.0
    if dialect.offset == "none":
        return 0.0
    if "offset" in metadata or dialect.offset == "declared":
        return float(metadata.get("offset", 0.0))
    baseline = processing_baseline(item)
    return BASELINE_OFFSET if baseline is not None and baseline >= (4, 0) else 0.0


def _is_raster(asset: Asset) -> bool:
    media = asset.media_type or ""
    if re.match(r"image/(tiff|jp2|vnd)", media) or "raster:bands" in asset.extra_fields:
        return not {"thumbnail", "overview", "metadata"} & set(asset.roles or ())
    return not media and asset.href.lower().endswith((".tif", ".tiff", ".jp2", ".vrt"))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
