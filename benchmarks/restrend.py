"""Residual trends beside a loop over pixels that does the same with scipy's regressions."""

import time

import numpy as np
from drylands_openeo.udf.restrend import DRAWS, Rule, _critical, restrend
from numpy.typing import NDArray
from scipy import stats

from benchmarks.table import Row

PIXELS, LOOP, YEARS, LEAD, LEAST = 2000, 4, 30, 24, 5


def left(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    fit = stats.linregress(x, y)
    residual: NDArray[np.float64] = y - fit.intercept - fit.slope * x
    return residual


def chow(x: NDArray[np.float64], y: NDArray[np.float64], after: int) -> float:
    rest = sum((left(x[part], y[part]) ** 2).sum() for part in (slice(None, after), slice(after, None)))
    return float(((left(x, y) ** 2).sum() - rest) / 2 / (rest / (len(x) - 4)))


def one_pixel(vi: NDArray[np.float64], rain: NDArray[np.float64], critical: float) -> tuple[int, float]:
    """Relation, residuals, and the search for a break; the segmented models are left out."""
    months = vi.reshape(-1, 12)
    peaks, when = months.max(axis=1), months.argmax(axis=1) + 12 * np.arange(len(months)) + len(rain) - len(vi)
    running = np.concatenate([[0], rain.cumsum()])
    sums = [running[when + 1 - o] - running[when + 1 - o - a] for o in range(5) for a in range(1, 13)]
    best = max(sums, key=lambda x: stats.linregress(x, peaks).rvalue)
    residual, years = left(best, peaks), np.arange(float(len(peaks)))
    largest = max(chow(years, residual, after) for after in range(LEAST, len(peaks) - LEAST + 1))
    trend = stats.linregress(years, residual)
    return (2, np.nan) if largest > critical else (1, trend.slope * (len(peaks) - 1))


def rows() -> list[Row]:
    random = np.random.default_rng(3)
    rain = random.gamma(1.0, 20, (PIXELS, LEAD + 12 * YEARS))
    vi = 0.2 + 0.002 * rain[:, LEAD:] + random.normal(0, 0.02, (PIXELS, 12 * YEARS))
    critical = _critical(YEARS, Rule(12, 4, 0.05, 0.10, LEAST))  # once for all pixels, in both
    begin = time.process_time()
    restrend(vi, rain)
    ours = (time.process_time() - begin) / PIXELS
    begin = time.process_time()
    for pixel in range(LOOP):
        one_pixel(vi[pixel], rain[pixel], critical)
    peer = (time.process_time() - begin) / LOOP
    return [Row(f"RESTREND beside a scipy loop, a pixel (null of {DRAWS} draws shared)", ours, peer, peer / ours, 20)]


if __name__ == "__main__":
    for row in rows():
        print(f"{row.ratio:8.2f} (target {row.target:g})  {row.ours * 1e6:.1f} us  {row.case}")
