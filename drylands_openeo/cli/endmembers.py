"""``drylands endmembers``: spectra of pure cover, shown, drawn, and made."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from drylands_openeo.bands import BY_NAME
from drylands_openeo.endmembers import Library, from_image, from_spectrometer, plot, written
from drylands_openeo.errors import DrylandsError
from drylands_openeo.products.fractional_cover import BANDS, library_of

app = typer.Typer(help="Spectra of pure cover: show, plot, build.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="all, earthlib, emit, or a CSV file.")]


@app.command("show")
def show(library: Name = "all") -> None:
    """List the spectra of a library, with its citation and licence."""
    chosen = library_of(library)
    table = Table(box=None, pad_edge=False)
    for title in ("class", "name", *chosen.bands):
        table.add_column(title, justify="left" if title in ("class", "name") else "right", no_wrap=True)
    for cover, name, spectrum in zip(chosen.classes, chosen.names, chosen.spectra, strict=True):
        table.add_row(cover, name, *(f"{value:.3f}" for value in spectrum))
    console = Console(highlight=False, soft_wrap=True, width=160)
    console.print(table)
    for title, note in (("citation", chosen.citation), ("licence", chosen.licence)):
        if note:
            console.print(f"{title}: {note}", markup=False)


@app.command("plot")
def draw(
    library: Name = "all",
    out: Annotated[Path, typer.Option(help="The picture (.png).")] = Path("endmembers.png"),
) -> None:
    """Draw the spectra of a library."""
    typer.echo(plot(library_of(library), out))


@app.command("build")
def build(
    out: Annotated[Path, typer.Option(help="The library to write (.csv).")],
    spectra: Annotated[Path | None, typer.Option(help="CSV: class, name, one column a wavelength [nm].")] = None,
    image: Annotated[Path | None, typer.Option(help="GeoTIFF with named bands of reflectance.")] = None,
    polygons: Annotated[Path | None, typer.Option(help="GeoJSON of pure cover on the image.")] = None,
    key: Annotated[str, typer.Option(help="Property of a polygon that is its class.")] = "class",
    scale: Annotated[float, typer.Option(help="Reflectance per value of the image.")] = 1.0,
    citation: Annotated[str, typer.Option(help="Kept with the library.")] = "",
    licence: Annotated[str, typer.Option(help="Kept with the library.")] = "",
) -> None:
    """Make a library in Sentinel-2 bands from spectra of one's own, or from polygons on an image."""
    notes = {"citation": citation, "licence": licence}
    if spectra is not None and image is None and polygons is None:
        response = {name: (BY_NAME[name].centre, BY_NAME[name].width) for name in BANDS}
        library = from_spectrometer(spectra, response, **notes)
    elif spectra is None and image is not None and polygons is not None:
        library = from_image(image, _geojson(polygons), key=key, scale=scale, **notes)
    else:
        raise DrylandsError("give either --spectra, or --image with --polygons")
    _write(library, out)


def _write(library: Library, out: Path) -> None:
    if out.suffix.lower() != ".csv":
        raise DrylandsError(f"--out is {str(out)!r}; a .csv is needed")
    out.write_text(written(library), "utf-8")
    typer.echo(f"{out}: {len(library.names)} spectra of {', '.join(dict.fromkeys(library.classes))}")


def _geojson(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DrylandsError(f"--polygons {str(path)!r} cannot be read as GeoJSON: {error}") from error
    if not isinstance(content, dict):
        raise DrylandsError(f"--polygons {str(path)!r} is not a GeoJSON FeatureCollection")
    return content
