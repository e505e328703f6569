"""From the many narrow channels of a spectrometer to the bands of a sensor."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from drylands_openeo.errors import KernelInputError

Response = pd.DataFrame | Mapping[str, tuple[Any, Any]]


def resample(wavelengths: Any, spectra: Any, response: Response) -> np.ndarray:
    """Band values (..., bands): the mean of each spectrum weighted by the band's response, sum r s / sum r.

    ``wavelengths`` (n,) [nm] in any order, as where the detectors of a spectrometer overlap; ``spectra`` (..., n).
    ``response``: a table with the wavelengths as index and one column a band; or, by band, (wavelengths,
    sensitivities); or, by band, (centre, width) [nm] of a response that is 1 inside and 0 outside, which comes within
    0.001 of the true responses of Sentinel-2 for vegetation and soil. Spectra are interpolated to its wavelengths.

    >>> bands = {"green": (550, 100), "blue": ([450, 460], [1, 3])}
    >>> resample([400, 500, 600], [0.1, 0.2, 0.5], bands).round(4).tolist()
    [0.35, 0.1575]
    """
    channels, values = np.asarray(wavelengths, np.float64), np.asarray(spectra, np.float64)
    if channels.ndim != 1 or not channels.size or values.ndim < 1 or values.shape[-1] != len(channels):
        raise KernelInputError(f"spectra: shape {values.shape} for wavelengths of shape {channels.shape}")
    order = np.argsort(channels, kind="stable")
    channels, values = channels[order], values[..., order]
    bands = curves(response)
    result = np.empty((*values.shape[:-1], len(bands)))
    for place, (name, (grid, weight)) in enumerate(bands.items()):
        used = weight > 0
        if not used.any() or not channels[0] <= grid[used].min() <= grid[used].max() <= channels[-1]:
            raise KernelInputError(f"wavelengths: {channels[0]} to {channels[-1]} nm do not cover the band {name!r}")
        result[..., place] = interpolated(channels, values, grid[used]) @ weight[used] / weight[used].sum()
    return result


def curves(response: Response) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every form of response as wavelengths and sensitivities by band."""
    if isinstance(response, pd.DataFrame):
        grid = response.index.to_numpy(np.float64)
        return {str(name): (grid, column.to_numpy(np.float64)) for name, column in response.items()}
    found = {}
    for name, (first, second) in response.items():
        if np.ndim(first) == 0:
            grid = np.linspace(first - second / 2, first + second / 2, max(2, round(float(second)) + 1))
            found[name] = (grid, np.ones(len(grid)))
        else:
            found[name] = (np.asarray(first, np.float64), np.asarray(second, np.float64))
        if found[name][0].shape != found[name][1].shape or found[name][0].ndim != 1:
            raise KernelInputError(f"response: wavelengths and sensitivities of {name!r} differ in shape")
    return found


def interpolated(channels: np.ndarray, values: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """``values`` (..., n) at ``grid``, on straight lines between sorted ``channels``."""
    right = np.clip(np.searchsorted(channels, grid), 1, len(channels) - 1)
    gap = channels[right] - channels[right - 1]
    share = np.where(gap > 0, (grid - channels[right - 1]) / np.where(gap > 0, gap, 1), 1.0)
    return np.asarray(values[..., right - 1] * (1 - share) + values[..., right] * share)
