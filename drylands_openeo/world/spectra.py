"""The colours of the generated world: each pixel mixes its soil with dry litter and green leaves."""

import numpy as np

from drylands_openeo.world.landscape import TRAITS, Float, Ground, Patch

BANDS = ("blue", "green", "red", "nir", "rededge1", "rededge2", "rededge3", "nir08", "swir16", "swir22")
RED, NIR = BANDS.index("red"), BANDS.index("nir")

# Reflectance in the order of BANDS, rounded, of typical shape: for a world with a known truth, not for analysis.
LEAVES = np.array([0.035, 0.070, 0.040, 0.450, 0.110, 0.320, 0.400, 0.470, 0.240, 0.120])
LITTER = np.array([0.085, 0.125, 0.190, 0.260, 0.215, 0.230, 0.245, 0.280, 0.390, 0.245])
SOILS = {
    "loam": np.array([0.100, 0.140, 0.190, 0.240, 0.205, 0.215, 0.228, 0.255, 0.340, 0.300]),
    "sand": np.array([0.160, 0.230, 0.310, 0.375, 0.330, 0.345, 0.360, 0.385, 0.500, 0.470]),
    "water": np.array([0.120, 0.130, 0.090, 0.050, 0.070, 0.055, 0.055, 0.045, 0.030, 0.020]),
}


def soil_of(ground: Ground) -> Float:
    """Reflectance of what is not green, soil with its litter (or water), (bands, y, x)."""
    table = np.array([np.full(len(BANDS), np.nan), *(SOILS[TRAITS[kind].soil] for kind in Patch)])
    soil = table.T[:, ground.patch].astype(np.float32)
    litter = ground.litter.astype(np.float32)
    soil += litter * (LITTER.astype(np.float32)[:, None, None] - soil)
    return np.asarray(soil)


def shares(ground: Ground, ndvi: Float) -> dict[str, Float]:
    """The truth of pv, npv and bare (y, x), which sum to 1; NaN on water. NDVI below the soil's has no leaves."""
    leaves = np.clip(leaf_fraction(ndvi, soil_of(ground).astype(float)), 0, 1)
    found = {"pv": leaves, "npv": (1 - leaves) * ground.litter, "bare": (1 - leaves) * (1 - ground.litter)}
    return {name: np.where(ground.patch == Patch.LAKE, np.nan, values) for name, values in found.items()}


def endmembers() -> str:
    """The world's own spectra as a library of `fractional_cover` (CSV)."""
    rows = [("pv", "leaves", LEAVES), ("npv", "litter", LITTER)]
    rows += [("bare", name, spectrum) for name, spectrum in SOILS.items() if name != "water"]
    lines = [",".join((cover, name, *(f"{value:.3f}" for value in spectrum))) for cover, name, spectrum in rows]
    head = ["# citation: the generated world", "# licence: CC0-1.0", ",".join(("class", "name", *BANDS))]
    return "\n".join([*head, *lines]) + "\n"


def leaf_fraction(ndvi: Float, soil: Float) -> Float:
    """The share of leaves whose mixture with ``soil`` (bands, ...) has exactly the NDVI given.

    From NDVI = (D_s + f (D_l - D_s)) / (S_s + f (S_l - S_s)), with D = nir - red and S = nir + red. It is slightly
    below 0 where the NDVI is below the soil's.

    >>> leaf_fraction(np.array([0.05 / 0.43, 0.41 / 0.49]), np.stack([SOILS["loam"]] * 2, axis=1)).round(6).tolist()
    [0.0, 1.0]
    """
    difference, total = soil[NIR] - soil[RED], soil[NIR] + soil[RED]
    leaf_difference, leaf_total = LEAVES[NIR] - LEAVES[RED], LEAVES[NIR] + LEAVES[RED]
    fraction = (ndvi * total - difference) / (leaf_difference - difference - ndvi * (leaf_total - total))
    return np.asarray(fraction)


def reflectance(ground: Ground, soil: Float, ndvi: Float) -> Float:
    """Reflectance 0..1, (bands, y, x), whose NDVI is the one given; in the precision of ``soil``."""
    leaves = LEAVES.astype(soil.dtype)[:, None, None]
    mixed = leaf_fraction(ndvi.astype(soil.dtype), soil) * (leaves - soil)
    mixed += soil
    mixed *= ground.brightness.astype(soil.dtype)
    return np.asarray(mixed)
