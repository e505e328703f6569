"""Statistics along the first axis of a block, pixel by pixel, no data (NaN) left out.

Everything takes values (n, ...) of any float dtype, n >= 0, and gives (...) of the same dtype; sums run in float64.
Pixels without values give NaN. The order statistics sort pixels in chunks that stay in the cache, by a network of
minima and maxima (Batcher 1968, doi:10.1145/1468075.1468121): each comparison is one NumPy call on a whole row of
pixels, which is some times faster than sorting every pixel by itself.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from drylands_openeo.engine.values import Block

CHUNK = 1 << 21
"""Bytes of values that are sorted at once."""

FEW = 8
"""Of no more rows than this, a value is picked by comparing ranks, which is faster than indexing."""


def total(values: Block) -> tuple[Block, Block]:
    """(sum in float64, number of values) of each pixel."""
    sums = np.zeros(values.shape[1:])
    counts = np.zeros(values.shape[1:], dtype=np.int32)
    above, below = np.empty((2, *values.shape[1:]), dtype=values.dtype)
    for layer in values:
        known = np.equal(layer, layer)
        counts += known
        if known.all():
            sums += layer
            continue
        # NaN is 0 on both sides of 0: faster than np.where, whose branches follow the gaps.
        np.fmax(layer, 0, out=above)
        np.fmin(layer, 0, out=below)
        sums += np.add(above, below, out=above)
    return sums, counts


def mean(values: Block) -> Block:
    """The mean."""
    sums, counts = total(values)
    with np.errstate(all="ignore"):
        means: Block = (sums / counts).astype(values.dtype)
    return means


def summed(values: Block) -> Block:
    """The sum; NaN where there are no values."""
    sums, counts = total(values)
    return np.where(counts > 0, sums, np.nan).astype(values.dtype)


def product(values: Block) -> Block:
    """The product; NaN where there are no values."""
    products = np.ones(values.shape[1:])
    found = np.zeros(values.shape[1:], dtype=bool)
    for layer in values:
        missing = np.isnan(layer)
        products *= np.where(missing, values.dtype.type(1), layer)
        found |= ~missing
    return np.where(found, products, np.nan).astype(values.dtype)


def variance(values: Block) -> Block:
    """The sample variance, by the deviations from the mean; NaN for fewer than two values."""
    sums, counts = total(values)
    with np.errstate(all="ignore"):
        centre = sums / counts
        squares: Block = np.zeros(values.shape[1:])
        for layer in values:
            deviation = layer - centre
            deviation *= deviation
            squares += np.fmax(deviation, 0, out=deviation)
        squares /= np.where(counts > 1, counts - 1, np.nan)
    return np.asarray(squares.astype(values.dtype))


def minimum(values: Block) -> Block:
    """The least value."""
    return _reduced(np.fmin, values)


def maximum(values: Block) -> Block:
    """The greatest value."""
    return _reduced(np.fmax, values)


def first(values: Block) -> Block:
    """The first value that there is."""
    found: Block = np.full(values.shape[1:], np.nan, dtype=values.dtype)
    for layer in values:
        empty = np.isnan(found)
        if not empty.any():
            break
        found = np.where(empty, layer, found)
    return found


def median(values: Block) -> Block:
    """The median: the middle value, or the mean of the two in the middle."""
    middle: Block = quantiles(values, (0.5,))[0]
    return middle


def quantiles(values: Block, probabilities: Sequence[float]) -> Block:
    """(k, ...): quantiles of type 7 of Hyndman and Fan (1996, doi:10.1080/00031305.1996.10473566).

    >>> quantiles(np.array([[1.0], [np.nan], [4.0], [2.0]]), [0.25, 0.5]).ravel()
    array([1.5, 2. ])
    """
    out: Block = np.full((len(probabilities), *values.shape[1:]), np.nan, dtype=values.dtype)
    if len(values) == 0 or out.size == 0:
        return out
    flat, pixels = values.reshape(len(values), -1), out.reshape(len(probabilities), -1)
    for window in _chunks(flat):
        rows, counts = sorted_rows(flat[:, window])
        for row, probability in enumerate(probabilities):
            pixels[row, window] = _quantile(rows, counts, float(probability))
    return out


def sorted_rows(values: Block) -> tuple[list[Block], Block]:
    """n rows of pixels (n, pixels), each pixel ascending over the rows, and its number of values.

    Missing values come last, as infinity.
    """
    counts = np.equal(values, values).sum(axis=0, dtype=np.int32)
    rows = list(np.fmin(values, np.inf))
    spare = np.empty_like(rows[0])
    for low, high in network(len(rows)):
        np.minimum(rows[low], rows[high], out=spare)
        np.maximum(rows[low], rows[high], out=rows[high])
        rows[low], spare = spare, rows[low]
    return rows, counts


@cache
def network(n: int) -> tuple[tuple[int, int], ...]:
    """The comparisons of Batcher's odd-even merge sort for n values, in order.

    >>> network(3)
    ((0, 1), (0, 2), (1, 2))
    """
    comparisons = []
    merged = 1
    while merged < n:
        step = merged
        while step >= 1:
            for start in range(step % merged, n - step, 2 * step):
                for low in range(start, min(start + step, n - step)):
                    if low // (2 * merged) == (low + step) // (2 * merged):
                        comparisons.append((low, low + step))
            step //= 2
        merged *= 2
    return tuple(comparisons)


def _quantile(rows: list[Block], counts: Block, probability: float) -> Block:
    most = len(rows)
    if int(counts.min()) == most:
        lower, share = divmod((most - 1) * probability, 1)
        return _between(rows[int(lower)], rows[min(int(lower) + 1, most - 1)], share)
    position = np.maximum(counts - 1, 0) * probability
    lower = position.astype(np.intp)
    upper = np.minimum(lower + 1, np.maximum(counts - 1, 0))
    share = (position - lower).astype(rows[0].dtype)
    low, high, empty = _ranked(rows, lower), _ranked(rows, upper), counts == 0
    low[empty] = high[empty] = np.nan
    return _between(low, high, share)


def _ranked(rows: list[Block], rank: Block) -> Block:
    """The value of every pixel in the row of its rank."""
    if len(rows) > FEW:
        return np.stack(rows)[rank, np.arange(len(rank))]
    found = rows[0].copy()
    for at, row in enumerate(rows[1:], start=1):
        found = np.where(rank >= at, row, found)
    return found


def _between(lower: Block, upper: Block, share: Block | float) -> Block:
    """A share of the way from one to the other; between infinities, or at one of them, no line can be drawn."""
    with np.errstate(invalid="ignore"):
        found = upper - lower
        found *= share
        found += lower
        if np.isinf(lower).any() or np.isinf(upper).any():
            return np.where(np.equal(share, 0) | (lower == upper), lower, lower * (1 - share) + upper * share)
    return found


def _reduced(function: np.ufunc, values: Block) -> Block:
    if len(values) == 0:
        return np.full(values.shape[1:], np.nan, dtype=values.dtype)
    return np.asarray(function.reduce(values, axis=0))


def _chunks(flat: Block) -> Iterator[slice]:
    size = max(CHUNK // (flat.itemsize * len(flat)), 256)
    for start in range(0, flat.shape[1], size):
        yield slice(start, start + size)
