"""The names of covariates, and what they say: which source, which statistic of it, in which unit.

red, ndvi                   median of a band or an index over the period
bare_red, bare_bsi          the same over the dates on which the soil lies bare
ndvi_q1 .. ndvi_q4          of a calendar quarter: the mean over the years of the quarters' medians
ndvi_mean, ndvi_amplitude   of the curve with one harmonic (c0, sin1, cos1, mean, amplitude, phase, peak_day, rmse)
nir_homogeneity             texture of a band's median
elevation, slope            of the terrain model
climate_tmean               mean of a variable of the climate
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drylands_openeo.bands import BY_NAME
from drylands_openeo.errors import DrylandsError
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.texture import FEATURES

HARMONIC = ("c0", "sin1", "cos1", "mean", "amplitude", "phase", "peak_day", "rmse")

QUARTERS = ("q1", "q2", "q3", "q4")

TERRAIN = {"elevation": "m", "slope": "1"}

BARE, CLIMATE = "bare_", "climate_"

SOIL = (
    *(f"{BARE}{name}" for name in ("blue", "green", "red", "nir", "swir16", "swir22", "bsi", "nbr2")),
    *(f"{index}_{quarter}" for index in ("ndvi", "dfi") for quarter in QUARTERS),
    "ndvi_mean",
    "ndvi_amplitude",
    "elevation",
    "slope",
)
"""What soil carbon is usually predicted from (Yang et al. 2021, doi:10.3389/fenvs.2021.668912, add NDVI and DFI by
quarter); a model may take others."""

VEGETATION = (
    "ndi45",
    "s2rep",
    "blue",
    "nir",
    "nir_homogeneity",
    "nir_variance",
    *(f"{index}_{quarter}" for index in ("ndvi", "dfi") for quarter in QUARTERS),
)
"""What biomass is usually predicted from; reip is left out, for s2rep is the same variable."""


@dataclass(frozen=True)
class Covariate:
    """``kind``: median, bare, quarter, harmonic, texture, terrain or climate. ``layer``: band, index or terrain layer;
    ``part``: quarter, coefficient or feature."""

    name: str
    kind: str
    layer: str
    part: str = ""

    @property
    def unit(self) -> str:
        """As UDUNITS."""
        if self.kind == "terrain":
            return TERRAIN[self.layer]
        if self.kind in ("climate", "texture") or self.layer in BY_NAME:
            return "1"
        return {"phase": "rad", "peak_day": "day"}.get(self.part, INDICES[self.layer].unit)

    @property
    def text(self) -> str:
        """What it is, in words."""
        return {
            "median": f"median of {self.layer} over the period",
            "bare": f"median of {self.layer} over the dates with bare soil",
            "quarter": f"median of {self.layer} in quarter {self.part[1:]}, mean of the years",
            "harmonic": f"{self.part} of the seasonal curve of {self.layer}",
            "texture": f"{self.part} of the texture of {self.layer}",
            "terrain": f"{self.layer} of the terrain",
            "climate": f"mean {self.layer} of the climate, by month; in the unit of its collection where that is given",
        }[self.kind]


def covariate(name: str) -> Covariate:
    """What a name says; DrylandsError where it says nothing.

    >>> covariate("bare_bsi").kind, covariate("ndvi_q3").part, covariate("nir_variance").kind
    ('bare', 'q3', 'texture')
    """
    if name in TERRAIN:
        return Covariate(name, "terrain", name)
    if name in INDICES or name in BY_NAME:
        return Covariate(name, "median", name)
    if name.startswith(CLIMATE) and len(name) > len(CLIMATE):
        return Covariate(name, "climate", name.removeprefix(CLIMATE))
    if name.startswith(BARE) and (bare := name.removeprefix(BARE)) in {*INDICES, *BY_NAME}:
        return Covariate(name, "bare", bare)
    layer, part = _parted(name)
    if part in QUARTERS and (layer in INDICES or layer in BY_NAME):
        return Covariate(name, "quarter", layer, part)
    if part in HARMONIC and layer in INDICES:
        return Covariate(name, "harmonic", layer, part)
    if part in FEATURES and layer in BY_NAME:
        return Covariate(name, "texture", layer, part)
    raise DrylandsError(
        f"covariate {name!r} is not known: a band or index, bare_<band or index>, <band or index>_q1 to _q4, "
        f"<index>_<{', '.join(HARMONIC)}>, <band>_<{', '.join(FEATURES)}>, elevation, slope, climate_<band>"
    )


def covariates(names: Sequence[str]) -> tuple[Covariate, ...]:
    """What several names say."""
    return tuple(covariate(name) for name in names)


def _parted(name: str) -> tuple[str, str]:
    for part in (*QUARTERS, *HARMONIC, *FEATURES):
        if name.endswith(f"_{part}"):
            return name.removesuffix(f"_{part}"), part
    return name, ""
