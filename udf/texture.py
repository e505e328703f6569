"""Texture: grey-level co-occurrence features of the window around each pixel (Haralick et al. 1973,
doi:10.1109/TSMC.1973.4309314).

A pair is two valid pixels of the window at a given offset. p(i, j) is the share of the window's pairs with levels i and
j, either way round. With m = sum p i:

    contrast       sum p (i-j)^2              mean         m
    dissimilarity  sum p |i-j|                variance     sum p (i-m)^2
    homogeneity    sum p / (1 + (i-j)^2)      correlation  sum p (i-m)(j-m) / variance, 1 in a constant window
    asm            sum p^2                    entropy      -sum p ln p

No matrix is built. The first six are moving sums over pairs: sum ij = (sum i^2 + j^2 - (i-j)^2) / 2. The last two need
how often each pair of the window occurs in it: that is a moving sum, over displacements, of images of equality.
"""

import functools
from collections.abc import Sequence
from math import cos, floor, radians, sin
from typing import Any

import numpy as np
import xarray as xr

FEATURES = ("homogeneity", "contrast", "dissimilarity", "mean", "variance", "correlation", "asm", "entropy")
CONVENTIONS = ("proper", "snap")
TILE = 128  # pixels a side; a tile of moving sums stays in the cache
FLAT = 1e-9  # variance of a constant window, rounded
COUNTING_TILE = 96  # the same where asm or entropy count pairs

Offset = tuple[int, int]


def quantise(image: Any, low: float, high: float, levels: int) -> np.ndarray:
    """Grey levels 0..levels-1 of equal width between ``low`` and ``high``, -1 where the image is NaN; int16.

    Values outside the range get the end levels. The range must be that of the whole region: from a chunk's own range
    the map would show the chunks.

    >>> quantise([0.0, 0.1, 0.25, 0.9, float("nan")], 0.0, 0.5, 4).tolist()
    [0, 0, 2, 3, -1]
    """
    values = np.asarray(image, np.float64)
    if not high > low or not 2 <= levels <= 4096:
        raise ValueError(f"low {low}, high {high}, levels {levels}: low < high and 2 to 4096 levels are needed")
    with np.errstate(invalid="ignore"):
        steps = np.clip(np.floor((values - low) * (levels / (high - low))), 0, levels - 1)
        return np.where(np.isnan(values), -1, steps).astype(np.int16)


def glcm(
    image: Any,
    *,
    levels: int = 32,
    window: int = 9,
    displacement: int = 4,
    angles: Sequence[float] = (0, 45, 90, 135),
    features: Sequence[str] = FEATURES,
    convention: str = "proper",
) -> dict[str, np.ndarray]:
    """Feature -> (y, x) float64, of an ``image`` (y, x) of levels 0..levels-1, -1 = no data.

    ``window``: odd side [pixels]; pixels whose window leaves the image are NaN. ``displacement`` [pixels] at
    ``angles`` [degrees].

    convention "proper": as scikit-image; each angle has its own matrix and features are averaged over the angles that
    have a pair; the offset is (round(d sin a), round(d cos a)), so that 4 at 45 degrees is (3, 3).
    convention "snap": as ESA SNAP; one matrix of all angles; the offset at 45 degrees is (d, d); each pair fills two
    cells but is counted once, so that probabilities sum to 2: contrast, dissimilarity, homogeneity and mean are
    doubled, asm 4 asm, entropy 2 H - 2 ln 2, variance 2 v + 2 m^2, correlation (r v + m^2) / (v + m^2).

    >>> stripes = np.tile([0, 1, 2], (3, 1))
    >>> found = glcm(stripes, levels=3, window=3, displacement=1, angles=[0], features=["contrast", "mean", "asm"])
    >>> {name: float(values[1, 1]) for name, values in found.items()}
    {'contrast': 1.0, 'mean': 1.0, 'asm': 0.25}
    """
    grey = np.asarray(image)
    offsets = pair_offsets(displacement, angles, convention)
    _check(grey, levels, window, offsets, features)
    groups = [offsets] if convention == "snap" else [[offset] for offset in offsets]
    needed = {*features, "mean", "variance", "correlation"} if convention == "snap" else set(features)
    result = {name: np.full(grey.shape, np.nan) for name in features}
    side = COUNTING_TILE if needed & {"asm", "entropy"} else TILE
    height, width = (max(0, size - window + 1) for size in grey.shape)
    for top in range(0, height, side):
        for left in range(0, width, side):
            bottom, right = min(top + side, height), min(left + side, width)
            part = grey[top : bottom + window - 1, left : right + window - 1]
            found = averaged([group_features(part, group, window, levels, needed) for group in groups], part.min() < 0)
            found = as_snap(found) if convention == "snap" else found
            for name in features:
                half = window // 2
                result[name][top + half : bottom + half, left + half : right + half] = found[name]
    return result


def pair_offsets(displacement: int, angles: Sequence[float], convention: str) -> list[Offset]:
    """(rows, columns) from the first pixel of a pair to the second, rows >= 0.

    >>> pair_offsets(4, (0, 45, 90, 135), "proper"), pair_offsets(4, (45,), "snap")
    ([(0, 4), (3, 3), (4, 0), (3, -3)], [(4, 4)])
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"convention: {convention!r}, must be one of {CONVENTIONS}")
    offsets = []
    for angle in angles:
        across, along = sin(radians(angle)), cos(radians(angle))
        longest = max(abs(across), abs(along)) if convention == "snap" else 1.0
        row, column = (_rounded(displacement * part / longest) for part in (across, along))
        offsets.append((row, column) if (row, column) >= (0, 0) else (-row, -column))
    return offsets


def _rounded(value: float) -> int:
    return floor(abs(value) + 0.5) * (1 if value > 0 else -1)


def _check(grey: np.ndarray, levels: int, window: int, offsets: list[Offset], features: Sequence[str]) -> None:
    if grey.ndim != 2 or grey.dtype.kind not in "iu":
        raise ValueError(f"image: shape {grey.shape} of {grey.dtype}, integer levels of shape (y, x) are needed")
    if grey.size and not -1 <= grey.min() <= grey.max() < levels:
        raise ValueError(f"image: levels {grey.min()} to {grey.max()}, -1 to {levels - 1} are needed")
    if window < 3 or window % 2 == 0:
        raise ValueError(f"window: {window}, an odd number from 3 is needed")
    reach = [max(abs(row), abs(column)) for row, column in offsets]
    if not reach or min(reach) < 1 or max(reach) >= window:
        raise ValueError(f"displacement: offsets {offsets} in a window of {window}, 1 to {window - 1} are needed")
    if not features or not set(features) <= set(FEATURES):
        raise ValueError(f"features: {list(features)}, some of {FEATURES} are needed")


def moving_sum(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Sums over every (height, width) box that lies inside ``values``; a box of n costs about log2(n) additions.

    >>> moving_sum(np.arange(6).reshape(2, 3), 2, 2).tolist()
    [[8, 12]]
    """
    for axis, size in ((0, height), (1, width)):
        lines = values.shape[axis] - size + 1
        total, power, done, step = np.empty(0), values, 0, 1
        while True:
            if size & step:
                part = _lines(power, axis, done, done + lines)
                total = total + part if done else part
                done += step
            if done == size:
                break
            ends = power.shape[axis]
            power = _lines(power, axis, 0, ends - step) + _lines(power, axis, step, ends)
            step *= 2
        values = total
    return values


def _lines(values: np.ndarray, axis: int, start: int, stop: int) -> np.ndarray:
    return values[start:stop] if axis == 0 else values[:, start:stop]


def _pairs(values: np.ndarray, offset: Offset) -> tuple[np.ndarray, np.ndarray]:
    """The first and the second pixel of every pair, as two images of one shape."""
    row, column = offset
    height, width = values.shape
    before, after = max(0, -column), max(0, column)
    return values[: height - row, before : width - after], values[row:, after : width - before]


def group_features(grey: np.ndarray, group: list[Offset], window: int, levels: int, needed: set[str]) -> dict[str, Any]:
    """Features of the matrices of some offsets, pooled into one."""
    sums: dict[str, Any] = {}
    for offset in group:
        for name, values in pair_sums(grey, offset, window, levels, needed).items():
            sums[name] = sums[name] + values if name in sums else values
    if needed & {"asm", "entropy"}:
        sums |= repeat_sums(grey, group, window, levels)
    count = np.asarray(sums.pop("count"), np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {name: np.divide(values, count, dtype=np.float64) for name, values in sums.items()}
        if "mean" in found:
            found["mean"] /= 2
        if "square" in found:
            variance = found["variance"] = found.pop("square")
            variance /= 2
            variance -= found["mean"] * found["mean"]
            if "correlation" in needed:
                correlation = found["correlation"] = found["contrast"] / variance
                correlation *= -0.5
                correlation += 1
                correlation[variance < FLAT] = 1
        if "asm" in found:
            found["asm"] /= 2 * count
            found["entropy"] = np.log(2 * count) - found["entropy"]
    return found


def pair_sums(grey: np.ndarray, offset: Offset, window: int, levels: int, needed: set[str]) -> dict[str, Any]:
    """Sums over the pairs of each window, of what is averaged by the feature's name, of i^2 + j^2; their count."""
    height, width = window - offset[0], window - abs(offset[1])
    exact = 2 * window**2 * (levels - 1) ** 2 < 2**24
    value = np.maximum(grey, 0).astype(np.float32 if exact else np.float64)
    first, second = _pairs(value, offset)
    terms = {}
    difference = first - second
    if "dissimilarity" in needed:
        terms["dissimilarity"] = np.abs(difference)
    difference *= difference
    if needed & {"contrast", "correlation"}:
        terms["contrast"] = difference
    if "homogeneity" in needed:
        terms["homogeneity"] = 1 / (1 + difference)
    if needed & {"mean", "variance", "correlation"}:
        terms["mean"] = first + second
    if needed & {"variance", "correlation"}:
        first, second = _pairs(value * value, offset)
        terms["square"] = first + second
    if grey.min() >= 0:
        return {"count": float(height * width)} | {k: moving_sum(v, height, width) for k, v in terms.items()}
    first, second = _pairs(grey >= 0, offset)
    valid = (first & second).astype(value.dtype)
    sums = {name: moving_sum(term * valid, height, width) for name, term in terms.items()}
    return {"count": moving_sum(valid, height, width)} | sums


def repeat_sums(grey: np.ndarray, group: list[Offset], window: int, levels: int) -> dict[str, Any]:
    """Sums over the pairs of each window of r and of ln r, r = how full the pair's cell of the symmetric matrix is.

    r is the number of equal pairs in the window, twice that on the diagonal, where a pair fills one cell twice.
    """
    rows, columns = (size - window + 1 for size in grey.shape)
    sizes = [(window - row, window - abs(column)) for row, column in group]
    codes = []
    for offset in group:
        first, second = (pixel.astype(np.int32) for pixel in _pairs(grey, offset))
        code = np.minimum(first, second) * levels + np.maximum(first, second)
        codes.append(np.where((first < 0) | (second < 0), -1, code))
    most = sum(height * width for height, width in sizes)
    kind = np.uint8 if most < 256 else np.uint16
    logarithm = np.log(np.maximum(np.arange(most + 1), 1)).astype(np.float32)
    full, log_full = np.zeros((rows, columns)), np.zeros((rows, columns))
    for offset, size, code in zip(group, sizes, codes, strict=True):
        alike = (equal_pairs(code, other, size, shape, kind) for other, shape in zip(codes, sizes, strict=True))
        counts = functools.reduce(np.add, alike)
        first, second = _pairs(grey, offset)
        diagonal = ((first == second) & (first >= 0)).astype(np.float32)
        log_full += np.log(2) * moving_sum(diagonal, *size)
        for row, column in np.ndindex(*size):
            part = (slice(row, row + rows), slice(column, column + columns))
            repeats = counts[row, column][part]
            log_full += logarithm.take(repeats)
            full += repeats * (1 + diagonal[part])
    return {"asm": full, "entropy": log_full}


def equal_pairs(code: np.ndarray, other: np.ndarray, size: Offset, other_size: Offset, kind: Any) -> np.ndarray:
    """How many pairs of ``other`` in the window are like a pair of ``code``; by the pair's place (row, column) in it.

    Result (height, width, *code.shape). The window holds, about a pair at place (r, c), the displacements -r..h-1-r and
    -c..w-1-c: from one place to the next one line of displacements enters the sum and one leaves it.
    """
    (height, width), (other_height, other_width) = size, other_size
    rows, columns = code.shape
    padded = np.pad(other, ((height - 1, height - 1), (width - 1, width - 1)), constant_values=-1)
    padded[padded < 0] = -2
    lines = np.empty((height + other_height - 1, width, rows, columns), kind)
    for row, line in enumerate(lines):
        near = [padded[row : row + rows, left : left + columns] for left in range(width + other_width - 1)]
        equal = [(code == shifted).view(np.uint8).astype(kind, copy=False) for shifted in near]
        np.sum(equal[width - 1 :], axis=0, dtype=kind, out=line[0])
        for place in range(1, width):
            np.add(line[place - 1], equal[width - 1 - place], out=line[place])
            line[place] -= equal[width + other_width - 1 - place]
    counts = np.empty((height, width, rows, columns), kind)
    np.sum(lines[height - 1 :], axis=0, dtype=kind, out=counts[0])
    for place in range(1, height):
        np.add(counts[place - 1], lines[height - 1 - place], out=counts[place])
        counts[place] -= lines[height + other_height - 1 - place]
    return counts


def averaged(found: list[dict[str, Any]], gaps: bool) -> dict[str, Any]:
    """The mean of each feature over the matrices; where there are ``gaps``, over those that have a pair."""
    result = {}
    for name in found[0]:
        layers = [features[name] for features in found]
        count = sum(np.isfinite(layer) for layer in layers) if gaps else len(layers)
        total = np.nan_to_num(layers[0]) if gaps else layers[0]
        for layer in layers[1:]:
            total += np.nan_to_num(layer) if gaps else layer
        with np.errstate(invalid="ignore"):
            total /= count
        result[name] = total
    return result


def as_snap(proper: dict[str, Any]) -> dict[str, Any]:
    """Features of probabilities that sum to 2 from those of probabilities that sum to 1."""
    mean, variance, correlation = proper["mean"], proper["variance"], proper["correlation"]
    with np.errstate(invalid="ignore", divide="ignore"):
        snap: dict[str, Any] = {
            name: 2 * proper[name] for name in ("homogeneity", "contrast", "dissimilarity", "mean") if name in proper
        }
        snap["variance"] = 2 * variance + 2 * mean**2
        snap["correlation"] = (correlation * variance + mean**2) / (variance + mean**2)
    if "asm" in proper:
        snap |= {"asm": 4 * proper["asm"], "entropy": 2 * proper["entropy"] - 2 * np.log(2)}
    return snap


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """([t,] bands, y, x) -> ([t,] bands = <band>_<feature>, y, x) float32; <feature> alone where bands have no label.

    context: ``low`` and ``high`` of the grey levels, each a number or one a band, from the whole region; ``levels``,
    ``window``, ``displacement``, ``angles``, ``features``, ``convention`` as in ``glcm``. A neighbourhood needs an
    overlap of window // 2 pixels; a wider one does no harm.
    """
    missing = {"low", "high"} - context.keys()
    if missing:
        raise ValueError(
            f"context: {sorted(missing)} missing; the range of the whole region, not of a chunk, is needed"
        )
    if "t" in cube.dims:
        dates = [apply_datacube(cube.isel(t=date, drop=True), context) for date in range(cube.sizes["t"])]
        return xr.concat(dates, cube["t"])
    image = cube.transpose("bands", "y", "x")
    low, high = (np.broadcast_to(np.asarray(context[key], float), image.shape[:1]) for key in ("low", "high"))
    levels = int(context.get("levels", 32))
    options = {
        key: context[key] for key in ("window", "displacement", "angles", "features", "convention") if key in context
    }
    labels = [f"{label}_" for label in cube.bands.values] if "bands" in cube.coords else [""] * len(image)
    layers, names = [], []
    for values, bottom, top, label in zip(image.values, low, high, labels, strict=True):
        for feature, texture in glcm(quantise(values, bottom, top, levels), levels=levels, **options).items():
            layers.append(texture.astype(np.float32))
            names.append(f"{label}{feature}")
    coords = {name: cube.coords[name] for name in ("y", "x") if name in cube.coords}
    return xr.DataArray(np.stack(layers), {**coords, "bands": names}, ("bands", "y", "x"))
