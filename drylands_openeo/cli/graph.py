"""``drylands graph``: a product as process-graph JSON."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from drylands_openeo.catalogue import snippet
from drylands_openeo.cli.options import (
    AreaFile,
    Backend,
    Bbox,
    Drylands,
    Parameters,
    PeriodText,
    StacOf,
    area_of,
    needed,
    parameters_of,
    profile_of,
)
from drylands_openeo.errors import DrylandsError
from drylands_openeo.products import get_product
from drylands_openeo.products.aridity import within_drylands


class Form(StrEnum):
    """What is written."""

    udp = "udp"
    flat = "flat"
    code = "code"


def write_graph(
    product: Annotated[str, typer.Argument(help="A product; see 'drylands products'.")],
    backend: Backend = "cdse",
    form: Annotated[
        Form,
        typer.Option(
            "--as",
            help="udp: a user-defined process; flat: a graph with every value filled in; code: Python for the plain "
            "openEO client that builds and runs the same graph.",
        ),
    ] = Form.udp,
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    param: Parameters = None,
    stac: StacOf = None,
    drylands: Drylands = None,
    out: Annotated[Path | None, typer.Option(help="Write to a file instead of printing.")] = None,
) -> None:
    """Write a product's process graph, as a back-end takes it. In a user-defined process --param fixes a parameter."""
    chosen, profile, arguments = get_product(product), profile_of(backend, stac), parameters_of(param)
    if form is Form.udp:
        if bbox or area or period or drylands:
            raise DrylandsError("a user-defined process leaves area and period open; use --as flat to fill them")
        text = json.dumps(chosen.udp(profile, **arguments), indent=2)
    else:
        chosen = chosen if drylands is None else within_drylands(chosen, drylands)
        flat = chosen.flat_graph(
            profile,
            spatial_extent=needed(area_of(bbox, area), "--bbox or --area"),
            temporal_extent=needed(period, "--period"),
            **arguments,
        )
        options = chosen.options(profile, flat)
        text = (
            json.dumps(flat, indent=2)
            if form is Form.flat
            else snippet(flat, profile, name=chosen.id, job_options=options)
        )
    text += "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8")
