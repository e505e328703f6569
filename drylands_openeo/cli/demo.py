"""``drylands demo``: the generated world, its map, and truth beside result."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from drylands_openeo import demo_degradation
from drylands_openeo.assess.legends import VERDICTS
from drylands_openeo.cli.drought import trend_table
from drylands_openeo.cli.here import progress_bar
from drylands_openeo.demo import Line, Report, demonstrate
from drylands_openeo.demo_climate import ClimateReport, demonstrate_climate
from drylands_openeo.errors import DrylandsError

SHOWN = (("mean", "{:.3f}"), ("amplitude", "{:.3f}"), ("peak_day", "{:.0f}"), ("trend", "{:+.3f}"))


def run_demo(
    out: Annotated[Path, typer.Option(help="Folder; what an earlier demo left there is replaced.")] = Path(
        "drylands-demo"
    ),
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 0,
    retrievals: Annotated[
        bool, typer.Option("--retrievals", help="Cover, texture, soil carbon and biomass instead of the season.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors are printed.")] = False,
) -> None:
    """Generate a small dryland world with a known truth, map it, and print result beside truth. No network."""
    for part in ("world", "maps", "degradation"):
        shutil.rmtree(out / part, ignore_errors=True)
    if retrievals:
        _run_retrievals(out, seed, quiet)
        return
    with progress_bar(quiet) as progress:
        report = demonstrate(out, seed=seed, progress=progress)
        climate = demonstrate_climate(out, seed=seed, progress=progress)
        comparison = demo_degradation.demonstrate(out / "degradation", seed=seed, progress=progress)
    if not quiet:
        show(report)
        show_climate(climate)
        show_degradation(comparison)


def show(report: Report) -> None:
    """Print the report."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{report.delivered} items in the catalogue, {report.scenes} scenes after duplicates\n")
    console.print(_table(report.lines))
    console.print(
        f"\ntrend of NDVI, pixel by pixel: r = {report.correlation:.3f}, rmse = {report.error:.4f} per year"
        f"\n{report.seconds:.0f} s, from generating the world to this line\n"
    )
    for key, path in report.files.items():
        console.print(f"{key:>20}  {path}")


def show_climate(report: ClimateReport) -> None:
    """Print aridity and drought beside what was planted."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("aridity, 1950-2009")
    table.add_column("true|found km2", justify="right")
    for name, (true, found) in report.classes.items():
        table.add_row(name, f"{true:,.0f}|{found:,.0f}")
    console.print("\n", table)
    years = ", ".join(f"{year} {true:.0f}|{found:.0f}" for year, (true, found) in report.droughts.items())
    console.print(f"\narea in drought [%], planted|found: {years}; median of other years {report.usual:.0f}\n")
    console.print(trend_table(report.drought))
    console.print(
        f"\ndrying of scPDSI that stands (false-discovery rate 5 %): {report.detected:.0f} % of the pixels made drier, "
        f"{report.false:.0f} % of the others\n"
    )
    for key, path in report.files.items():
        console.print(f"{key:>20}  {path}")


def show_degradation(comparison: demo_degradation.Comparison) -> None:
    """Print what each method says of the planted degradation, and to what it is ascribed."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        "\nAn assessment of twenty years with planted degradation; what each method says of the pixels:"
        "\n% degrading | no change | improving\n"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("planted", no_wrap=True)
    for confusion in comparison.confusions:
        table.add_column(confusion.method, justify="right", no_wrap=True)
    for truth in comparison.confusions[0].percent:
        rows = [confusion.percent[truth] for confusion in comparison.confusions]
        table.add_row(truth, *("|".join(f"{row[name]:.0f}" for name in VERDICTS.values()) for row in rows))
    console.print(table)
    ascribed = ", ".join(f"{truth} {percent:.0f} %" for truth, percent in comparison.ascribed.items())
    console.print(f"\nascribed to the right cause by the MNPP table: {ascribed}")
    console.print(f"{comparison.seconds:.0f} s\n")
    for key, path in comparison.outcome.files.items():
        console.print(f"{key:>20}  {path}")


def _table(lines: tuple[Line, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("true|found")
    for title in ("ha", "mapped", "mean NDVI", "amplitude", "peak day", "trend a year"):
        table.add_column(title, justify="right", no_wrap=True)
    for line in lines:
        pairs = [
            f"{form.format(line.truth[name])}|{form.format(line.result[name])}" if name in line.truth else "-"
            for name, form in SHOWN
        ]
        table.add_row(line.patch, f"{line.area:.0f}", f"{line.clear:.0%}", *pairs)
    return table


def _run_retrievals(out: Path, seed: int, quiet: bool) -> None:
    try:
        from drylands_openeo.demo_retrievals import demonstrate_retrievals
    except ImportError as error:
        raise DrylandsError(f"--retrievals needs {error.name}: pip install 'drylands-openeo[train]'") from None
    with progress_bar(quiet) as progress:
        found = demonstrate_retrievals(out, seed=seed, progress=progress)
    if not quiet:
        show_retrievals(found)


def show_retrievals(found: Any) -> None:
    """Print what was retrieved beside the truth."""
    console = Console(highlight=False, soft_wrap=True)
    cover = Table(box=None, pad_edge=False)
    cover.add_column("true|found [%]")
    for title in ("green", "dry", "bare"):
        cover.add_column(title, justify="right")
    for line in found.cover:
        pairs = [f"{100 * line.truth[name]:.0f}|{100 * line.result[name]:.0f}" for name in ("pv", "npv", "bare")]
        cover.add_row(line.patch, *pairs)
    console.print(cover)
    errors = ", ".join(f"{name} {100 * value:.1f}" for name, value in found.cover_error.items())
    console.print(f"rmse [%], pixel by pixel: {errors}")
    console.print(f"texture: patches ranked by planted grain and by 1 - homogeneity: r = {found.texture:.2f}\n")
    models = Table(box=None, pad_edge=False)
    for title in ("model", "R2 random", "R2 space", "R2 map", "rmse map", "applicable", "truth in 90 %"):
        models.add_column(title, justify="left" if title == "model" else "right")
    for one in found.regressions:
        random, space = (validation.metrics.r2 for validation in one.trained.validations)
        figures = (f"{random:.2f}", f"{space:.2f}", f"{one.r2:.2f}", f"{one.rmse:.2g} {one.unit}")
        models.add_row(
            f"{one.target} {one.trained.card['model']}", *figures, f"{one.applicable:.0%}", f"{one.covered:.0%}"
        )
    console.print(models)
    console.print(f"{found.seconds:.0f} s, from generating the world to this line\n")
    for key, path in found.files.items():
        console.print(f"{key:>20}  {path}")
