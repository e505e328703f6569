"""One band of one item on a grid, by either loader, as float32 in physical units."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlparse

import numpy as np
import rasterio
import rasterio.errors
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.loader import RasterLoadParams, RasterSource, reader_driver

from drylands_openeo.errors import AssetError, DrylandsError
from drylands_openeo.stac.copying import Window, copied
from drylands_openeo.stac.resample import SHRINKING, aligned, bilinear, nearest, positions
from drylands_openeo.stac.scenes import SceneBand

Loader = Literal["odc-stac", "stackstac"]
Fetch = Callable[[SceneBand, GeoBox, GeoBox, str], tuple[Window, NDArray[np.float32]]]
"""Digital numbers of a band, whose file has one grid, on another by a method; by "nearest" only if their pixels are
the same."""

GDAL_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_HTTP_MAX_RETRY": "4",
        "GDAL_HTTP_RETRY_DELAY": "0.5",
        "GDAL_HTTP_CONNECTTIMEOUT": "10",
        "GDAL_HTTP_TIMEOUT": "60",
        "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    }
)
"""What GDAL does over HTTP. ``odc.stac.configure_rio`` (credentials, other retries) takes precedence."""

_STOCK = {"GDAL_HTTP_MAX_RETRY": "10", "GDAL_HTTP_RETRY_DELAY": "0.5"}
"""What odc-stac says where nobody has configured it: minutes of waiting for a server that is down."""


METHODS = ("nearest", "bilinear", "cubic", "cubic_spline", "lanczos", "average", "rms", "med", "mode", "min", "max")
"""GDAL's ways of resampling that make sense for reflectance or classes."""


@dataclass(frozen=True)
class Reader:
    """Reads bands by ``loader``; ``resampling`` is for reflectance and other continuous values (classes: nearest).

    Aligned pixels are copied. Nearest and bilinear are exact (``resample``); other methods, and bilinear onto coarser
    pixels, are GDAL's.
    """

    loader: Loader = "odc-stac"
    resampling: str = "bilinear"

    def __post_init__(self) -> None:
        if self.loader not in _LOADERS:
            raise DrylandsError(f"loader {self.loader!r} is not one of {', '.join(_LOADERS)}")
        if self.resampling not in METHODS:
            raise DrylandsError(f"resampling {self.resampling!r} is not one of {', '.join(METHODS)}")

    def read(self, band: SceneBand, grid: GeoBox) -> tuple[Window, NDArray[np.float32]]:
        """(part of the grid that the file covers, values there), NaN where there is no data.

        Raises AssetError, which names item and asset, where the file is missing or broken. Call it ``configured``.
        """
        resampling = "nearest" if band.asset.kind == "classes" else self.resampling
        with _named(band):
            window, values = _read(band, grid, resampling, _LOADERS[self.loader])
        if band.asset.scale != 1:
            values *= np.float32(band.asset.scale)
        if band.asset.offset:
            values += np.float32(band.asset.offset)
        return window, values

    def probe(self, band: SceneBand) -> None:
        """Opens the file, and raises AssetError where that fails."""
        with _named(band):
            _grid_of(band, _stamp(band.href))


@contextmanager
def configured() -> Iterator[None]:
    """GDAL's options for the reads inside: to set them takes as long as to open a file."""
    driver = reader_driver("rio")
    with driver.restore_env(_gdal_options(driver.capture_env()), driver.new_load(_ANY_GRID)):
        yield


@contextmanager
def _named(band: SceneBand) -> Iterator[None]:
    """Turns whatever goes wrong inside into an AssetError that names item and asset."""
    try:
        yield
    except DrylandsError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error.__cause__ or error}".splitlines()[0]
        raise AssetError(f"item {band.item!r}, asset {band.asset.key!r}: {reason} ({band.href})") from error


def _read(band: SceneBand, grid: GeoBox, resampling: str, fetch: Fetch) -> tuple[Window, NDArray[np.float32]]:
    """Digital numbers on the grid, no-data as NaN before any interpolation."""
    source = _grid_of(band, _stamp(band.href))
    if aligned(source, grid):
        return fetch(band, source, grid, "nearest")
    where = positions(source, grid)
    if where.empty:
        return (slice(0, 0), slice(0, 0)), np.empty((0, 0), np.float32)
    if resampling not in _EXACT or (resampling == "bilinear" and where.ratio > SHRINKING):
        return fetch(band, source, grid, resampling)
    part = source[where.window]
    numbers = np.full(part.shape, np.nan, np.float32)
    window, values = fetch(band, source, part, "nearest")
    numbers[window] = values
    return (slice(0, grid.height), slice(0, grid.width)), _EXACT[resampling](numbers, where)


@lru_cache(maxsize=8192)
def _grid_of(band: SceneBand, stamp: int) -> GeoBox:
    """The grid of a file; ``stamp`` tells a local file that has been written anew from the one before."""
    with configured(), rasterio.open(signed(band)) as file:
        grid = GeoBox.from_rio(file)
    _ = grid.crs and grid.crs.epsg  # once known, it makes comparisons quick
    return grid


def block_of(band: SceneBand) -> int | None:
    """Edge [pixels] of the square blocks of a file; None for strips and for what cannot be opened."""
    try:
        with configured(), rasterio.open(signed(band)) as file:
            height, width = file.block_shapes[band.asset.index - 1]
    except rasterio.errors.RasterioError:  # reading in earnest will name it
        return None
    return int(height) if height == width else None


def _stamp(href: str) -> int:
    """When a local file was last written; 0 for an address."""
    try:
        return os.stat(href).st_mtime_ns
    except OSError:
        return 0


def _by_odc(band: SceneBand, source: GeoBox, grid: GeoBox, resampling: str) -> tuple[Window, NDArray[np.float32]]:
    """By odc-stac's own reader; it copies pixels where nothing is to be resampled, and so does ``copied``, sooner."""
    if resampling == "nearest":
        return copied(signed(band), band.asset.index, band.asset.nodata, source, grid)
    driver = reader_driver("rio")
    options = _gdal_options(driver.capture_env())
    load = RasterLoadParams(
        dtype="float32", fill_value=np.nan, src_nodata_override=band.asset.nodata, resampling=resampling
    )
    with driver.restore_env(options, driver.new_load(grid)) as context:
        window, numbers = driver.open(RasterSource(signed(band), band=band.asset.index), context).read(load, grid)
    return window, numbers


def _gdal_options(configured: Mapping[str, Any]) -> dict[str, Any]:
    return {**GDAL_OPTIONS, **{key: value for key, value in configured.items() if _STOCK.get(key) != value}}


def _by_stackstac(band: SceneBand, source: GeoBox, grid: GeoBox, resampling: str) -> tuple[Window, NDArray[np.float32]]:
    """stackstac, with what it gets wrong taken out of its hands.

    A plain STAC 1.0 dictionary (its parser misses the projection of newer ones); the grid given in full (epsg alone
    gives other pixels); no rescaling (it ignores STAC 1.1 scales); float64 (its type check refuses others on NumPy 2).
    """
    try:
        import stackstac
        from rasterio.enums import Resampling
    except ImportError:
        raise DrylandsError("loader 'stackstac' needs stackstac: pip install 'drylands-openeo[stackstac]'") from None
    epsg = grid.crs.epsg if grid.crs is not None else None
    if epsg is None or band.asset.index != 1:
        raise DrylandsError(f"loader 'stackstac' reads only the first band of a file, and needs an EPSG code: {band}")
    box = grid.boundingbox
    lonlat = grid.geographic_extent.boundingbox
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": band.item,
        "bbox": list(lonlat.bbox),
        "properties": {"datetime": "2000-01-01T00:00:00Z", "proj:epsg": epsg, "proj:bbox": list(box.bbox)},
        "assets": {"band": {"href": signed(band), "type": "image/tiff"}},
        "links": [],
    }
    stack = stackstac.stack(
        item,
        assets=["band"],
        epsg=epsg,
        resolution=(abs(grid.resolution.x), abs(grid.resolution.y)),
        bounds=box.bbox,
        snap_bounds=False,
        resampling=Resampling[resampling],
        dtype="float64",
        fill_value=np.nan,
        rescale=False,
        xy_coords=False,
        errors_as_nodata=(),
        gdal_env=stackstac.DEFAULT_GDAL_ENV.updated(GDAL_OPTIONS),
    )
    numbers: NDArray[np.float64] = stack.data[0, 0].compute(scheduler="synchronous")
    if band.asset.nodata is not None:
        numbers[numbers == band.asset.nodata] = np.nan
    return (slice(0, grid.height), slice(0, grid.width)), numbers.astype(np.float32)


_LOADERS: Mapping[str, Fetch] = MappingProxyType({"odc-stac": _by_odc, "stackstac": _by_stackstac})
_EXACT = MappingProxyType({"nearest": nearest, "bilinear": bilinear})
_ANY_GRID = GeoBox.from_bbox((0, 0, 1, 1), "EPSG:4326", shape=(1, 1))


def signed(band: SceneBand) -> str:
    """The address to open: with a Planetary Computer signature where its host wants one and the package is there."""
    host = urlparse(band.href).hostname or ""
    if not host.endswith(band.hosts or ("\0",)):
        return band.href
    try:
        import planetary_computer
    except ImportError:
        raise AssetError(
            f"item {band.item!r}, asset {band.asset.key!r}: {host} wants signed addresses: "
            "pip install 'drylands-openeo[planetary-computer]'"
        ) from None
    return str(planetary_computer.sign_url(band.href))
