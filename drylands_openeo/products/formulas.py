"""Index formulas. Operators only (+ - * / **), so that each serves NumPy, xarray and openEO alike.

Every argument is a surface reflectance [0..1] by common band name. The constants of EVI, SAVI and their kin are meant
for that scale: with digital numbers 0..10000 the results are wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any


def ndvi(nir: Any, red: Any) -> Any:
    """Normalised difference vegetation index.

    >>> round(ndvi(nir=0.4, red=0.1), 4)
    0.6
    """
    return (nir - red) / (nir + red)


def evi(nir: Any, red: Any, blue: Any) -> Any:
    """Enhanced vegetation index.

    >>> round(evi(nir=0.4, red=0.1, blue=0.05), 4)  # 2.5 * 0.3 / 1.625
    0.4615
    """
    return 2.5 * (nir - red) / (nir + 6.0 * red - 7.5 * blue + 1.0)


def evi2(nir: Any, red: Any) -> Any:
    """Two-band enhanced vegetation index.

    >>> round(evi2(nir=0.4, red=0.1), 4)  # 2.5 * 0.3 / 1.64
    0.4573
    """
    return 2.5 * (nir - red) / (nir + 2.4 * red + 1.0)


def savi(nir: Any, red: Any) -> Any:
    """Soil-adjusted vegetation index, L = 0.5.

    >>> round(savi(nir=0.4, red=0.1), 4)  # 1.5 * 0.3 / 1.0
    0.45
    """
    return 1.5 * (nir - red) / (nir + red + 0.5)


def osavi(nir: Any, red: Any) -> Any:
    """Optimised soil-adjusted vegetation index, without the factor 1.16 that some authors add.

    >>> round(osavi(nir=0.4, red=0.1), 4)  # 0.3 / 0.66
    0.4545
    """
    return (nir - red) / (nir + red + 0.16)


def msavi(nir: Any, red: Any) -> Any:
    """Modified soil-adjusted vegetation index, the closed form that SNAP calls MSAVI2.

    >>> round(msavi(nir=0.4, red=0.1), 4)  # (1.8 - sqrt(3.24 - 2.4)) / 2
    0.4417
    """
    return (2.0 * nir + 1.0 - ((2.0 * nir + 1.0) ** 2 - 8.0 * (nir - red)) ** 0.5) / 2.0


def ndi45(rededge1: Any, red: Any) -> Any:
    """Normalised difference of the first red edge and red.

    >>> round(ndi45(rededge1=0.15, red=0.1), 4)
    0.2
    """
    return (rededge1 - red) / (rededge1 + red)


def reip(red: Any, rededge1: Any, rededge2: Any, rededge3: Any) -> Any:
    """Red-edge inflection point [nm], by the centres of Sentinel-2A (704.1 and 740.5 nm).

    It is S2REP on another scale: reip = 704.1 + 1.04 (s2rep - 705). Do not give both to one regression.

    >>> round(reip(red=0.1, rededge1=0.15, rededge2=0.3, rededge3=0.4), 2)  # 704.1 + 36.4 * 0.1 / 0.15
    728.37
    """
    return 704.1 + 36.4 * (((rededge3 + red) / 2.0 - rededge1) / (rededge2 - rededge1))


def s2rep(red: Any, rededge1: Any, rededge2: Any, rededge3: Any) -> Any:
    """Sentinel-2 red-edge position [nm].

    >>> round(s2rep(red=0.1, rededge1=0.15, rededge2=0.3, rededge3=0.4), 2)  # 705 + 35 * 0.1 / 0.15
    728.33
    """
    return 705.0 + 35.0 * (((rededge3 + red) / 2.0 - rededge1) / (rededge2 - rededge1))


def ireci(red: Any, rededge1: Any, rededge2: Any, rededge3: Any) -> Any:
    """Inverted red-edge chlorophyll index.

    >>> round(ireci(red=0.1, rededge1=0.15, rededge2=0.3, rededge3=0.4), 4)  # 0.3 / (0.15 / 0.3)
    0.6
    """
    return (rededge3 - red) / (rededge1 / rededge2)


def mtci(red: Any, rededge1: Any, rededge2: Any) -> Any:
    """MERIS terrestrial chlorophyll index.

    >>> round(mtci(red=0.1, rededge1=0.15, rededge2=0.3), 4)  # 0.15 / 0.05
    3.0
    """
    return (rededge2 - rededge1) / (rededge1 - red)


def nbr2(swir16: Any, swir22: Any) -> Any:
    """Normalised difference of the two short-wave infrared bands: the tillage index (NDTI) of dry plant matter.

    >>> round(nbr2(swir16=0.3, swir22=0.2), 4)
    0.2
    """
    return (swir16 - swir22) / (swir16 + swir22)


def sti(swir16: Any, swir22: Any) -> Any:
    """Simple tillage index.

    >>> round(sti(swir16=0.3, swir22=0.2), 4)
    1.5
    """
    return swir16 / swir22


def ndsvi(swir16: Any, red: Any) -> Any:
    """Normalised difference senescent vegetation index.

    >>> round(ndsvi(swir16=0.3, red=0.1), 4)
    0.5
    """
    return (swir16 - red) / (swir16 + red)


def dfi(red: Any, nir: Any, swir16: Any, swir22: Any) -> Any:
    """Dead fuel index.

    >>> round(dfi(red=0.1, nir=0.4, swir16=0.3, swir22=0.2), 4)  # 100 * (1 - 2/3) * 0.25
    8.3333
    """
    return 100.0 * (1.0 - swir22 / swir16) * (red / nir)


def bsi(blue: Any, red: Any, nir: Any, swir16: Any) -> Any:
    """Bare soil index.

    >>> round(bsi(blue=0.05, red=0.1, nir=0.4, swir16=0.3), 4)  # (0.4 - 0.45) / 0.85
    -0.0588
    """
    return ((swir16 + red) - (nir + blue)) / ((swir16 + red) + (nir + blue))


def swir32(swir16: Any, swir22: Any) -> Any:
    """Ratio of the short-wave infrared bands, the second axis of the NDVI-SWIR32 triangle.

    >>> round(swir32(swir16=0.3, swir22=0.2), 4)
    0.6667
    """
    return swir22 / swir16


def ndmi(nir: Any, swir16: Any) -> Any:
    """Normalised difference moisture index.

    >>> round(ndmi(nir=0.4, swir16=0.3), 4)
    0.1429
    """
    return (nir - swir16) / (nir + swir16)


def kndvi(nir: Any, red: Any) -> Any:
    """Kernel NDVI, tanh(NDVI^2).

    tanh is no operator, and openEO's builder knows no number ** cube, so that e ** (2u) cannot be written either. It is
    Lambert's continued fraction of tanh to its seventh term, a ratio of polynomials in u = NDVI^2: right to 2e-12 for
    |NDVI| <= 1 and to 5e-8 for |NDVI| <= 1.5, which only noise reaches.

    >>> round(kndvi(nir=0.4, red=0.1), 4)  # tanh(0.36)
    0.3452
    """
    u = ((nir - red) / (nir + red)) ** 2
    v = u**2
    odd = u * (135135.0 + v * (17325.0 + v * (378.0 + v)))
    even = 135135.0 + v * (62370.0 + v * (3150.0 + v * 28.0))
    return odd / even


@dataclass(frozen=True)
class Index:
    """One index: its formula and what must be known to read its values.

    ``range`` is that of values over land: what lies outside is noise or water. ``unit`` as UDUNITS ("1" = none).
    """

    name: str
    formula: Callable[..., Any]
    range: tuple[float, float]
    unit: str
    reference: str

    @property
    def bands(self) -> tuple[str, ...]:
        """Common names of the bands it needs, in the order of the formula's arguments."""
        return tuple(signature(self.formula).parameters)

    @property
    def summary(self) -> str:
        """The first line of the formula's docstring."""
        return (self.formula.__doc__ or "").strip().splitlines()[0]


_TUCKER = "Tucker (1979), doi:10.1016/0034-4257(79)90013-0"
_FRAMPTON = "Frampton et al. (2013), doi:10.1016/j.isprsjprs.2013.04.007"
_DEVENTER = "van Deventer et al. (1997), Photogramm. Eng. Remote Sens. 63, 87-93"

_TABLE = (
    Index("ndvi", ndvi, (-1.0, 1.0), "1", _TUCKER),
    Index("evi", evi, (-1.0, 1.0), "1", "Huete et al. (2002), doi:10.1016/S0034-4257(02)00096-2"),
    Index("evi2", evi2, (-1.0, 1.25), "1", "Jiang et al. (2008), doi:10.1016/j.rse.2008.06.006"),
    Index("savi", savi, (-1.0, 1.0), "1", "Huete (1988), doi:10.1016/0034-4257(88)90106-X"),
    Index("osavi", osavi, (-1.0, 1.0), "1", "Rondeaux et al. (1996), doi:10.1016/0034-4257(95)00186-7"),
    Index("msavi", msavi, (-1.0, 1.0), "1", "Qi et al. (1994), doi:10.1016/0034-4257(94)90134-1"),
    Index("ndi45", ndi45, (-1.0, 1.0), "1", "Delegido et al. (2011), doi:10.3390/s110707063"),
    Index("reip", reip, (700.0, 760.0), "nm", "Guyot and Baret (1988), ESA SP-287, 279-286"),
    Index("s2rep", s2rep, (690.0, 740.0), "nm", _FRAMPTON),
    Index("ireci", ireci, (-1.0, 5.0), "1", _FRAMPTON),
    Index("mtci", mtci, (-5.0, 8.0), "1", "Dash and Curran (2004), doi:10.1080/0143116042000274015"),
    Index("nbr2", nbr2, (-1.0, 1.0), "1", _DEVENTER),
    Index("sti", sti, (0.0, 5.0), "1", _DEVENTER),
    Index("ndsvi", ndsvi, (-1.0, 1.0), "1", "Qi et al. (2002), doi:10.1029/2002EO000411"),
    Index("dfi", dfi, (-20.0, 60.0), "1", "Cao et al. (2010), doi:10.1080/01431160903475274"),
    Index("bsi", bsi, (-1.0, 1.0), "1", "Rikimaru et al. (2002), Trop. Ecol. 43, 39-47"),
    Index("swir32", swir32, (0.0, 2.0), "1", "Guerschman et al. (2009), doi:10.1016/j.rse.2009.01.006"),
    Index("ndmi", ndmi, (-1.0, 1.0), "1", "Gao (1996), doi:10.1016/S0034-4257(96)00067-3"),
    Index("kndvi", kndvi, (0.0, 0.7616), "1", "Camps-Valls et al. (2021), doi:10.1126/sciadv.abc7447"),
)

INDICES = {index.name: index for index in _TABLE}
"""Every index by name."""
