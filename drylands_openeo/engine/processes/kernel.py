"""apply_kernel: a weighted sum of every pixel's neighbours."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from odc.geo.geobox import GeoBox

from drylands_openeo.engine import windows
from drylands_openeo.engine.processes.convolution import correlate
from drylands_openeo.engine.processes.elementwise import is_number
from drylands_openeo.engine.processes.sequences import floating
from drylands_openeo.engine.registry import Arguments, Footprint, process
from drylands_openeo.engine.values import Block, Cube
from drylands_openeo.errors import GraphError

Mode = Literal["edge", "symmetric", "reflect", "wrap"]
MODES: Mapping[str, Mode] = {"replicate": "edge", "reflect": "symmetric", "reflect_pixel": "reflect", "wrap": "wrap"}


class Reach(Footprint):
    """Every pixel from as many neighbours as the kernel has; wrapping at the border takes all of the input."""

    def demand(self, window: GeoBox, source: GeoBox, arguments: Arguments) -> GeoBox:
        """The window with half a kernel around it."""
        rows, columns = (size // 2 for size in _weights(arguments["kernel"]).shape)
        wanted = windows.pad(window, max(rows, columns))
        if arguments.get("border") == "wrap" and windows.within(wanted, source).shape != wanted.shape:
            return source
        return wanted


@process(footprint=Reach())
def apply_kernel(data: Cube, kernel: Any, factor: Any = 1, border: Any = 0, replace_invalid: Any = 0) -> Cube:
    """``factor`` times the sum of kernel weight times pixel, over the kernel laid on every pixel.

    The kernel is not turned round (a correlation, as the specification words it). Pixels that are not finite count
    as ``replace_invalid``.
    """
    weights = _weights(kernel)
    ordered = data.transpose(..., "y", "x")
    values = floating(ordered.values)
    finite = (
        values if _all_finite(values) else np.where(np.isfinite(values), values, values.dtype.type(replace_invalid))
    )
    summed = correlate(_padded(finite, weights.shape, border), weights * float(factor))
    return ordered.copy(deep=False, data=summed).transpose(*data.dims)


def _all_finite(values: Block) -> bool:
    """By two passes that make no array; the extremes are NaN where any value is."""
    return bool(np.isfinite(values.min(initial=0)) and np.isfinite(values.max(initial=0)))


def _weights(kernel: Any) -> Block:
    weights = np.asarray(kernel, dtype=float)
    if weights.ndim != 2 or weights.shape[0] % 2 == 0 or weights.shape[1] % 2 == 0:
        raise GraphError(f"kernel of shape {weights.shape}: both sizes must be uneven", code="KernelDimensionsUneven")
    return weights


def _padded(values: Block, shape: tuple[int, ...], border: Any) -> Block:
    margin = [(0, 0)] * (values.ndim - 2) + [(size // 2, size // 2) for size in shape]
    if is_number(border):
        return np.pad(values, margin, mode="constant", constant_values=border)
    if border not in MODES:
        raise GraphError(f"border {border!r} is no number and none of {', '.join(MODES)}", code="ArgumentInvalid")
    return np.pad(values, margin, mode=MODES[border])
