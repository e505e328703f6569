"""Thornthwaite and Hargreaves over a cube beside the bare NumPy expressions of the same arithmetic: CPU seconds."""

import time
from collections.abc import Callable

import numpy as np
from drylands_openeo.udf import evapotranspiration as kernel

from benchmarks.table import Row

PIXELS, YEARS, LATITUDE = 4096, 60, 40.0
TARGET = 1 / 3  # at most three times the bare expression


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    month = np.tile(np.arange(1, 13), YEARS)
    mean = 12 + 14 * np.sin((month - 4) * np.pi / 6) + rng.normal(0, 2, (PIXELS, 12 * YEARS))
    low, high = mean - 6, mean + 6
    latitude = np.full(PIXELS, LATITUDE)
    days = kernel.MONTH_DAYS[month - 1]
    water = 0.0023 * 0.408 * kernel.extraterrestrial_radiation(LATITUDE, kernel.MID_MONTH["fao56"])[month - 1] * days
    light = kernel.daylight_hours(LATITUDE, kernel.MID_MONTH["fao56"])[month - 1] / 12 * days / 30

    def bare_hargreaves() -> object:
        return (mean + 17.8) * np.sqrt(high - low) * water

    def bare_thornthwaite() -> object:
        climate = mean.reshape(PIXELS, YEARS, 12).mean(axis=1)
        index = ((np.maximum(climate, 0) / 5) ** 1.514).sum(axis=1, keepdims=True)
        power = 6.75e-7 * index**3 - 7.71e-5 * index**2 + 1.792e-2 * index + 0.49239
        mild = 16 * (10 * np.maximum(mean, 0) / index) ** power
        return np.where(mean >= 26.5, -415.85 + 32.24 * mean - 0.43 * mean**2, mild) * light

    return [
        _row("Hargreaves", lambda: kernel.hargreaves(low, mean, high, latitude, month), bare_hargreaves),
        _row("Thornthwaite", lambda: kernel.thornthwaite(mean, latitude, month), bare_thornthwaite),
    ]


def _row(name: str, ours: Callable[[], object], bare: Callable[[], object]) -> Row:
    spent, peer = _cpu_seconds(ours), _cpu_seconds(bare)
    return Row(f"{name}, {PIXELS} x {12 * YEARS} months, bare NumPy", spent, peer, peer / spent, TARGET)


def _cpu_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """The least CPU time of some calls."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)
