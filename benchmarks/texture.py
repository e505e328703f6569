"""Co-occurrence features beside scikit-image, window by window. CPU seconds a pixel."""

import time

import numpy as np
from drylands_openeo.udf.texture import FEATURES, glcm, quantise
from scipy.ndimage import gaussian_filter
from skimage.feature import graycomatrix, graycoprops

from benchmarks.table import Row

SIDE, COUNTED_SIDE, WINDOWS = 600, 250, 60
ANGLES = (0, 45, 90, 135)
CASES = ((32, 9, 1), (32, 9, 4), (64, 9, 4), (32, 21, 4))  # levels, window, displacement


def rows() -> list[Row]:
    return [row for case in CASES for row in _rows(*case)]


def _rows(levels: int, window: int, displacement: int) -> list[Row]:
    base = gaussian_filter(np.random.default_rng(0).random((SIDE, SIDE)), 2)
    image = quantise(base, *np.quantile(base, (0.001, 0.999)), levels)
    found = []
    for features, side, target in ((FEATURES[:6], SIDE, 3000), (FEATURES, COUNTED_SIDE, 50)):
        part, best, peer = image[:side, :side], float("inf"), float("inf")
        for _ in range(3):
            start = time.process_time()
            glcm(part, levels=levels, window=window, displacement=displacement, features=features)
            middle = time.process_time()
            _by_skimage(part, levels, window, displacement, features)
            best = min(best, (middle - start) / (side - window + 1) ** 2)
            peer = min(peer, (time.process_time() - middle) / WINDOWS)
        case = f"{len(features)} features, {levels} levels, {window} x {window}, d = {displacement}, scikit-image"
        found.append(Row(case, best, peer, peer / best, target))
    return found


def _by_skimage(image: np.ndarray, levels: int, window: int, displacement: int, features: tuple[str, ...]) -> None:
    rng = np.random.default_rng(1)
    for y, x in rng.integers(0, len(image) - window + 1, (WINDOWS, 2)):
        square = image[y : y + window, x : x + window].astype(np.uint8)
        matrix = graycomatrix(square, [displacement], np.radians(ANGLES), levels=levels, symmetric=True, normed=True)
        for name in features:
            graycoprops(matrix, "ASM" if name == "asm" else name).mean()
