"""Theil-Sen and Mann-Kendall together beside pymannkendall.original_test: CPU seconds a pixel."""

import time
from collections.abc import Callable

import numpy as np
import pymannkendall
from drylands_openeo.udf import trend

from benchmarks.table import Row

CASES = ((10, 0.0, 500), (20, 0.0, 100), (20, 0.2, 100), (40, 0.0, 50))  # years, share of gaps, target
PIXELS, PEER_PIXELS = 400_000, 200


def rows() -> list[Row]:
    return [_row(years, gaps, target) for years, gaps, target in CASES]


def _row(years: int, gaps: float, target: float) -> Row:
    rng = np.random.default_rng(years)
    series = rng.normal(0, 0.05, (PIXELS // years, years)) + np.linspace(0, 0.1, years)
    series[rng.random(series.shape) < gaps] = np.nan
    times = np.arange(years)

    def both() -> None:
        trend.theil_sen(series, times)
        trend.mann_kendall(series)

    ours = _cpu_seconds(both) / len(series)
    peer = _cpu_seconds(lambda: [pymannkendall.original_test(one) for one in series[:PEER_PIXELS]]) / PEER_PIXELS
    return Row(f"Theil-Sen and Mann-Kendall, n = {years}, {gaps:.0%} gaps", ours, peer, peer / ours, target)


def _cpu_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU time of some calls."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)
