"""The drought table of a region: the product `drought` tile by tile, its statistics, and the files they become."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from drylands_openeo.engine import Environment, Plan, Program, Source
from drylands_openeo.engine.tiles import evaluate_tiles, plan_tiles, tile_size
from drylands_openeo.errors import DrylandsError
from drylands_openeo.local.output import Output, canonical, save_provenance
from drylands_openeo.local.run import Progress, Workers, silent
from drylands_openeo.product import OutputBand
from drylands_openeo.products import get_product
from drylands_openeo.products.drought import INDEX_BANDS
from drylands_openeo.profiles import get_profile
from drylands_openeo.statistics.areas import cell_areas
from drylands_openeo.statistics.discovery import adjusted
from drylands_openeo.statistics.drought import Classes, Tally, pixel_trends, trends
from drylands_openeo.write import MapWriter
from drylands_openeo.write.curves import drought_curves

MAPS = (
    OutputBand("slope", "year-1", "Theil-Sen slope of the annual mean index"),
    OutputBand("p", "1", "Mann-Kendall, two-sided probability of no trend"),
    OutputBand("p_adjusted", "1", "the same, adjusted for the number of pixels (Benjamini-Hochberg)"),
    OutputBand("drought_months", "1", "mean number of months a year in drought"),
    OutputBand("intensity", "1", "mean index of the months in drought"),
)

ALPHA = 0.05
"""False-discovery rate at which a pixel's trend stands in the summary."""


@dataclass(frozen=True)
class DroughtReport:
    """``table``: a row a year and season; ``trends``: a row a season and quantity; ``pixels``: area [km2] with a trend
    that stands ("drying", "wetting") and without ("none"); ``files``: what was written."""

    table: pd.DataFrame
    trends: pd.DataFrame
    pixels: Mapping[str, float]
    files: Mapping[str, Path]


def drought_report(
    source: Source,
    folder: Path,
    *,
    spatial_extent: Any,
    temporal_extent: Any,
    index: str = "scpdsi",
    workers: Workers | None = None,
    progress: Progress = silent,
    **arguments: Any,
) -> DroughtReport:
    """Tables, trends, plot and maps of drought, from a climate. ``arguments``: of the product `drought`."""
    arguments = {"drought_index": index, **arguments}
    graph = get_product("drought").flat_graph(
        get_profile("local"), spatial_extent=spatial_extent, temporal_extent=temporal_extent, **arguments
    )
    plan = Plan(Program.parse(graph), Environment(source))
    tally, maps = _counted(plan, Classes.of(index), INDEX_BANDS[index][0], workers or Workers(), progress)
    maps[2] = adjusted(maps[1])
    areas = cell_areas(plan.grid)
    table, found = tally.table(), trends(tally.table())
    folder.mkdir(parents=True, exist_ok=True)
    pixels = _standing(maps, areas)
    files = {
        "table": _csv(table, folder / "drought.csv"),
        "trends": _csv(found, folder / "drought_trends.csv"),
        "plot": drought_curves(
            folder / "drought.png", table, found, list(tally.classes.limits), overwrite=True,
            title=f"{index}, {tally.years[0]}-{tally.years[-1]}",
        ),
        "map": _map(folder / "drought_maps.tif", plan, maps),
        "values": _json(folder / "drought.json", table, found, pixels, arguments, tally.classes),
    }  # fmt: skip
    written = {"map": files["map"], "plot": files["plot"]}
    files["item"] = save_provenance(
        Output(folder, "drought_maps", MAPS), written,
        grid=plan.grid, bands=MAPS, layers=plan.layers(), graph=graph, arguments=arguments,
    )  # fmt: skip
    return DroughtReport(table, found, pixels, files)


def _counted(
    plan: Plan, classes: Classes, band: str, workers: Workers, progress: Progress
) -> tuple[Tally, NDArray[np.float64]]:
    """The tally of all tiles, and the maps (bands, y, x) without the adjustment that needs them all."""
    dates = pd.DatetimeIndex(np.array(plan.layers()[0].times))
    tally = Tally(classes, dates)
    grid = plan.grid
    if grid is None:
        raise DrylandsError("the drought index has no pixels on the ground")
    size = workers.tile or tile_size(plan, client=workers.client)
    total = len(plan_tiles(plan, size))
    maps = np.full((len(MAPS), *grid.shape), np.nan)
    progress(0, total)
    ready = evaluate_tiles(
        plan, size=size, threads=workers.threads, client=workers.client, step=lambda done: progress(done, total)
    )
    for done, (tile, value) in enumerate(ready, start=1):
        index = canonical(value).sel(bands=band).values
        annual = tally.add(index, cell_areas(tile.window))
        rows, columns = tile.window.shape
        here = maps[:, tile.row : tile.row + rows, tile.column : tile.column + columns]
        here[:2] = pixel_trends(annual, tally.years)
        here[3:] = _spells(index, classes.drought)
        progress(done, total)
    if not (tally.sums[:, 0] > 0).any():
        raise DrylandsError(
            "no pixel has the index in any whole season: is a month missing, or does it never rain? See 'drought'"
        )
    return tally, maps


def _spells(index: NDArray[Any], limit: float) -> NDArray[np.float64]:
    """Months a year in drought, and the mean index in them."""
    known, dry = np.isfinite(index).sum(axis=0), index <= limit
    months = dry.sum(axis=0)
    total = np.where(dry, index, 0).sum(axis=0, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        often, deep = 12 * months / known, total / months
    return np.stack([np.where(known > 0, often, np.nan), np.where(months > 0, deep, np.nan)])


def _standing(maps: NDArray[np.float64], areas: NDArray[np.float64]) -> dict[str, float]:
    known, stands = np.isfinite(maps[1]), maps[2] <= ALPHA
    drying, wetting = stands & (maps[0] < 0), stands & (maps[0] > 0)
    parts = {"drying": drying, "wetting": wetting, "none": known & ~drying & ~wetting}
    return {name: float(areas[part].sum()) for name, part in parts.items()}


def _map(path: Path, plan: Plan, maps: NDArray[np.float64]) -> Path:
    with MapWriter(path, plan.grid, MAPS, overwrite=True) as writer:
        writer.write(maps, 0, 0)
    return path


def _csv(table: pd.DataFrame, path: Path) -> Path:
    part = path.with_suffix(".csv.part")
    table.to_csv(part, index=False, float_format="%.6g")
    return part.replace(path)


def _json(
    path: Path,
    table: pd.DataFrame,
    found: pd.DataFrame,
    pixels: Mapping[str, float],
    arguments: Mapping[str, Any],
    classes: Classes,
) -> Path:
    content = {
        "arguments": dict(arguments),
        "classes": {"drought": classes.drought, **classes.limits},
        "units": {"area": "km2", "shares": "%", "drought_months": "months", "slope_per_decade": "unit per decade"},
        "table": json.loads(table.to_json(orient="records", double_precision=6)),
        "trends": json.loads(found.to_json(orient="records", double_precision=10)),
        "pixel_trends": {"false_discovery_rate": ALPHA, "area": {name: round(a, 6) for name, a in pixels.items()}},
    }
    part = path.with_suffix(".json.part")
    part.write_text(json.dumps(content, indent=1), "utf-8")
    return part.replace(path)
