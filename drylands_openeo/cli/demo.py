"""``drylands demo``: the generated world, its map, and truth beside result."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from drylands_openeo.cli.run import progress_bar
from drylands_openeo.demo import Line, Report, demonstrate
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
    for part in ("world", "maps"):
        shutil.rmtree(out / part, ignore_errors=True)
    if retrievals:
        _run_retrievals(out, seed, quiet)
        return
    with progress_bar(quiet) as progress:
        report = demonstrate(out, seed=seed, progress=progress)
    if not quiet:
        show(report)


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
