"""``drylands assess``: one TOML file to maps, areas and agreement."""

from math import isfinite
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from drylands_openeo import local
from drylands_openeo.assess import CLASSES, Outcome, Settings, assess
from drylands_openeo.cli.here import progress_bar
from drylands_openeo.cli.options import Quiet, Threads

SMALL = 1e-12
"""Areas below this [km2] are not shown."""

LONG = "2dRUE land condition"
"""A table for the file only."""


def run_assessment(
    settings: Annotated[Path, typer.Argument(help="Area, period, sources, products and options (TOML).")],
    out: Annotated[Path | None, typer.Option(help="Folder for the results; default: the file's name.")] = None,
    threads: Threads = None,
    quiet: Quiet = False,
) -> None:
    """Aridity, trends, MNPP classes, 2dRUE condition, RESTREND and drivers, their areas and how far they agree.

    A run that was stopped goes on where it was.
    """
    console = Console(highlight=False, soft_wrap=True, quiet=quiet)
    folder = out or settings.with_suffix("")
    with progress_bar(quiet) as progress:
        outcome = assess(Settings.read(settings), folder, workers=local.Workers(threads), progress=progress)
    show(outcome, console)


def show(outcome: Outcome, console: Console) -> None:
    """Print areas, agreement, rates, and what was written."""
    console.print(f"{outcome.total:,.1f} km2; computed: {_listed(outcome.done)}; kept: {_listed(outcome.kept)}\n")
    console.print(_areas(outcome))
    if outcome.agreements:
        console.print(_agreements(outcome))
    if outcome.rates:
        console.print(_rates(outcome))
    for key, path in {**outcome.maps, **outcome.files}.items():
        console.print(f"{key:>16}  {path}")


def _areas(outcome: Outcome) -> Table:
    table = _table("table", "class", "km2|", "%|", "% by chance, drying|")
    for title, classes in outcome.areas.items():
        first = title
        for name, area in classes.items():
            if area > SMALL and title != LONG:
                alarm = ", ".join(f"{share:.0f}" for share in outcome.alarms.get(name, {}).values())
                beside = alarm if title == CLASSES else ""
                table.add_row(first, name, f"{area:,.1f}", f"{100 * area / outcome.total:.1f}", beside)
                first = ""
    return table


def _agreements(outcome: Outcome) -> Table:
    table = _table("\nmethods", "\nsay the same [%]|", "\nkappa|")
    for found in outcome.agreements:
        table.add_row(f"{found.one} - {found.other}", f"{100 * found.share:.1f}", f"{found.kappa:.2f}")
    return table


def _rates(outcome: Outcome) -> Table:
    table = _table("\nrates by", "\ngroup", "\ndegrading km2|", "\nrecovering km2|", "\nshift (95 %)|", "\ndelta|")
    for by, several in outcome.rates.items():
        for rate in several:
            areas = (f"{rate.degrading_km2:,.0f}", f"{rate.recovering_km2:,.0f}")
            shift, delta = "-", "-"
            if isfinite(rate.shift):
                shift = f"{rate.shift:+.2f} ({rate.low:+.2f}..{rate.high:+.2f})"
                delta = f"{rate.delta:+.2f}"
            table.add_row(by, rate.group, *areas, shift, delta)
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title.removesuffix("|"), justify="right" if title.endswith("|") else "left", no_wrap=True)
    return table


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
