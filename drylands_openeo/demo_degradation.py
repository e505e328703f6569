"""The demonstration of an assessment: planted degradation, and what each method says of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drylands_openeo import local
from drylands_openeo.area import Area, Period
from drylands_openeo.assess import Outcome, Settings, assess
from drylands_openeo.assess.counting import Part, grid_of, read
from drylands_openeo.assess.legends import METHODS, VERDICTS
from drylands_openeo.assess.settings import CHAIN
from drylands_openeo.world.degradation import FIRST, LAST, TOLD, Change, DegradationTruth, build_degradation


@dataclass(frozen=True)
class Confusion:
    """One method: for each truth, the percent of its pixels by what the method says."""

    method: str
    percent: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Comparison:
    """The assessment of the planted world, its confusion with the truth, and how long it took [s].

    ``ascribed``: of the pixels that degrade or dry and are called degradation, the percent ascribed to the right cause.
    """

    outcome: Outcome
    confusions: tuple[Confusion, ...]
    ascribed: Mapping[str, float]
    seconds: float


def demonstrate(folder: Path, *, seed: int = 0, progress: local.Progress = local.silent) -> Comparison:
    """Make the world in ``folder``/world, assess it in ``folder``/maps, and compare."""
    start = time.perf_counter()
    truth = build_degradation(folder / "world", seed=seed)
    outcome = assess(settings_of(truth), folder / "maps", progress=progress)
    confusions = tuple(
        _confusion(legend.title, legend.codes(_whole(outcome.maps[legend.product], legend.bands)), truth)
        for legend in METHODS
    )
    return Comparison(outcome, confusions, _ascribed(outcome, truth), time.perf_counter() - start)


def settings_of(truth: DegradationTruth) -> Settings:
    """What an assessment of the world is told."""
    files = {"climate": "climate", "npp": "npp", "vegetation": "vegetation", "land-cover": "land_cover"}
    shared = {"resampling": "near"}
    given = {"pet_method": "given"}
    options = dict.fromkeys(("mnpp_trend", "contingency", "rain_use", "drivers"), shared | given)
    return Settings(
        name="planted degradation",
        area=Area.of(truth.bbox),
        period=Period.of(f"{FIRST}/{LAST}"),
        products=CHAIN,
        sources={role: {"cube": truth.folder / f"{name}.nc"} for role, name in files.items()},
        options={"aridity": given, "restrend": shared, **options},
        land_cover={1: "grassland", 2: "cropland", 3: "sparse vegetation"},
    )


def _confusion(method: str, said: NDArray[Any], truth: DegradationTruth) -> Confusion:
    names = {**VERDICTS, 0: "no data"}
    table = {}
    for change in Change:
        here = said[truth.change == change]
        table[TOLD[change]] = {name: float(100 * np.mean(here == code)) for code, name in names.items()}
    return Confusion(method, table)


def _ascribed(outcome: Outcome, truth: DegradationTruth) -> dict[str, float]:
    bands = _whole(outcome.maps["contingency"], ("class", "attribution"))
    right = {Change.DEGRADATION: 1, Change.MASKED: 4, Change.DRIER: 2}
    found = {}
    for change, flag in right.items():
        here = (truth.change == change) & (bands["class"] == 1)
        found[TOLD[change]] = float(100 * np.mean(bands["attribution"][here] == flag)) if here.any() else float("nan")
    return found


def _whole(path: Path, names: tuple[str, ...]) -> Mapping[str, NDArray[Any]]:
    grid = grid_of(path)
    return read(path, names, Part(0, 0, grid, np.zeros(grid.shape)), grid)
