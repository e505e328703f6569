"""The commands by name. Each one's module is imported when it is called: none waits for the libraries of the others.

Contexts and commands are Any: they are click's classes or, in newer typer, its own private ones.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True)
class Entry:
    """Where a command is: ``module`` of this package, its ``function`` or Typer application; ``text`` for --help."""

    module: str
    function: str
    text: str

    def load(self, name: str) -> Any:
        """The command itself."""
        found = getattr(import_module(f"drylands_openeo.cli.{self.module}"), self.function)
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        single.command(name)(found)
        return typer.main.get_command(single)


COMMANDS = {
    "products": Entry("catalogue", "products", "what can be computed"),
    "search": Entry("search", "search_items", "the scenes of a STAC source, each once"),
    "run": Entry("run", "run_graph", "a product or a graph, here or at a back-end"),
    "graph": Entry("graph", "write_graph", "a product as process-graph JSON"),
    "check": Entry("check", "check_graph", "what a back-end will refuse, before it does"),
    "assess": Entry("assess", "run_assessment", "one file to maps, tables of areas, agreement"),
    "drought": Entry("drought", "drought", "area and intensity of drought, and their trends"),
    "areas": Entry("drought", "areas", "area of each class of a map [km2]"),
    "response": Entry("response", "response", "vegetation's response to drought by land cover"),
    "sample": Entry("train", "sample_products", "the bands of a product at plots"),
    "train": Entry("train", "train_model", "a regression, validated in space, with its card"),
    "range": Entry("range", "grey_range", "grey levels of a region, for texture"),
    "endmembers": Entry("endmembers", "app", "spectra of pure cover: show, plot, build"),
    "cover-carbon": Entry("carbon", "cover_carbon", "soil organic matter against cover, by type"),
    "soc-change": Entry("carbon", "change_of_carbon", "change of soil carbon with its uncertainty"),
    "stac-build": Entry("stac_build", "build_stac", "own rasters as a STAC collection"),
    "efast": Entry("efast", "write_efast", "a graph that calls the published fusion on CDSE"),
    "serve": Entry("serve", "serve", "the engine as an openEO back-end"),
    "demo": Entry("demo", "run_demo", "a generated world: search to map, result against truth"),
}


class Commands(TyperGroup):
    """The group of COMMANDS."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, imported now; None where there is none."""
        return COMMANDS[cmd_name].load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """What --help lists, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.text) for name, entry in COMMANDS.items()])
