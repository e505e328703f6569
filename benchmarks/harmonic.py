"""Harmonic fit beside a solver a pixel (NumPy, xarray) and openeo-processes-dask's ``fit_curve``: CPU seconds."""

import importlib
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import openeo_processes_dask
import pandas as pd
import rioxarray  # noqa: F401  fit_curve needs its accessor
import xarray as xr
from drylands_openeo.udf import harmonic_ndvi as kernel

from benchmarks.table import Row

DATES, GAPS, SIDE = 73, 0.4, 450  # a year of Sentinel-2, cloudy; our pixels: SIDE x SIDE
MILLION = 1_000_000  # costs are scaled to as many pixels
NOTHING_ASKED = 0.0


def rows() -> list[Row]:
    cube = stack()
    years = kernel.decimal_years(cube.t.values)
    series = np.moveaxis(cube.values, 0, -1)
    peers: list[tuple[str, str, int, float, Callable[[xr.DataArray], object]]] = [
        ("ols", "np.linalg.lstsq a pixel", 45, 100, lambda part: lstsq(part.values, years)),
        ("ols", "xarray polyfit of as many unknowns", 45, NOTHING_ASKED, lambda part: part.polyfit("t", 2)),
        ("ols", "openeo-processes-dask fit_curve", 8, 500, fit_curve),
        ("hants", "np.linalg.lstsq a pixel", 45, NOTHING_ASKED, lambda part: lstsq(part.values, years)),
        ("huber", "np.linalg.lstsq a pixel", 45, NOTHING_ASKED, lambda part: lstsq(part.values, years)),
    ]
    found = []
    for method, name, side, target, peer in peers:
        mine = series if method == "ols" else series[:90, :90]
        part = cube[:, :side, :side].copy()
        ours, theirs = interleaved(
            lambda mine=mine, method=method: kernel.fit(mine, years, method=method),
            lambda part=part, peer=peer: peer(part),
        )
        ours, theirs = ours / mine[..., 0].size * MILLION, theirs / side**2 * MILLION
        found.append(Row(f"{method}, {DATES} dates, a million pixels: {name}", ours, theirs, theirs / ours, target))
    return found


def stack() -> xr.DataArray:
    """(t, y, x) float32 with the gaps of clouds."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2023-01-03", periods=DATES, freq="5D")
    model = kernel.design_matrix(kernel.decimal_years(times), 1, trend=False)
    truth = np.array([0.3, 0.05, -0.1]) + rng.normal(0, 0.03, (SIDE, SIDE, 3))
    values = np.tensordot(model, truth, (1, 2)) + rng.normal(0, 0.02, (DATES, SIDE, SIDE))
    values[rng.random(values.shape) < GAPS] = np.nan
    cube = xr.DataArray(values.astype(np.float32), dims=("t", "y", "x"), coords={"t": times})
    return cube.assign_coords(y=np.arange(SIDE)[::-1], x=np.arange(SIDE)).rio.write_crs(32650)


def interleaved(ours: Callable[[], object], theirs: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """The least CPU time of some calls of each, taken in turn."""
    spent: list[list[float]] = [[], []]
    for _ in range(repeats):
        for work, times in zip((ours, theirs), spent, strict=True):
            start = time.process_time()
            work()
            times.append(time.process_time() - start)
    return min(spent[0]), min(spent[1])


def lstsq(series: np.ndarray, years: np.ndarray) -> list[tuple[np.ndarray, float, int]]:
    """Coefficients, rmse and count of (t, y, x)."""
    model = kernel.design_matrix(years, 1, trend=False)
    found = []
    for pixel in series.reshape(len(years), -1).T:
        valid = np.isfinite(pixel)
        count = int(valid.sum())
        coefficients, squares, _, _ = np.linalg.lstsq(model[valid], pixel[valid], rcond=None)
        found.append((coefficients, math.sqrt(squares[0] / count), count))
    return found


def fit_curve(cube: xr.DataArray) -> object:
    """The same model by the ``fit_curve`` process, called as its engine calls it."""

    def model(x: np.ndarray, *parameters: float, positional_parameters: dict[str, object]) -> np.ndarray:
        angle = 2 * math.pi * x / (kernel.DAYS_A_YEAR * 86400)
        return parameters[0] + parameters[1] * np.sin(angle) + parameters[2] * np.cos(angle)

    return curve_fitting().fit_curve(cube.copy(), parameters=[1, 1, 1], function=model, dimension="t").compute()


def curve_fitting() -> ModuleType:
    """The peer's module by itself: its packages import all processes, some of which need GDAL built from source."""
    root = Path(openeo_processes_dask.__file__).parent
    for name in ("process_implementations", "process_implementations.ml"):
        package = ModuleType(f"openeo_processes_dask.{name}")
        package.__path__ = [str(root.joinpath(*name.split(".")))]
        sys.modules.setdefault(package.__name__, package)
    types = ModuleType("openeo_processes_dask.process_implementations.data_model")
    vars(types)["RasterCube"] = xr.DataArray
    sys.modules.setdefault(types.__name__, types)
    return importlib.import_module("openeo_processes_dask.process_implementations.ml.curve_fitting")
