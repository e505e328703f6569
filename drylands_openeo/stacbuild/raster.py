"""What a GeoTIFF says of itself."""

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import rasterio
from odc.geo.geobox import GeoBox

from drylands_openeo.errors import DrylandsError


@dataclass(frozen=True)
class RasterBand:
    """One band: its name, how it is stored, and value = stored x scale + offset [unit]; nodata is a stored number."""

    name: str
    dtype: str
    nodata: float | None
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""


@dataclass(frozen=True)
class Raster:
    """One file of one date."""

    path: Path
    time: datetime
    grid: GeoBox
    bands: tuple[RasterBand, ...]


def read_raster(path: Path, time: datetime, name: str, *, crs: str | None, names: tuple[str, ...] = ()) -> Raster:
    """The facts of a GeoTIFF; ``name``: of its band, if it has one only and no description; ``names``: of its bands.

    Raises DrylandsError where it cannot be read, is not north up, has no projection (give ``crs``), or has another
    number of bands than ``names``.
    """
    try:
        with rasterio.open(path) as file:
            projection = file.crs or crs
            if projection is None:
                raise DrylandsError(f"file {path.name!r} has no projection: give --crs")
            transform = file.transform
            if transform.b or transform.d or transform.a <= 0 or transform.e >= 0:
                raise DrylandsError(f"file {path.name!r} is turned or upside down: bring it north up, by gdalwarp")
            labels = names or _labels(file.descriptions, name)
            if len(labels) != file.count:
                raise DrylandsError(
                    f"file {path.name!r} has {file.count} bands, not {len(labels)}: {', '.join(labels)}"
                )
            stored = zip(labels, file.dtypes, file.nodatavals, file.scales, file.offsets, file.units, strict=True)
            bands = tuple(RasterBand(n, d, nodata, s, o, unit or "") for n, d, nodata, s, o, unit in stored)
            return Raster(path, time, GeoBox(file.shape, transform, str(projection)), bands)
    except rasterio.errors.RasterioError as error:
        raise DrylandsError(f"file {str(path)!r} cannot be read as a GeoTIFF: {error}") from error


def _labels(descriptions: tuple[str | None, ...], name: str) -> tuple[str, ...]:
    if len(descriptions) == 1:
        return (descriptions[0] or name,)
    return tuple(text or f"{name}_{number}" for number, text in enumerate(descriptions, start=1))


def nodata_text(value: float | None) -> float | str | None:
    """No data as STAC writes it.

    >>> nodata_text(math.nan), nodata_text(-9999.0)
    ('nan', -9999.0)
    """
    return "nan" if value is not None and math.isnan(value) else value
