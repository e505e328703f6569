"""A picture of a library: reflectance of every spectrum against wavelength."""

from io import BytesIO
from pathlib import Path

from drylands_openeo.bands import BY_NAME
from drylands_openeo.endmembers.library import Library
from drylands_openeo.errors import SourceError

COLOURS = {"pv": "#2e7d32", "npv": "#c98a1b", "bare": "#8d5a3b"}
OTHERS = ("#1f77b4", "#7b3294", "#555555")


def plot(library: Library, path: Path | str) -> Path:
    """Draw the spectra of a library in Sentinel-2 bands as a PNG, one colour a class."""
    from matplotlib.figure import Figure  # half a second to import: spared to those who draw nothing

    path = Path(path)
    if path.suffix.lower() != ".png":
        raise SourceError(f"path: {str(path)!r}; a .png is needed")
    unknown = [band for band in library.bands if band not in BY_NAME]
    if unknown:
        raise SourceError(f"bands: {unknown} are none of {list(BY_NAME)}, so that they have no known wavelength")
    order = sorted(range(len(library.bands)), key=lambda place: BY_NAME[library.bands[place]].centre)
    centres = [BY_NAME[library.bands[place]].centre for place in order]
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    axes, seen = figure.add_subplot(), dict[str, str]()
    for cover, spectrum in zip(library.classes, library.spectra, strict=True):
        colour = seen.get(cover) or COLOURS.get(cover) or OTHERS[len(seen) % len(OTHERS)]
        label = None if cover in seen else cover
        seen[cover] = colour
        axes.plot(centres, spectrum[order], "o-", color=colour, label=label, linewidth=1.2, markersize=3, alpha=0.8)
    axes.set(xlabel="wavelength [nm]", ylabel="reflectance", ylim=(0, None))
    axes.legend(frameon=False)
    content = BytesIO()
    figure.savefig(content, format="png")
    path.write_bytes(content.getvalue())
    return path
