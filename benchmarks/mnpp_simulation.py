"""What the classes of the contingency table say of worlds whose truth is known: false alarms beside every class.

Twenty years, both readings (`drylands_openeo.statistics.chance`). The same tests on moving averages of white noise show
why the raw annual series is tested. `python -m benchmarks.mnpp_simulation` prints both tables.
"""

import numpy as np

from drylands_openeo.statistics import chance
from drylands_openeo.statistics.chance import DRYING, UNCHANGED, World

PIXELS, YEARS, ALPHA = chance.PIXELS, 20, 0.05

WORLDS = (
    UNCHANGED,
    DRYING,
    World("wetting 40 %, NPP proportional to MI", moisture=0.4),
    World("stable climate, land degraded 40 %", land=-0.4),
    World("wetting 40 % hides degradation 40 %", moisture=0.4, land=-0.4),
    World("wetting 40 %, NPP does not respond", moisture=0.4, answers=0.0),
    World("drying 40 % hides restoration 40 %", moisture=-0.4, land=0.4),
    World("wetting 40 %, NPP half independent of MI", moisture=0.4, answers=0.5),
)


def shares(world: World, reading: str) -> tuple[float, ...]:
    """Percent of pixels called degradation, fluctuation, restoration."""
    return tuple(chance.shares(world, years=YEARS, alpha=ALPHA, reading=reading, pixels=PIXELS).values())


def false_trends(window: int, years: int) -> float:
    """Percent of series of white noise whose moving average Mann-Kendall calls a trend."""
    noise = np.random.default_rng(window).normal(size=(PIXELS, years + window - 1))
    means = np.lib.stride_tricks.sliding_window_view(noise, window, axis=-1).mean(axis=-1)
    return float(100 * np.mean(chance.signs(means, ALPHA) != 0))


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
