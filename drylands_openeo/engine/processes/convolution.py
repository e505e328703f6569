"""Sums of neighbours weighted by a kernel, on blocks that carry their margin: the way depends on the kernel.

A kernel of one weight is a running sum; one of rank 1 is two passes of one dimension; a small one is summed as it
is; a large one goes through the frequencies. All give the same to rounding.
"""

import numpy as np
import scipy  # its parts are loaded when first used

from drylands_openeo.engine.values import Block

DIRECT = 30
"""Kernels, or the two passes of one, of no more weights than this (but 0) are summed directly."""


def correlate(padded: Block, kernel: Block) -> Block:
    """(..., y, x): sum over k, l of kernel[k, l] * padded[y + k, x + l]; the result is smaller by the kernel - 1.

    >>> correlate(np.ones((3, 5)), np.ones((3, 3)))
    array([[9., 9., 9.]])
    """
    rows, columns = kernel.shape
    if np.all(kernel == kernel[0, 0]):
        means = _running(_running(padded, rows, -2), columns, -1)
        means *= kernel[0, 0] * kernel.size
        return means
    factors = _rank_one(kernel)
    if factors is not None and rows + columns <= DIRECT:
        return _passes(padded, *factors)
    if np.count_nonzero(kernel) <= DIRECT:
        weights = kernel.reshape((1,) * (padded.ndim - 2) + kernel.shape)
        return _valid(_valid(scipy.ndimage.correlate(padded, weights, mode="constant"), rows, -2), columns, -1)
    return _by_frequencies(padded, kernel)


def _running(values: Block, size: int, axis: int) -> Block:
    """Means of ``size`` neighbours along an axis; the running sum is in float64."""
    return _valid(scipy.ndimage.uniform_filter1d(values, size, axis=axis, mode="constant"), size, axis)


def _rank_one(kernel: Block) -> tuple[Block, Block] | None:
    """(column, row) whose outer product the kernel is, else None."""
    left, singular, right = np.linalg.svd(kernel)
    if len(singular) > 1 and singular[1] > 1e-12 * singular[0]:
        return None
    root = np.sqrt(singular[0])
    return left[:, 0] * root, right[0] * root


def _passes(padded: Block, column: Block, row: Block) -> Block:
    summed = padded
    for weights, axis in ((column, -2), (row, -1)):
        if len(weights) > 1 or weights[0] != 1:
            summed = _valid(scipy.ndimage.correlate1d(summed, weights, axis=axis, mode="constant"), len(weights), axis)
    return summed


def _by_frequencies(padded: Block, kernel: Block) -> Block:
    rows, columns = kernel.shape
    height, width = padded.shape[-2:]
    shape = [scipy.fft.next_fast_len(size, real=True) for size in (height, width)]
    response = scipy.fft.rfft2(kernel[::-1, ::-1], shape)
    summed = np.empty((*padded.shape[:-2], height - rows + 1, width - columns + 1), dtype=padded.dtype)
    for layer in np.ndindex(padded.shape[:-2]):  # one by one: the spectrum of a whole cube would be four times its size
        whole = scipy.fft.irfft2(scipy.fft.rfft2(padded[layer].astype(np.float64), shape) * response, shape)
        summed[layer] = whole[rows - 1 : height, columns - 1 : width]
    return summed


def _valid(values: Block, size: int, axis: int) -> Block:
    inner = [slice(None)] * values.ndim
    inner[axis] = slice(size // 2, values.shape[axis] - (size - 1) // 2)
    return values[tuple(inner)]
