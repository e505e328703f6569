"""What the classes of the contingency table say of worlds whose truth is known: false alarms beside every class.

Twenty years of moisture MI, scattered by 18 % about its course, and of NPP, scattered by 8 % about what the course of
moisture and of the land make of it; the trends of NPP, of MNPP = NPP / (MI x 100) and of MI are tested by Mann-Kendall
at 0.05, and the signs classified in both readings. The same tests on moving averages of white noise show why the raw
annual series is tested. `python -m benchmarks.mnpp_simulation` prints both tables.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from drylands_openeo.udf.contingency import classify
from drylands_openeo.udf.trend import mann_kendall
from numpy.typing import NDArray

from drylands_openeo import tables

Array = NDArray[Any]
PIXELS, YEARS, ALPHA = 4000, 20, 0.05
SCATTER_MI, SCATTER_NPP = 0.18, 0.08
MOISTURE, PRODUCTION = 0.30, 150.0


@dataclass(frozen=True)
class World:
    """Change of moisture and of the land, as shares of their means, and the share of NPP that answers to moisture."""

    truth: str
    moisture: float = 0.0
    land: float = 0.0
    answers: float = 1.0


WORLDS = (
    World("nothing happens"),
    World("drying 40 %, NPP proportional to MI", moisture=-0.4),
    World("wetting 40 %, NPP proportional to MI", moisture=0.4),
    World("stable climate, land degraded 40 %", land=-0.4),
    World("wetting 40 % hides degradation 40 %", moisture=0.4, land=-0.4),
    World("wetting 40 %, NPP does not respond", moisture=0.4, answers=0.0),
    World("drying 40 % hides restoration 40 %", moisture=-0.4, land=0.4),
    World("wetting 40 %, NPP half independent of MI", moisture=0.4, answers=0.5),
)


def simulate(world: World, seed: int = 0) -> tuple[Array, Array]:
    """NPP [gC m-2 yr-1] and MI of each pixel and year."""
    random = np.random.default_rng(seed)
    course = np.linspace(-0.5, 0.5, YEARS)
    mi = MOISTURE * (1 + world.moisture * course) * np.exp(random.normal(0, SCATTER_MI, (PIXELS, YEARS)))
    answer = 1 - world.answers + world.answers * mi / MOISTURE
    land = (1 + world.land * course) * np.exp(random.normal(0, SCATTER_NPP, (PIXELS, YEARS)))
    return PRODUCTION * land * answer, mi


def signs(series: Array) -> Array:
    """-1, 0 or 1: the significant trend of each series."""
    s, _, _, p = mann_kendall(series)
    return np.where(p <= ALPHA, np.sign(s), 0)


def classes(npp: Array, mi: Array, reading: str) -> Array:
    """Class of each pixel."""
    found = classify(signs(npp), signs(npp / (100 * mi)), signs(mi), tables.read("contingency"), reading=reading)
    return found["class"]


def shares(world: World, reading: str) -> tuple[float, float, float]:
    """Percent of pixels called degradation, fluctuation, restoration."""
    counted = np.bincount(classes(*simulate(world), reading), minlength=4)[1:] / PIXELS * 100
    return float(counted[0]), float(counted[1]), float(counted[2])


def false_trends(window: int, years: int) -> float:
    """Percent of series of white noise whose moving average Mann-Kendall calls a trend."""
    noise = np.random.default_rng(window).normal(size=(PIXELS, years + window - 1))
    means = np.lib.stride_tricks.sliding_window_view(noise, window, axis=-1).mean(axis=-1)
    return float(100 * np.mean(signs(means) != 0))


def markdown() -> str:
    """Both tables."""
    lines = ["| truth, 20 years | printed: deg / flu / res [%] | mirror: deg / flu / res [%] |", "|---|---|---|"]
    for world in WORLDS:
        cells = (" / ".join(f"{share:.0f}" for share in shares(world, reading)) for reading in ("printed", "mirror"))
        lines.append(f"| {world.truth} | " + " | ".join(cells) + " |")
    lines += ["", "| white noise, false trends at 5 % [%] | 15 years | 20 years | 30 years |", "|---|---|---|---|"]
    for window in (1, 3, 5):
        name = "annual series" if window == 1 else f"moving average of {window} years"
        lines.append(f"| {name} | " + " | ".join(f"{false_trends(window, n):.1f}" for n in (15, 20, 30)) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(markdown())
