"""``drylands demo``: the generated world, its map, and truth beside result."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from drylands_openeo.cli.run import progress_bar
from drylands_openeo.demo import Line, Report, demonstrate

SHOWN = (("mean", "{:.3f}"), ("amplitude", "{:.3f}"), ("peak_day", "{:.0f}"), ("trend", "{:+.3f}"))


def run_demo(
    out: Annotated[Path, typer.Option(help="Folder; what an earlier demo left there is replaced.")] = Path(
        "drylands-demo"
    ),
    seed: Annotated[int, typer.Option(help="Another seed is another world.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors are printed.")] = False,
) -> None:
    """Generate a small dryland world with a known truth, map it, and print result beside truth. No network."""
    for part in ("world", "maps"):
        shutil.rmtree(out / part, ignore_errors=True)
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
