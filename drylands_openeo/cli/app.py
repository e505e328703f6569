"""The program ``drylands``: its commands, and how a user's mistake is told."""

import sys
import warnings
from typing import TextIO

import typer
from rasterio.errors import NotGeoreferencedWarning
from rich.console import Console

from drylands_openeo.cli import (
    assess,
    carbon,
    catalogue,
    check,
    demo,
    drought,
    efast,
    endmembers,
    graph,
    range,
    run,
    search,
    serve,
    stac_build,
    train,
)
from drylands_openeo.errors import DrylandsError

FAILED = 1
"""Exit code of a run that failed for a reason that the user can mend; 2 is a command line that is not understood."""

app = typer.Typer(
    help="Land-degradation surveillance of drylands: from a STAC search to a map, by openEO process graphs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("products")(catalogue.products)
app.command("search")(search.search_items)
app.command("graph")(graph.write_graph)
app.command("efast")(efast.write_efast)
app.command("check")(check.check_graph)
app.command("run")(run.run_graph)
app.command("stac-build")(stac_build.build_stac)
app.command("drought")(drought.drought)
app.command("areas")(drought.areas)
app.command("assess")(assess.run_assessment)
app.command("range")(range.grey_range)
app.add_typer(endmembers.app, name="endmembers")
app.command("sample")(train.sample_products)
app.command("train")(train.train_model)
app.command("cover-carbon")(carbon.cover_carbon)
app.command("soc-change")(carbon.change_of_carbon)
app.command("demo")(demo.run_demo)
app.command("serve")(serve.serve)


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 1, never a traceback."""
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
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
