"""``drylands efast``: the graph that calls the published fusion process on CDSE."""

import json
from pathlib import Path
from typing import Annotated

import typer

from drylands_openeo.cli.options import AreaFile, Bbox, PeriodText, area_of, needed
from drylands_openeo.products.efast import efast_graph


def write_efast(
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    wanted: Annotated[
        str | None, typer.Option(help="Period of the result; default: all but two days at its ends.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Days between two dates of the result.")] = 10,
    out: Annotated[Path | None, typer.Option(help="Write to a file instead of printing.")] = None,
) -> None:
    """Write a graph that calls the published `efast` process, the alternative to `fusion` on CDSE; run it there."""
    graph = efast_graph(
        spatial_extent=needed(area_of(bbox, area), "--bbox or --area"),
        temporal_extent=needed(period, "--period"),
        wanted=wanted,
        interval_days=every,
    )
    text = json.dumps(graph, indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8")
