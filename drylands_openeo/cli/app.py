"""The program ``drylands``: its commands, and how a user's mistake is told."""

import sys
import warnings
from typing import TextIO

import typer
from rich.console import Console

from drylands_openeo.cli.commands import Commands
from drylands_openeo.errors import DrylandsError

FAILED = 1
"""Exit code of a run that failed for a reason that the user can mend; 2 is a command line that is not understood."""

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def drylands() -> None:
    """Land-degradation surveillance of drylands: from a STAC search to a map, by openEO process graphs."""


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 1, never a traceback."""
    warnings.filterwarnings("ignore", message="Dataset has no geotransform")
    warnings.showwarning = _show_warning
    try:
        app()
    except DrylandsError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", style="red", markup=False)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Our own warnings are for the user, in one line; those of libraries are for developers."""
    if category.__module__.startswith("drylands_openeo"):
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"warning: {message}", style="yellow", markup=False)
