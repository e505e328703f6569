"""The demonstration of retrievals: cover, texture, soil carbon and biomass of the generated world beside its truth."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from drylands_openeo import local
from drylands_openeo.area import Period
from drylands_openeo.demo import Maps, read_map
from drylands_openeo.engine import Environment
from drylands_openeo.local.sample import points_of, sampled
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile
from drylands_openeo.samples import samples_of
from drylands_openeo.stac import search
from drylands_openeo.train import Trained, train
from drylands_openeo.world import SIZE, Patch, World, build
from drylands_openeo.world.plots import PEAK

SUMMER = "2021-06-01/2021-08-31"
YEAR = "2021"

CARBON = ("bare_red", "bare_nir", "bare_swir16", "bare_nbr2", "ndvi_mean", "ndvi_q3", "nbr2")
"""Covariates of the demonstration's soil carbon."""

BIOMASS = ("ndvi_q3", "dfi_q3", "ndi45", "s2rep", "nir", "nir_homogeneity")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cover:
    """One patch: mean of truth and result of each share, in per cent of the ground."""

    patch: str
    truth: dict[str, float]
    result: dict[str, float]


@dataclass(frozen=True)
class Regression:
    """A trained model and its map against the truth: R2 and RMSE where applicable, share applicable, share of the truth
    within the interval of measurements, which is wider by their error."""

    target: str
    unit: str
    trained: Trained
    r2: float
    rmse: float
    applicable: float
    covered: float


@dataclass(frozen=True)
class Retrievals:
    """What was retrieved, beside the truth; ``texture``: rank correlation of planted grain and found homogeneity."""

    cover: tuple[Cover, ...]
    cover_error: dict[str, float]
    texture: float
    regressions: tuple[Regression, ...]
    files: dict[str, Path]
    seconds: float


def demonstrate_retrievals(
    folder: Path,
    *,
    seed: int = 0,
    size: tuple[float, float] = SIZE,
    progress: local.Progress = local.silent,
) -> Retrievals:
    """Make the world of a ``size`` [m] in ``folder``/world, retrieve in ``folder``/maps, and compare."""
    start = time.perf_counter()
    world = build(folder / "world", seed=seed, size=size, period=YEAR)
    runner = _Runner(world, folder / "maps", progress)
    cover, error = _cover(runner)
    texture = _texture(runner)
    table, degrees = points_of(world.plots)
    names = tuple(dict.fromkeys((*CARBON, *BIOMASS)))
    graph = runner.graph("predictors", YEAR, predictor=list(names))
    values = sampled(graph, runner.environment, degrees, progress=progress)
    frame = table.join(values)
    regressions = (
        _regression(runner, frame, degrees, "soil_carbon", "soc", "g kg-1", "svm", CARBON),
        _regression(runner, frame, degrees, "biomass", "agb", "g m-2", "rf", BIOMASS),
    )
    return Retrievals(cover, error, texture, regressions, runner.files, time.perf_counter() - start)


class _Runner:
    """Runs products on the world, and keeps where their files are."""

    def __init__(self, world: World, folder: Path, progress: local.Progress) -> None:
        self.world, self.folder, self.progress = world, folder, progress
        self.environment = Environment(local.source_of(source=world.catalogue))
        self.files: dict[str, Path] = {}

    def graph(self, product: str, period: str, **arguments: Any) -> dict[str, Any]:
        """The product's graph on the world."""
        return get_product(product).flat_graph(
            get_profile("local"), spatial_extent=self.world.area, temporal_extent=period, **arguments
        )

    def run(self, product: str, period: str, **arguments: Any) -> tuple[Maps, Any]:
        """The bands of the product's map, and its grid."""
        output = local.Output(self.folder, product, get_product(product).outputs(arguments))
        result = local.run(self.graph(product, period, **arguments), self.environment, output, progress=self.progress)
        self.files[product] = result.files["map"]
        return read_map(result.files["map"])


def _cover(runner: _Runner) -> tuple[tuple[Cover, ...], dict[str, float]]:
    """Truth is taken where the composite is: at the median of the greenness of the scenes."""
    found, grid = runner.run("fractional_cover", SUMMER, library=str(runner.world.endmembers))
    scenes = search(runner.world.items, area=runner.world.area, period=Period.of(SUMMER))
    moments = sorted({item.datetime for item in scenes if isinstance(item.datetime, datetime)})
    every = [runner.world.retrievals(grid, moment) for moment in moments]
    names = ("pv", "npv", "bare")
    truth = {name: np.median([one[name] for one in every], axis=0) for name in names}
    patch = every[0]["patch"]
    lines = []
    for kind in Patch:
        here = (patch == kind) & np.isfinite(found["pv"])
        if kind is not Patch.LAKE and here.any():
            means = [{name: float(maps[name][here].mean()) for name in names} for maps in (truth, found)]
            lines.append(Cover(kind.name.lower(), *means))
    land = (patch != Patch.LAKE) & np.isfinite(found["pv"])
    errors = {name: float(np.sqrt(np.mean((found[name] - truth[name])[land] ** 2))) for name in names}
    return tuple(lines), errors


def _texture(runner: _Runner) -> float:
    """The rank correlation of the patches' planted grain with how inhomogeneous they are found to be."""
    found, grid = runner.run("texture", SUMMER, window=5, displacement=1, levels=64)
    ground = runner.world.ground(grid)
    rows = np.array(
        [
            (ground.grain[here].mean(), 1 - np.nanmean(found["nir_homogeneity"][here]))
            for kind in Patch
            if kind is not Patch.LAKE and (here := ground.patch == kind).any()
        ]
    )
    return float(spearmanr(rows[:, 0], rows[:, 1]).statistic)


def _regression(
    runner: _Runner,
    frame: pd.DataFrame,
    degrees: Floats,
    product: str,
    target: str,
    unit: str,
    model: str,
    predictors: tuple[str, ...],
) -> Regression:
    samples = samples_of(frame, degrees, target=target, predictors=predictors, source=runner.world.plots.name)
    made = train(samples, target=target, unit=unit, model=model, folds=6, trees=50)
    paths = made.save(runner.folder, target)
    runner.files |= {f"{target}-{what}": path for what, path in paths.items()}
    maps, grid = runner.run(product, YEAR, model=str(paths["model"]))
    truth = runner.world.retrievals(grid, PEAK)[target]
    known = np.isfinite(maps[target]) & np.isfinite(truth)
    inside = known & (maps["applicable"] == 1)
    error = (maps[target] - truth)[inside]
    within = (truth >= maps[f"{target}_lower"]) & (truth <= maps[f"{target}_upper"])
    return Regression(
        target,
        unit,
        made,
        1 - float(np.mean(error**2) / np.var(truth[inside])),
        float(np.sqrt(np.mean(error**2))),
        float(inside.sum() / known.sum()),
        float(within[inside].mean()),
    )
