"""Search to map beside the bare load of the same pixels and a plain xarray script: wall seconds, 2 threads.

Each case runs in a process of its own, imports and all, so that peak memory is its own too. The ratio of a row is
peer / ours; a whole run may take 1.5 times the bare load, hence the target 1 / 1.5. A year of images every fifth day
is the case that the target is for; in a shorter run imports and writing weigh more, which a row of its own shows. The
last rows compare memory: at three times the dates it may grow by a fifth.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pystac
from odc.geo.geobox import GeoBox

from benchmarks.scenery import grid, make
from benchmarks.table import Row

SIDE, SHORT, YEAR, THREADS, REPEATS = 2048, 24, 73, 2, 3
INSIDE = 1536
"""The area asked for is smaller than the scenes, as areas are [pixels]."""


Run = tuple[float, float]
"""Seconds and peak memory [GB]."""


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        short, year = (make(Path(folder) / str(dates), side=SIDE, dates=dates) for dates in (SHORT, YEAR))
        best = {name: _best(name, year) for name in CASES}
        brief = {name: _best(name, short) for name in ("ours", "bare")}
        ours, size = best["ours"], f"{INSIDE} px, {YEAR} dates"
        return [
            _row(f"whole run, {size}: bare odc.stac.load", ours, best["bare"], 0, 1 / 1.5),
            _row(f"whole run, {size}: script of odc-stac + dask", ours, best["script"], 0, 1),
            _row(f"whole run, {INSIDE} px, {SHORT} dates: bare odc.stac.load", brief["ours"], brief["bare"], 0),
            _row(f"peak memory [GB], {YEAR} dates: at {SHORT} dates", ours, brief["ours"], 1, 1 / 1.2),
            _row(f"peak memory [GB], {size}: the script", ours, best["script"], 1, 1),
        ]


def _row(case: str, ours: Run, peer: Run, quantity: int, target: float = 0) -> Row:
    return Row(case, ours[quantity], peer[quantity], peer[quantity] / ours[quantity], target)


def ours(items: Path, out: Path) -> None:
    """The product as a user runs it."""
    from drylands_openeo import local
    from drylands_openeo.engine import Environment
    from drylands_openeo.products import get_product
    from drylands_openeo.profiles import get_profile

    extent = _extent()
    product = get_product("harmonic_ndvi")
    graph = product.flat_graph(
        get_profile("local"), spatial_extent=extent, temporal_extent="2023/2024", dilation=0, erosion=0
    )
    environment = Environment(local.source_of(source=items))
    output = local.Output(out, "map", picture=False)
    local.run(graph, environment, output, workers=local.Workers(THREADS))


def bare(items: Path, out: Path) -> None:
    """The same pixels, read and thrown away."""
    import odc.stac

    found = list(pystac.ItemCollection.from_file(str(items)))
    odc.stac.load(found, ["red", "nir", "scl"], geobox=_window(), groupby="solar_day", pool=THREADS)


def script(items: Path, out: Path) -> None:
    """What one writes by hand: load lazily, mask, NDVI, least squares, map."""
    import dask
    import odc.stac
    import xarray as xr
    from odc.geo.xr import write_cog

    found = list(pystac.ItemCollection.from_file(str(items)))
    cube = odc.stac.load(
        found, ["red", "nir", "scl"], geobox=_window(), groupby="solar_day", chunks={"x": 512, "y": 512}
    )
    red, nir = (cube[name].where(cube[name] > 0).astype("float32") / 10_000 for name in ("red", "nir"))
    ndvi = ((nir - red) / (nir + red)).where(cube.scl.isin([4, 5, 6, 7])).chunk(time=-1)
    years = (cube.time.values - np.datetime64("2000-01-01")) / np.timedelta64(1, "D") / 365.2425
    model = np.stack([np.ones_like(years), np.sin(2 * np.pi * years), np.cos(2 * np.pi * years)], 1)

    def fit(block: np.ndarray) -> np.ndarray:
        valid = np.isfinite(block)
        filled = np.where(valid, block, 0)
        normal = np.einsum("yxt,ti,tj->yxij", valid.astype(float), model, model)
        moment = np.einsum("yxt,ti->yxi", filled, model)
        sound = np.linalg.det(normal) > 1e-6
        normal[~sound] = np.eye(3)
        return np.where(sound[..., None], np.linalg.solve(normal, moment[..., None])[..., 0], np.nan).astype("float32")

    fitted = xr.apply_ufunc(
        fit,
        ndvi,
        input_core_dims=[["time"]],
        output_core_dims=[["band"]],
        dask="parallelized",
        output_dtypes=["float32"],
        dask_gufunc_kwargs={"output_sizes": {"band": 3}},
    )
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        result = fitted.compute()
    out.mkdir(parents=True, exist_ok=True)
    result = result.transpose("band", "y", "x")
    write_cog(result.odc.assign_crs(cube.odc.crs), str(out / "map.tif"), overwrite=True)


CASES: dict[str, Callable[[Path, Path], None]] = {"ours": ours, "bare": bare, "script": script}


def _extent() -> dict[str, object]:
    box = _window().boundingbox
    return {"west": box.left, "south": box.bottom, "east": box.right, "north": box.top, "crs": 32650}


def _window() -> GeoBox:
    start = (SIDE - INSIDE) // 2
    return grid(SIDE)[start : start + INSIDE, start : start + INSIDE]


def _best(name: str, items: Path) -> Run:
    runs = [_child(name, items) for _ in range(REPEATS)]
    return min(run[0] for run in runs), min(run[1] for run in runs)


def _as_installed() -> dict[str, str]:
    """The environment, in which modules are compiled once, as installed ones are."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _child(name: str, items: Path) -> Run:
    """(seconds, peak GB) of a case in a process of its own."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "benchmarks.whole_run", name, str(items), out]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=_as_installed())
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    seconds, peak = json.loads(ended.stdout.splitlines()[-1])
    return seconds, peak


if __name__ == "__main__":
    case, items, out = sys.argv[1:4]
    start = time.perf_counter()
    CASES[case](Path(items), Path(out))
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20]))
