"""What the contingency table says of worlds whose truth is known: false alarms, to stand beside every class.

Years of moisture MI, scattered by 18 % about its course, and of NPP, scattered by 8 % about what the course of moisture
and of the land make of it. The trends of NPP, of MNPP = NPP / (MI x 100) and of MI are tested by Mann-Kendall and their
signs classified, as the product `contingency` does it. The scatter is our choice, of a dry steppe.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drylands_openeo import tables
from drylands_openeo.kernel import Kernel

Array = NDArray[Any]
PIXELS = 4000
SCATTER_MI, SCATTER_NPP = 0.18, 0.08
MOISTURE, PRODUCTION = 0.30, 150.0


@dataclass(frozen=True)
class World:
    """Change of moisture and of the land, as shares of their means, and the share of NPP that answers to moisture."""

    truth: str
    moisture: float = 0.0
    land: float = 0.0
    answers: float = 1.0


UNCHANGED = World("nothing happens")
DRYING = World("drying 40 %, NPP proportional to MI", moisture=-0.4)
"""Two worlds whose land does not change: what is called degradation or restoration in them is a false alarm."""


def simulate(world: World, years: int, *, pixels: int = PIXELS, seed: int = 0) -> tuple[Array, Array]:
    """NPP [gC m-2 yr-1] and MI of each pixel and year: (pixels, years) each."""
    random = np.random.default_rng(seed)
    course = np.linspace(-0.5, 0.5, years)
    mi = MOISTURE * (1 + world.moisture * course) * np.exp(random.normal(0, SCATTER_MI, (pixels, years)))
    answer = 1 - world.answers + world.answers * mi / MOISTURE
    land = (1 + world.land * course) * np.exp(random.normal(0, SCATTER_NPP, (pixels, years)))
    return PRODUCTION * land * answer, mi


def signs(series: Array, alpha: float) -> Array:
    """-1, 0 or 1: the significant trend of each series."""
    s, _, _, p = Kernel("trend").module.mann_kendall(series)
    return np.where(p <= alpha, np.sign(s), 0)


def shares(
    world: World, *, years: int, alpha: float = 0.05, reading: str = "printed", pixels: int = PIXELS
) -> dict[str, float]:
    """Class of the contingency table -> percent of the world's pixels that it gets.

    >>> shares(UNCHANGED, years=20, pixels=1000)["degradation"] < 8
    True
    """
    table = tables.read("contingency")
    npp, mi = simulate(world, years, pixels=pixels)
    trends = (signs(series, alpha) for series in (npp, npp / (100 * mi), mi))
    found = Kernel("contingency").module.classify(*trends, table, reading=reading)["class"]
    return {name: 100 * float(np.mean(found == int(code))) for code, name in table["classes"].items()}
