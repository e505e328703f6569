"""Rates of degradation beside those of recovery, by land cover and by zone of aridity: table and plot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from drylands_openeo.assess import counting
from drylands_openeo.assess.settings import Settings
from drylands_openeo.assess.strata import land_cover
from drylands_openeo.products.aridity import CLASSES
from drylands_openeo.profiles import LAND_COVER
from drylands_openeo.statistics.rates import Rate, correlation_range, rates

SIDES = (("degrading", "#a6611a"), ("recovering", "#018571"))


def speeds(
    settings: Settings, maps: Mapping[str, Path], folder: Path
) -> tuple[dict[str, tuple[Rate, ...]], dict[str, Path]]:
    """({what it is grouped by: rates}, files); nothing without the map of `rain_use`.

    The effect of time is that of `rain_use` where the response is to time; the sample is thinned to the range at which
    intensities of one side are alike, or to ``step`` [pixels] of the options [options.rates].
    """
    if "rain_use" not in maps:
        return {}, {}
    grid = counting.grid_of(maps["rain_use"])
    effect, areas = np.zeros(grid.shape), np.zeros(grid.shape)
    groups: dict[str, tuple[Any, Mapping[int, str]]] = {}
    if "aridity" in maps:
        groups["aridity"] = (np.zeros(grid.shape), CLASSES)
    if LAND_COVER in settings.sources:
        groups["land cover"] = (land_cover(settings, grid), settings.land_cover)
    for part in counting.parts(grid, settings.area):
        rows, columns = part.window.shape
        here = (slice(part.row, part.row + rows), slice(part.column, part.column + columns))
        effect[here] = counting.read(maps["rain_use"], ["effect_time"], part, grid)["effect_time"]
        areas[here] = part.areas
        if "aridity" in groups:
            groups["aridity"][0][here] = counting.read(maps["aridity"], ["aridity_class"], part, grid)["aridity_class"]
    effect[areas == 0] = np.nan
    step = settings.options.get("rates", {}).get("step") or correlation_range(_less_its_median(effect))
    found = {
        name: tuple(rates(effect, areas, codes, _present(codes, names), step=int(step)))
        for name, (codes, names) in groups.items()
    }
    return found, {"rates plot": _plot(found, folder / "rates.png", int(step))} if found else {}


def _less_its_median(effect: Any) -> Any:
    """Intensities less the median of their side; NaN where there is no effect."""
    left = np.full(effect.shape, np.nan)
    for side in (effect < 0, effect > 0):
        if side.any():
            left[side] = np.abs(effect[side]) - np.median(np.abs(effect[side]))
    return left


def _present(codes: Any, names: Mapping[int, str]) -> dict[int, str]:
    """Names of the codes that occur; a code without a name is its number."""
    found = [int(code) for code in np.unique(codes[np.isfinite(codes)]) if code > 0]
    return {code: names.get(code, str(code)) for code in found}


def _plot(found: Mapping[str, tuple[Rate, ...]], path: Path, step: int) -> Path:
    """Medians of both sides, group by group, and the shift with its interval."""
    rows = [(by, rate) for by, several in found.items() for rate in several]
    figure = Figure(figsize=(9, 1.2 + 0.4 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True)
    at = np.arange(len(rows))
    for offset, (side, colour) in zip((-0.2, 0.2), SIDES, strict=True):
        medians = [getattr(rate, f"{side}_median") for _, rate in rows]
        left.barh(at + offset, medians, 0.4, color=colour, label=side)
    shifts = np.array([[rate.low, rate.shift, rate.high] for _, rate in rows])
    right.hlines(at, shifts[:, 0], shifts[:, 2], color="black")
    right.plot(shifts[:, 1], at, "o", color="black")
    right.axvline(0, color="grey", linewidth=0.8)
    left.set_yticks(at, [f"{by}: {rate.group}" for by, rate in rows])
    left.invert_yaxis()
    left.set_xlabel("median intensity [sd per sd]")
    right.set_xlabel(f"recovering less degrading, 95 % (every {step}th pixel)")
    left.legend(frameon=False)
    part = path.with_suffix(".part.png")
    figure.savefig(part, dpi=110)
    return part.replace(path)
