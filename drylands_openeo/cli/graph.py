"""``drylands graph``: a product as process-graph JSON."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drylands_openeo.cli.options import AreaFile, Bbox, Parameters, PeriodText, area_of, needed, parameters_of
from drylands_openeo.errors import DrylandsError
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile


class Form(StrEnum):
    """What is written."""

    udp = "udp"
    flat = "flat"


def write_graph(
    product: Annotated[str, typer.Argument(help="A product; see 'drylands products'.")],
    backend: Annotated[str, typer.Option(help="Whose collections and bands: local or cdse.")] = "cdse",
    form: Annotated[
        Form, typer.Option("--as", help="A user-defined process, or a graph with every value filled in.")
    ] = Form.udp,
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    param: Parameters = None,
    out: Annotated[Path | None, typer.Option(help="Write to a file instead of printing.")] = None,
) -> None:
    """Write a product's process graph, as a back-end takes it."""
    chosen, profile = get_product(product), get_profile(backend)
    if form is Form.udp:
        if param or bbox or area or period:
            raise DrylandsError(
                "a user-defined process leaves area, period and parameters open; use --as flat to fill them"
            )
        content = chosen.udp(profile)
    else:
        content = chosen.flat_graph(
            profile,
            spatial_extent=needed(area_of(bbox, area), "--bbox or --area"),
            temporal_extent=needed(period, "--period"),
            **parameters_of(param),
        )
    text = json.dumps(content, indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8")
