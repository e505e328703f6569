"""Linear unmixing beside scipy's nnls and pysptools, bundles beside one linear pass: CPU seconds a pixel."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from drylands_openeo.udf import fractional_cover as fc
from pysptools.abundance_maps.amaps import FCLS
from scipy.optimize import nnls

from benchmarks.table import Row
from drylands_openeo.endmembers import published

PIXELS, NNLS_PIXELS, FCLS_PIXELS, BUNDLE_PIXELS = 500_000, 2_000, 100, 65_536
DRAWS, HEAVY = 100, 1e3
EMIT = published("emit").spectra  # green, dry, dark soil, middle soil, bright soil
CASES = ((EMIT[[0, 1, 3]], 200, 5_000), (EMIT[[0, 1, 2, 4]], 60, 0))


def rows() -> list[Row]:
    return [row for case in CASES for row in _linear(*case)] + [_bundle()]


def scene(endmembers: np.ndarray, pixels: int) -> Any:
    """Noisy mixtures (pixels, bands) float32, stored band by band as a back-end does."""
    rng = np.random.default_rng(0)
    spectra = rng.dirichlet(np.full(len(endmembers), 0.6), pixels) @ endmembers
    spectra += rng.normal(0, 0.01, spectra.shape)
    return np.asfortranarray(spectra, np.float32)


def _linear(endmembers: np.ndarray, target: float, fcls_target: float) -> list[Row]:
    spectra = scene(endmembers, PIXELS)
    few = spectra[:NNLS_PIXELS].astype(float)
    heavy = np.vstack([endmembers.T, np.full(len(endmembers), HEAVY)])
    work = {
        "ours": (lambda: fc.unmix_linear(spectra, endmembers), PIXELS),
        "nnls": (lambda: [nnls(heavy, np.append(y, HEAVY)) for y in few], NNLS_PIXELS),
        "FCLS": (lambda: FCLS(few[:FCLS_PIXELS], endmembers), FCLS_PIXELS),
    }
    spent = interleaved(work)
    case, ours = f"linear unmixing, {len(endmembers)} endmembers, 10 bands, float32", spent["ours"]
    return [
        Row(f"{case}, nnls loop", ours, spent["nnls"], spent["nnls"] / ours, target),
        Row(f"{case}, pysptools FCLS", ours, spent["FCLS"], spent["FCLS"] / ours, fcls_target),
    ]


def _bundle() -> Row:
    """The peer is 150 linear passes, the most that 100 draws may cost."""
    spectra = scene(EMIT[[0, 1, 3]], BUNDLE_PIXELS)
    rng = np.random.default_rng(1)
    libraries = [EMIT[[i]] * rng.uniform(0.7, 1.3, (40, 10)) for i in (0, 1, 3)]
    work = {
        "ours": (lambda: fc.unmix_bundle(spectra, libraries, draws=DRAWS, seed=0), BUNDLE_PIXELS),
        "pass": (lambda: fc.unmix_linear(spectra, EMIT[[0, 1, 3]]), BUNDLE_PIXELS),
    }
    spent = interleaved(work)
    peer = 150 * spent["pass"]
    return Row(f"bundle of {DRAWS} draws, 150 linear passes", spent["ours"], peer, peer / spent["ours"], 1)


def interleaved(work: dict[str, tuple[Callable[[], object], int]], repeats: int = 3) -> dict[str, float]:
    """The least CPU time a pixel of each, taken in turns so that a busy machine is busy for all."""
    least = dict.fromkeys(work, float("inf"))
    for _ in range(repeats):
        for name, (call, pixels) in work.items():
            start = time.process_time()
            call()
            least[name] = min(least[name], (time.process_time() - start) / pixels)
    return least
