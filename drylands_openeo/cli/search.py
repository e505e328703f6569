"""``drylands search``: which scenes there are."""

from pathlib import Path
from typing import Annotated

import pystac
import typer
from rich.console import Console
from rich.table import Table

from drylands_openeo.area import Period
from drylands_openeo.cli.options import AreaFile, Bbox, CloudCover, PeriodText, Source, Where, area_of, needed
from drylands_openeo.stac import search

SHOWN = 40


def search_items(
    source: Source = None,
    bbox: Bbox = None,
    area: AreaFile = None,
    period: PeriodText = None,
    collection: Annotated[
        str, typer.Option(help="Role (sentinel-2-l2a, dem, land-cover, ...) or id.")
    ] = "sentinel-2-l2a",
    cloud_cover: CloudCover = None,
    where: Where = None,
    out: Annotated[Path | None, typer.Option(help="Write the items as an ItemCollection (JSON).")] = None,
) -> None:
    """Search a STAC source; duplicates are removed, split datatakes are kept."""
    items = search(
        needed(source, "--source"),
        area=needed(area_of(bbox, area), "--bbox or --area"),
        period=None if period is None else Period.of(period),
        collection=collection,
        max_cloud_cover=cloud_cover,
        where=where,
    )
    if out is not None:
        pystac.ItemCollection(items).save_object(str(out))
    _show(items)


def _show(items: list[pystac.Item]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("time", "item", "cloud [%]"):
        table.add_column(title, no_wrap=title != "item")
    for item in items[:SHOWN]:
        cover = item.properties.get("eo:cloud_cover")
        moment = item.datetime or item.properties.get("start_datetime", "")
        table.add_row(str(moment)[:16], item.id, "" if cover is None else f"{cover:.1f}")
    console = Console()
    console.print(table)
    more = len(items) - SHOWN
    console.print(f"{len(items)} items" + (f", {more} not shown" if more > 0 else ""), highlight=False)
