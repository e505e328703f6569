"""Maps on disk: Cloud-optimised GeoTIFF, netCDF, STAC item, quicklook."""

from drylands_openeo.write.bands import MapBand
from drylands_openeo.write.cog import MapWriter
from drylands_openeo.write.item import provenance_item, save_item, software
from drylands_openeo.write.netcdf import write_netcdf
from drylands_openeo.write.quicklook import Style, quicklook
from drylands_openeo.write.series import SeriesWriter

__all__ = [
    "MapBand",
    "MapWriter",
    "SeriesWriter",
    "Style",
    "provenance_item",
    "quicklook",
    "save_item",
    "software",
    "write_netcdf",
]
