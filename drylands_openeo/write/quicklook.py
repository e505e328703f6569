"""Pictures of maps for people: one band, its colours, its scale."""

import re
from dataclasses import dataclass
from io import BytesIO
from math import floor, log10, pi
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray

from drylands_openeo.errors import DrylandsError
from drylands_openeo.write.bands import checked_target

if TYPE_CHECKING:  # half a second to import: a run without pictures is spared it
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Float = NDArray[np.floating[Any]]
LARGEST = 1200
"""Pixels of the picture's longer side at most; larger maps are read from their overviews."""


@dataclass(frozen=True)
class Style:
    """How a quantity is coloured.

    "sequential" stretches from the 2nd to the 98th percentile; "diverging" does so symmetrically about 0; "cyclic"
    spans one whole turn, ``limits``.
    """

    kind: Literal["sequential", "diverging", "cyclic"]
    colours: str
    limits: tuple[float, float] | None = None


STYLES = (
    (r"phase", Style("cyclic", "twilight", (-pi, pi))),
    (r"peak|doy|day_of", Style("cyclic", "twilight", (0.0, 365.25))),
    (r"trend|slope|change|anomaly|difference|residual|sin\d*$|cos\d*$|correlation", Style("diverging", "BrBG")),
    (r"rmse|error|deviation|uncertainty", Style("sequential", "magma")),
    (r"count|clear|number", Style("sequential", "cividis")),
)
"""The first pattern found in a band's name decides; any other quantity is a sequential one in viridis.

viridis, cividis, magma and twilight are perceptually uniform; BrBG (ColorBrewer) shows loss brown and gain green.
"""


def style_of(name: str) -> Style:
    """The style of a band by its name.

    >>> style_of("trend").colours, style_of("phase1").kind, style_of("ndvi").colours
    ('BrBG', 'cyclic', 'viridis')
    """
    found = (style for pattern, style in STYLES if re.search(pattern, name.lower()))
    return next(found, Style("sequential", "viridis"))


@dataclass(frozen=True)
class Picture:
    """What is drawn: values (y, x), their outer edges (west, east, south, north), and the words beside them."""

    values: Float
    extent: tuple[float, float, float, float]
    name: str
    unit: str
    crs: str
    geographic: bool


def quicklook(
    path: str | Path,
    source: str | Path | xr.DataArray,
    *,
    band: int | str = 1,
    title: str = "",
    style: Style | None = None,
    overwrite: bool = False,
) -> Path:
    """Draw one band of a GeoTIFF (by number from 1, or by name), or a (y, x) array with a grid, as a PNG.

    Units come from the file's or the array's metadata. A large map is read from its overviews, never whole.
    """
    path = checked_target(path, suffix=".png", overwrite=overwrite)
    picture = _of_array(source) if isinstance(source, xr.DataArray) else _of_file(Path(source), band)
    style = style or style_of(picture.name)
    figure = _drawn(picture, style, title or picture.name)
    content = BytesIO()
    figure.savefig(content, format="png")
    path.write_bytes(content.getvalue())
    return path


def limits(values: Float, style: Style) -> tuple[float, float]:
    """The values at the ends of the colour bar.

    >>> limits(np.array([-1.0, np.nan, 4.0]), Style("cyclic", "twilight", (-3.0, 3.0)))
    (-3.0, 3.0)
    >>> limits(np.full(3, 2.0), Style("diverging", "BrBG"))
    (-2.0, 2.0)
    """
    known = values[np.isfinite(values)]
    if style.limits is not None:
        return style.limits
    if known.size == 0:
        return (0.0, 1.0)
    if style.kind == "diverging":
        reach = float(np.percentile(np.abs(known), 98)) or 1.0
        return (-reach, reach)
    low, high = (float(value) for value in np.percentile(known, (2, 98)))
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _of_file(path: Path, band: int | str) -> Picture:
    with rasterio.open(path) as source:
        names = [name or str(index) for index, name in enumerate(source.descriptions, start=1)]
        index = band if isinstance(band, int) else names.index(band) + 1 if band in names else 0
        if not 1 <= index <= source.count:
            raise DrylandsError(f"band {band!r} is not in {path.name!r}; it has {names}")
        shrink = max(1.0, max(source.shape) / LARGEST)
        shape = tuple(max(1, round(side / shrink)) for side in source.shape)
        values = source.read(index, out_shape=shape, masked=True).astype(np.float32).filled(np.nan)
        west, south, east, north = source.bounds
        unit = source.units[index - 1] or ""
        crs = source.crs
    extent = (west, east, south, north)
    return Picture(values, extent, names[index - 1], unit, crs.to_string(), bool(crs.is_geographic))


def _of_array(array: xr.DataArray) -> Picture:
    grid = array.odc.geobox
    if array.ndim != 2 or grid is None:
        raise DrylandsError(f"array with dims {array.dims} is not (y, x) on a grid with a CRS")
    step = max(1, -(-max(array.shape) // LARGEST))
    west, south, east, north = grid.boundingbox.bbox
    values = np.asarray(array[::step, ::step].values, np.float32)
    name, unit = str(array.name or ""), str(array.attrs.get("units", ""))
    return Picture(values, (west, east, south, north), name, unit, str(grid.crs), bool(grid.crs.geographic))


def _drawn(picture: Picture, style: Style, title: str) -> "Figure":
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    west, east, south, north = picture.extent
    factor = 1.0 if picture.geographic else 1e-3
    aspect = (north - south) / (east - west)
    figure = Figure(figsize=(7.2, min(12.0, max(3.0, 5.4 * aspect + 1.0))), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    axes.patch.set(facecolor="white", edgecolor="0.75", hatch="////")  # no data: no colour of any map
    low, high = limits(picture.values, style)
    image = axes.imshow(
        picture.values, colormaps[style.colours], vmin=low, vmax=high, interpolation="nearest",
        extent=(west * factor, east * factor, south * factor, north * factor),
    )  # fmt: skip
    label = picture.name + (f" [{picture.unit}]" if picture.unit not in ("", "1") else "")
    clipped = "neither" if style.kind == "cyclic" else _clipped(picture.values, low, high)
    figure.colorbar(image, ax=axes, label=label, extend=clipped, shrink=0.8)
    axes.set_title(title, loc="left", fontsize=11)
    across, along = ("longitude [°]", "latitude [°]") if picture.geographic else ("easting [km]", "northing [km]")
    axes.set_xlabel(f"{across}, {picture.crs}")
    axes.set_ylabel(along)
    axes.ticklabel_format(useOffset=False)
    axes.locator_params(nbins=5)
    if not picture.geographic:
        _scale_bar(axes, west * factor, south * factor, (east - west) * factor, (north - south) * factor)
    return figure


def _clipped(values: Float, low: float, high: float) -> Literal["neither", "min", "max", "both"]:
    known = values[np.isfinite(values)]
    below, above = bool((known < low).any()), bool((known > high).any())
    return "both" if below and above else "min" if below else "max" if above else "neither"


def _scale_bar(axes: "Axes", west: float, south: float, width: float, height: float) -> None:
    """About a fifth of the width, in kilometres."""
    from matplotlib.patheffects import withStroke

    length = _round_length(width / 5)
    x, y = west + 0.04 * width, south + 0.04 * height
    halo = [withStroke(linewidth=4, foreground="white")]
    axes.plot([x, x + length], [y, y], color="black", linewidth=2, path_effects=halo, solid_capstyle="butt")
    text = f"{length:g} km" if length >= 1 else f"{length * 1000:g} m"
    axes.text(x + length / 2, y + 0.015 * height, text, ha="center", va="bottom", path_effects=halo, fontsize=9)


def _round_length(length: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not longer.

    >>> [_round_length(length) for length in (0.9, 1.0, 3.7, 74)]
    [0.5, 1.0, 2.0, 50.0]
    """
    power = 10.0 ** floor(log10(length))
    return max(step * power for step in (1, 2, 5) if step * power <= length * (1 + 1e-9))
