"""``drylands check``: what a process graph gets wrong, before it is sent."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drylands_openeo.check import Finding, Size, check, size_of
from drylands_openeo.cli.options import Backend, StacOf, profile_of, read_graph


def check_graph(
    graph: Annotated[Path, typer.Argument(help="A process graph or user-defined process (JSON file).")],
    backend: Backend = "cdse",
    stac: StacOf = None,
) -> None:
    """Check a process graph for a back-end. Exit code 1 where there is an error; warnings may be meant.

    Nothing is sent and nothing of the graph is run.
    """
    content, profile = read_graph(graph), profile_of(backend, stac)
    findings = check(content, profile)
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        _show(console, finding)
    errors = sum(finding.severity == "error" for finding in findings)
    console.print(f"{profile.title}: {errors} errors, {len(findings) - errors} warnings")
    for line in described(size_of(content, profile)):
        console.print(line)
    raise typer.Exit(1 if errors else 0)


def described(size: Size) -> list[str]:
    """What a run reads and costs, in words.

    >>> described(Size((), True, 6, 2.0))
    ['reads nothing from a collection']
    """
    if not size.loads:
        return [
            "reads nothing from a collection" if size.complete else "area or period is open: no estimate of the size"
        ]
    rest = "" if size.complete else " (without the loads whose area or period is open)"
    lines = [f"reads about {size.pixels:.1e} pixels{rest}"]
    if size.batch_credits is not None:
        lines.append(f"costs {size.sync_credits:g} credits in one call, very roughly {size.batch_credits:.0f} as a job")
    return lines


def _show(console: Console, finding: Finding) -> None:
    style = "red" if finding.severity == "error" else "yellow"
    console.print(str(finding), style=style, markup=False)
    console.print(f"    {finding.why}\n    {finding.mend}", markup=False)
