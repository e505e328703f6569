"""An assessment from its settings to its tables; what an earlier run has finished is kept."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drylands_openeo import local, tables
from drylands_openeo.assess import counting
from drylands_openeo.assess.legends import LEGENDS, METHODS
from drylands_openeo.assess.record import Record
from drylands_openeo.assess.settings import Settings
from drylands_openeo.assess.sources import opened
from drylands_openeo.assess.speed import speeds
from drylands_openeo.assess.steps import Workshop
from drylands_openeo.statistics.chance import DRYING, UNCHANGED, shares
from drylands_openeo.statistics.rates import Rate

CLASSES = "MNPP class"
"""The table of areas beside which false alarms stand."""

FEWEST_YEARS = 4
"""Of fewer years no trend can be significant at 0.05."""

Announce = Callable[[str], None]


def _silent(step: str) -> None:
    """Nothing is said."""


@dataclass(frozen=True)
class Outcome:
    """Maps by product, tables of areas [km2] by title, the area they add up to, agreement and rates, and all files.

    ``alarms``: class of the contingency table -> percent of unchanged land that it gets by chance, and under drying.
    ``done`` and ``kept``: steps computed now, and those of an earlier run. ``maturity``: summary index of the states.
    """

    maps: Mapping[str, Path]
    areas: Mapping[str, Mapping[str, float]]
    alarms: Mapping[str, Mapping[str, float]]
    total: float
    agreements: tuple[counting.Agreement, ...]
    rates: Mapping[str, tuple[Rate, ...]]
    maturity: float
    files: Mapping[str, Path]
    done: tuple[str, ...]
    kept: tuple[str, ...]


def assess(
    settings: Settings,
    folder: Path,
    *,
    workers: local.Workers | None = None,
    progress: local.Progress = local.silent,
    announce: Announce = _silent,
) -> Outcome:
    """Compute what the settings ask for in ``folder``; ``announce`` is told each product as it begins.

    Stopped at any time and called again, it goes on with the first step that is not finished.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = Record.opened(folder / "steps.json")
    sources = opened(settings.sources)
    workshop = Workshop(settings, sources, folder, record, workers or local.Workers(), progress)
    maps = {}
    for product in settings.products:
        announce(product)
        maps[product] = workshop.map(product)
    announce("tables")
    return _counted(settings, maps, folder, record)


def _counted(settings: Settings, maps: Mapping[str, Path], folder: Path, record: Record) -> Outcome:
    grid = counting.grid_of(_finest(maps))
    areas = {
        legend.title: counting.class_areas(legend, maps[legend.product], grid, settings.area)
        for legend in LEGENDS
        if legend.product in maps
    }
    methods = {legend: maps[legend.product] for legend in METHODS if legend.product in maps}
    agreements = tuple(counting.agreements(methods, grid, settings.area))
    found, plot = speeds(settings, maps, folder)
    total = counting.whole_area(grid, settings.area)
    condition = tables.read("condition")
    names = {int(row["value"]): str(row["name"]) for row in condition["states"]}
    maturity = counting.maturity(areas.get("2dRUE state", {}), names, condition["index"])
    alarms = false_alarms(settings) if CLASSES in areas else {}
    files = {
        "areas": _write_areas(folder / "areas.csv", areas, total, alarms),
        "agreement": _write_agreements(folder / "agreement.csv", agreements),
        "rates": _write_rows(folder / "rates.csv", _rate_rows(found)),
        **plot,
    }
    summary = {
        "name": settings.name,
        "area_km2": total,
        "areas_km2": areas,
        "false_alarms_percent": alarms,
        "agreement": [{"one": a.one, "other": a.other, "share": a.share, "kappa": a.kappa} for a in agreements],
        "maturity": maturity,
    }
    files["summary"] = _write_json(folder / "summary.json", summary)
    done, kept = tuple(record.done), tuple(record.kept)
    return Outcome(maps, areas, alarms, total, agreements, found, maturity, files, done, kept)


def false_alarms(settings: Settings) -> dict[str, dict[str, float]]:
    """Class -> {"by chance": percent of land that does not change, "drying": the same where moisture falls by 40 %}.

    Simulated with the years, the level of significance and the reading of the assessment.
    """
    given = settings.arguments("contingency")
    test = {name: given[name] for name in ("alpha", "reading") if name in given}
    years = max(round(settings.period.days / 365.2425), FEWEST_YEARS)
    found = {name: shares(world, years=years, **test) for name, world in (("by chance", UNCHANGED), ("drying", DRYING))}
    return {name: {world: found[world][name] for world in found} for name in found["by chance"]}


def _finest(maps: Mapping[str, Path]) -> Path:
    """The map with the most pixels, on whose grid all are counted."""

    def pixels(path: Path) -> int:
        rows, columns = counting.grid_of(path).shape
        return int(rows * columns)

    return max(maps.values(), key=pixels)


def _write_areas(
    path: Path,
    areas: Mapping[str, Mapping[str, float]],
    total: float,
    alarms: Mapping[str, Mapping[str, float]],
) -> Path:
    rows = [
        {
            **{"table": title, "class": name, "area_km2": value, "percent": 100 * value / total},
            "false_alarm_percent": alarms.get(name, {}).get("by chance", "") if title == CLASSES else "",
            "false_alarm_drying_percent": alarms.get(name, {}).get("drying", "") if title == CLASSES else "",
        }
        for title, table in areas.items()
        for name, value in table.items()
    ]
    return _write_rows(path, rows)


def _write_agreements(path: Path, agreements: Iterable[counting.Agreement]) -> Path:
    rows = [
        {"one": a.one, "other": a.other, "one_says": one, "other_says": other, "area_km2": value}
        for a in agreements
        for (one, other), value in a.areas.items()
    ]
    return _write_rows(path, rows)


def _rate_rows(found: Mapping[str, tuple[Rate, ...]]) -> list[dict[str, Any]]:
    return [{"by": by, **asdict(rate)} for by, several in found.items() for rate in several]


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else ["empty"])
        writer.writeheader()
        writer.writerows(rows)
    return part.replace(path)


def _write_json(path: Path, value: Any) -> Path:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(_finite(value), indent=2, allow_nan=False), "utf-8")
    return part.replace(path)


def _finite(value: Any) -> Any:
    """NaN is null."""
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value
