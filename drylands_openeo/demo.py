"""The demonstration: a generated dryland world, from search to map, and the result beside the planted truth."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from drylands_openeo import local
from drylands_openeo.engine import Environment
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile
from drylands_openeo.stac import search
from drylands_openeo.world import Patch, World, build

PRODUCT = "harmonic_ndvi"
ARGUMENTS: dict[str, Any] = {"index": "ndvi", "harmonics": 1, "trend": True, "method": "ols"}

Maps = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Line:
    """One patch of the world: its size [ha], and truth and result, each averaged over its clear pixels."""

    patch: str
    area: float
    clear: float
    truth: dict[str, float]
    result: dict[str, float]


@dataclass(frozen=True)
class Report:
    """What the demonstration did: scenes found and read, the comparison, the files, and how long it took [s]."""

    delivered: int
    scenes: int
    lines: tuple[Line, ...]
    correlation: float
    error: float
    files: dict[str, Path]
    seconds: float


def demonstrate(folder: Path, *, seed: int = 0, progress: local.Progress = local.silent) -> Report:
    """Make the world in ``folder``/world, map it in ``folder``/maps, and compare."""
    start = time.perf_counter()
    world = build(folder / "world", seed=seed)
    delivered = len(list((folder / "world").rglob("S2*.json")))
    scenes = len(search(world.items, area=world.area, period=world.period))
    result = _map(world, folder / "maps", progress)
    maps, grid = read_map(result.files["map"])
    lines, correlation, error = compare(maps, world, grid)
    return Report(delivered, scenes, lines, correlation, error, dict(result.files), time.perf_counter() - start)


def compare(maps: Maps, world: World, grid: GeoBox) -> tuple[tuple[Line, ...], float, float]:
    """(a line for each patch, correlation of the trends, root mean squared error of the trends [1/year])."""
    truth = _derived({name: values.astype(float) for name, values in world.truth(grid).items()})
    found = _derived({**maps, "patch": truth["patch"]})
    known = np.isfinite(found["trend"])
    lines = tuple(_line(patch, truth, found, known) for patch in Patch if (truth["patch"] == patch).any())
    return lines, *_agreement(truth["trend"][known], found["trend"][known])


def _map(world: World, folder: Path, progress: local.Progress) -> local.Result:
    product = get_product(PRODUCT)
    graph = product.flat_graph(
        get_profile("local"), spatial_extent=world.area, temporal_extent=world.period, **ARGUMENTS
    )
    environment = Environment(local.source_of(source=world.catalogue))
    output = local.Output(folder, PRODUCT, product.outputs(ARGUMENTS))
    return local.run(graph, environment, output, progress=progress)


def read_map(path: Path) -> tuple[Maps, GeoBox]:
    """The bands of a map by name, and its grid."""
    with rasterio.open(path) as source:
        names = source.descriptions
        values = source.read().astype(np.float64)
        grid = GeoBox(source.shape, source.transform, source.crs)
    return dict(zip(names, values, strict=True)), grid


def _derived(maps: Maps) -> Maps:
    """The curve as people read it: its mean over the period instead of the constant at the epoch, amplitude, peak."""
    amplitude = maps.get("amplitude", np.hypot(maps["sin1"], maps["cos1"]))
    turn = 0.25 - np.arctan2(maps["cos1"], maps["sin1"]) / (2 * np.pi)
    mean = maps.get("mean", maps["c0"] + 1.5 * maps["trend"])
    return {**maps, "mean": mean, "amplitude": amplitude, "peak_day": 1 + turn % 1 * 365.2425}


def _line(patch: Patch, truth: Maps, found: Maps, known: NDArray[np.bool_]) -> Line:
    here = truth["patch"] == patch
    sound = here & known
    names = ("mean", "amplitude", "trend", *(("peak_day",) if truth["amplitude"][here].mean() > 0.01 else ()))
    return Line(
        patch.name.lower(),
        float(here.sum()) / 100,
        float(sound.sum() / here.sum()),
        {name: float(truth[name][sound].mean()) for name in names},
        {name: float(found[name][sound].mean()) for name in names},
    )


def _agreement(truth: NDArray[np.float64], found: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.corrcoef(truth, found)[0, 1]), float(np.sqrt(np.mean((found - truth) ** 2)))
