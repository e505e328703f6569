"""The names of things in a Sentinel-2 cube: bands by common name, and the scene classification."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    """One band of the Sentinel-2 MSI.

    ``name`` is the common name used inside; ``sensor_name`` the mission's; ``resolution`` in [m];
    ``centre`` and ``width`` in [nm] are those of Sentinel-2A (ESA spectral response functions).
    """

    name: str
    sensor_name: str
    resolution: int
    centre: float
    width: float


SENTINEL2_BANDS = (
    Band("coastal", "B01", 60, 442.7, 21),
    Band("blue", "B02", 10, 492.4, 66),
    Band("green", "B03", 10, 559.8, 36),
    Band("red", "B04", 10, 664.6, 31),
    Band("rededge1", "B05", 20, 704.1, 15),
    Band("rededge2", "B06", 20, 740.5, 15),
    Band("rededge3", "B07", 20, 782.8, 20),
    Band("nir", "B08", 10, 832.8, 106),
    Band("nir08", "B8A", 20, 864.7, 21),
    Band("nir09", "B09", 60, 945.1, 20),
    Band("swir16", "B11", 20, 1613.7, 91),
    Band("swir22", "B12", 20, 2202.4, 175),
)

BY_NAME = {band.name: band for band in SENTINEL2_BANDS}
BY_SENSOR_NAME = {band.sensor_name: band for band in SENTINEL2_BANDS}

SCL = "scl"
"""The scene classification: classes, never interpolated."""

SCL_CLASSES = {
    0: "no data",
    1: "saturated or defective",
    2: "dark area or topographic shadow",
    3: "cloud shadow",
    4: "vegetation",
    5: "not vegetated",
    6: "water",
    7: "unclassified",
    8: "cloud, medium probability",
    9: "cloud, high probability",
    10: "thin cirrus",
    11: "snow or ice",
}

SCL_KEEP = (4, 5, 6, 7)
"""Classes kept by default. Bright sand is a known false cloud; see docs/methods/masking.md."""


def common_name(name: str) -> str:
    """The common name of a band given by either name.

    >>> common_name("B8A"), common_name("nir08"), common_name("SCL")
    ('nir08', 'nir08', 'scl')
    """
    if name.upper() in BY_SENSOR_NAME:
        return BY_SENSOR_NAME[name.upper()].name
    return name.lower() if name.lower() in BY_NAME or name.lower() == SCL else name
