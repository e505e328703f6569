"""Sums of neighbours weighted by a kernel, on blocks that carry their margin: the way depends on the kernel.

A kernel of one weight is a running sum; one of rank 1 is two passes of one dimension; a small one is summed as it
is; a large one goes through the frequencies. All give the same to rounding.
"""

import numpy as np
from scipy import fft, ndimage

from drylands_openeo.engine.values import Block

DIRECT = 170
"""Kernels of no more weights than this are summed directly."""


def correlate(padded: Block, kernel: Block) -> Block:
    """(..., y, x): sum over k, l of kernel[k, l] * padded[y + k, x + l]; the result is smaller by the kernel - 1.

    >>> correlate(np.ones((3, 5)), np.ones((3, 3)))
    array([[9., 9., 9.]])
    """
    rows, columns = kernel.shape
    if np.all(kernel == kernel[0, 0]):
        sums = _running(_running(padded.astype(np.float64), rows, -2), columns, -1)
        sums *= kernel[0, 0]
        return sums.astype(padded.dtype)
    factors = _rank_one(kernel)
    if factors is not None:
        return _passes(padded, *factors)
    if kernel.size <= DIRECT:
        return _direct(padded, kernel)
    return _by_frequencies(padded, kernel)


def _running(values: Block, size: int, axis: int) -> Block:
    """Sums of ``size`` neighbours along an axis."""
    if size == 1:
        return values
    sums = ndimage.uniform_filter1d(values, size, axis=axis, mode="constant") * size
    return _valid(sums, size, axis)


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
            summed = _valid(ndimage.correlate1d(summed, weights, axis=axis, mode="constant"), len(weights), axis)
    return summed


def _direct(padded: Block, kernel: Block) -> Block:
    rows, columns = kernel.shape
    height, width = padded.shape[-2] - rows + 1, padded.shape[-1] - columns + 1
    summed = np.zeros((*padded.shape[:-2], height, width))
    for (row, column), weight in np.ndenumerate(kernel):
        if weight:
            summed += weight * padded[..., row : row + height, column : column + width]
    return summed.astype(padded.dtype)


def _by_frequencies(padded: Block, kernel: Block) -> Block:
    rows, columns = kernel.shape
    shape = [fft.next_fast_len(size, real=True) for size in padded.shape[-2:]]
    spectrum = fft.rfft2(padded.astype(np.float64), shape) * fft.rfft2(kernel[::-1, ::-1], shape)
    whole = fft.irfft2(spectrum, shape)
    valid = whole[..., rows - 1 : padded.shape[-2], columns - 1 : padded.shape[-1]]
    return np.asarray(valid.astype(padded.dtype))


def _valid(values: Block, size: int, axis: int) -> Block:
    inner = [slice(None)] * values.ndim
    inner[axis] = slice(size // 2, values.shape[axis] - (size - 1) // 2)
    return values[tuple(inner)]
