"""scPDSI over a cube beside climate-indices by pixel, as it comes and on its native kernel: CPU seconds a pixel."""

import logging
import time
from collections.abc import Callable

import numpy as np
from climate_indices import palmer
from drylands_openeo.udf.drought import scpdsi

from benchmarks.table import Row

PIXELS, YEARS = 400, 60
FIRST, LAST = 1951, 2010
AWC = 100.0  # mm


def rows() -> list[Row]:
    logging.getLogger("climate_indices").setLevel(logging.ERROR)  # the peer prints two lines a pixel otherwise
    rng = np.random.default_rng(0)
    season = np.cos(np.arange(12 * YEARS) * np.pi / 6)
    rain = rng.gamma(1.5, 1, (PIXELS, 12 * YEARS)) * (30 + 22 * season)
    pet = 90 - 60 * season + rng.normal(0, 6, rain.shape)

    def peer(pixel: int) -> object:
        return palmer.scpdsi(rain[pixel] / 25.4, pet[pixel] / 25.4, AWC / 25.4, FIRST, FIRST, LAST)

    def native() -> None:
        with np.errstate(all="ignore"):  # the switch to its compiled kernels
            for pixel in range(PIXELS):
                peer(pixel)

    ours = _cpu_seconds(lambda: scpdsi(rain, pet, AWC, start_year=FIRST, calibration=(FIRST, LAST))) / PIXELS
    default = _cpu_seconds(lambda: [peer(pixel) for pixel in range(2)], repeats=1) / 2
    kernel = _cpu_seconds(native) / PIXELS
    return [
        Row(f"scPDSI, {12 * YEARS} months, climate-indices as it comes", ours, default, default / ours, 50),
        Row(f"scPDSI, {12 * YEARS} months, its native kernel alone", ours, kernel, kernel / ours, 1 / 1.3),
    ]


def _cpu_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU time of some calls."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)
