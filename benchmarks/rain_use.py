"""2dRUE: the observed quantities beside bare passes over the same memory, the regression beside a loop over pixels.

The bare passes are whole-array NumPy calls that the definitions cannot do without: the annual sums of the three
series, the maximum, the month that has it, and the rain and the PET of the six months before. They divide nothing,
guard nothing and look for no gaps.
"""

import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from drylands_openeo.udf import rain_use
from numpy.typing import NDArray
from scipy import stats

from benchmarks.table import Row

Array = NDArray[Any]
PIXELS, YEARS, ANTECEDENT, LOOP = 100_000, 10, 6, 300


def cpu(call: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU time of a few runs [s]."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times)


def bare(vi: Array, rain: Array, pet: Array) -> Array:
    run = slice(ANTECEDENT, ANTECEDENT + 12 * YEARS)
    for values in (vi, rain, pet):
        values[:, run].reshape(len(values), YEARS, 12).sum(axis=-1, dtype=np.float64)
    vi[:, run].max(axis=-1)
    months = vi[:, run].argmax(axis=-1)[:, np.newaxis] + np.arange(ANTECEDENT)
    return np.stack([np.take_along_axis(values, months, axis=-1).sum(axis=-1) for values in (rain, pet)])


def one_pixel(v: Array, a: Array, t: Array, alpha: float = 0.10) -> tuple[float, float, int]:
    """The same rule from a statistics library, pixel by pixel."""
    n = len(t)
    r_ta, (r_tv, p_tv), (r_av, p_av) = stats.pearsonr(t, a)[0], stats.pearsonr(t, v), stats.pearsonr(a, v)
    b_t, b_a = (r_tv - r_av * r_ta) / (1 - r_ta**2), (r_av - r_tv * r_ta) / (1 - r_ta**2)
    r2 = r_tv * b_t + r_av * b_a
    left = (1 - r2) / (n - 3)
    model = stats.f.sf(r2 / 2 / left, 2, n - 3) <= alpha
    if model and stats.f.sf((r2 - max(r_tv**2, r_av**2)) / left, 1, n - 3) <= alpha:
        return b_t, b_a, 3
    if (model and abs(r_tv) > abs(r_av)) or (not model and p_tv <= alpha):
        return r_tv, 0.0, 1
    return (0.0, r_av, 2) if model or p_av <= alpha else (0.0, 0.0, 4)


def observed_row(dtype: type, order: Literal["C", "F"]) -> Row:
    random = np.random.default_rng(1)
    shape = (PIXELS, ANTECEDENT + 12 * YEARS)
    data = [np.asarray(random.gamma(2, 20, shape), dtype=dtype, order=order) for _ in range(3)]
    window: dict[str, Any] = {"start": (2000, 7), "first_year": 2001, "last_year": 2000 + YEARS}
    ours = cpu(lambda: rain_use.observed(*data, hydrological_month=1, **window))
    peer = cpu(lambda: bare(*data))
    stored = {"C": "pixel by pixel", "F": "month by month"}[order]
    case = f"2dRUE observed beside bare memory passes, {np.dtype(dtype).name}, stored {stored}"
    return Row(case, ours, peer, peer / ours, 0.5)


def stepwise_row() -> Row:
    random = np.random.default_rng(2)
    vegetation, aridity = random.normal(size=(2, PIXELS, YEARS))
    t = np.arange(float(YEARS))
    ours = cpu(lambda: rain_use.stepwise(vegetation, aridity, t)) / PIXELS
    pairs = list(zip(vegetation[:LOOP], aridity[:LOOP], strict=True))
    peer = cpu(lambda: [one_pixel(v, a, t) for v, a in pairs]) / LOOP
    return Row("2dRUE stepwise beside a scipy loop, a pixel", ours, peer, peer / ours, 100)


def rows() -> list[Row]:
    return [*(observed_row(dtype, order) for dtype in (np.float64, np.float32) for order in ("C", "F")), stepwise_row()]


if __name__ == "__main__":
    for row in rows():
        print(f"{row.ratio:8.2f} (target {row.target:g})  {row.case}")
