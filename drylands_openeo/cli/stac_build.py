"""``drylands stac-build``: a STAC collection of one's own rasters."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drylands_openeo.stacbuild import build


def build_stac(
    folder: Annotated[Path, typer.Argument(help="Folder of GeoTIFFs or CF-netCDF files, sub-folders too.")],
    id: Annotated[str, typer.Option(help="The collection's id, e.g. my-rain.")],
    out: Annotated[Path, typer.Option(help="Folder of the STAC; it must not exist.")] = Path("stac"),
    title: Annotated[str, typer.Option(help="What people see.")] = "",
    description: Annotated[str, typer.Option(help="What the data are, and where from.")] = "",
    license: Annotated[str, typer.Option(help="SPDX id, or other.")] = "other",
    pattern: Annotated[
        str | None,
        typer.Option(
            help="Regular expression that finds groups year, month, day, yearday, hour, minute, band in a file's name."
        ),
    ] = None,
    bands: Annotated[str | None, typer.Option(help="Names of the bands of each GeoTIFF, in order: a,b,c.")] = None,
    crs: Annotated[str | None, typer.Option(help="Projection of files that tell none, e.g. EPSG:4326.")] = None,
    href: Annotated[str | None, typer.Option(help="Address under which FOLDER is served; default: relative.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """Describe climate, NPP or other rasters of your own as STAC, fit for load_stac.

    GeoTIFFs stay where they are. netCDF files are taken apart into GeoTIFFs, one a variable and date.
    """
    names = tuple(name.strip() for name in bands.split(",")) if bands else ()
    built = build(
        folder, out, id=id, title=title, description=description, license=license, pattern=pattern, bands=names,
        crs=crs, href=href, overwrite=overwrite,
    )  # fmt: skip
    Console(highlight=False, soft_wrap=True).print(
        f"{built.path}\n{built.items} items, bands: {', '.join(built.bands)}", markup=False
    )
