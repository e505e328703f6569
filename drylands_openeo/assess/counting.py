"""Areas of classes and agreement of methods, over an area of interest, window by window.

Every pixel whose centre lies in the area is in exactly one class of each table, so that each adds up to the same area.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.features import geometry_mask
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from shapely import transform

from drylands_openeo.area import Area
from drylands_openeo.assess.legends import NO_DATA, VERDICTS, Bands, Legend
from drylands_openeo.engine.tiles import tiles
from drylands_openeo.errors import DrylandsError
from drylands_openeo.statistics.areas import cell_areas

EDGE = 1024
"""Pixels of a window's side."""

Table = dict[str, float]


@dataclass(frozen=True)
class Part:
    """A window of the counting grid: its pixels' areas [km2], 0 outside the area of interest."""

    row: int
    column: int
    window: GeoBox
    areas: NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Two methods: area [km2] by what each says, the share that both say alike, and Cohen's kappa.

    Share and kappa are of the area on which both say something; NaN where there is none.
    """

    one: str
    other: str
    areas: Mapping[tuple[str, str], float]
    share: float
    kappa: float


def grid_of(path: Path) -> GeoBox:
    """The grid of a map."""
    with rasterio.open(path) as source:
        return GeoBox(source.shape, source.transform, source.crs)


def parts(grid: GeoBox, area: Area) -> Iterator[Part]:
    """The windows of a grid that hold pixels of the area."""
    to_grid = Transformer.from_crs("EPSG:4326", str(grid.crs), always_xy=True).transform
    shape = transform(area.geometry.segmentize(0.1), lambda place: np.stack(to_grid(*place.T), axis=1))
    for tile in tiles(grid, EDGE):
        inside = geometry_mask([shape], tuple(tile.window.shape), tile.window.affine, invert=True)
        if inside.any():
            yield Part(tile.row, tile.column, tile.window, np.where(inside, cell_areas(tile.window), 0.0))


def read(path: Path, names: Sequence[str], part: Part, grid: GeoBox) -> Bands:
    """Bands of a map on a window of the counting grid, each (y, x); a map of another grid by the nearest pixel."""
    with rasterio.open(path) as source:
        numbers = [source.descriptions.index(name) + 1 for name in names]
        rows, columns = part.window.shape
        place = Window(part.column, part.row, columns, rows)
        aim = {"crs": str(grid.crs), "transform": grid.affine, "width": grid.shape[1], "height": grid.shape[0]}
        with WarpedVRT(source, resampling=rasterio.enums.Resampling.nearest, **aim) as warped:
            values = warped.read(numbers, window=place, masked=True).astype(np.float64).filled(np.nan)
    return dict(zip(names, values, strict=True))


def class_areas(legend: Legend, path: Path, grid: GeoBox, area: Area) -> Table:
    """Area [km2] of each class, in the order of the legend, and of "no data"."""
    names = {**legend.names, NO_DATA: "no data"}
    total = dict.fromkeys(names, 0.0)
    for part in parts(grid, area):
        codes = legend.codes(read(path, legend.bands, part, grid))
        for code in np.unique(codes[part.areas > 0]).tolist():
            if code not in total:
                raise DrylandsError(f"map {str(path)!r} holds {code}, which is no class of {legend.title!r}")
            total[code] += float(part.areas[codes == code].sum())
    return {names[code]: value for code, value in total.items()}


def agreements(methods: Mapping[Legend, Path], grid: GeoBox, area: Area) -> list[Agreement]:
    """Every pair of methods."""
    size = len(VERDICTS) + 1
    pairs = list(combinations(methods, 2))
    counts = {pair: np.zeros((size, size)) for pair in pairs}
    for part in parts(grid, area):
        said = {legend: legend.codes(read(path, legend.bands, part, grid)) for legend, path in methods.items()}
        for one, other in pairs:
            cell = said[one] * size + said[other]
            counts[one, other] += np.bincount(cell.ravel(), part.areas.ravel(), size * size).reshape(size, size)
    return [_agreement(one.title, other.title, counts[one, other]) for one, other in pairs]


def _agreement(one: str, other: str, counts: NDArray[np.float64]) -> Agreement:
    names = ["no data", *VERDICTS.values()]
    both = counts[1:, 1:]
    total = both.sum()
    share = expected = float("nan")
    if total > 0:
        share = float(np.trace(both) / total)
        expected = float((both.sum(axis=0) * both.sum(axis=1)).sum() / total**2)
    kappa = (share - expected) / (1 - expected) if total > 0 and expected < 1 else float("nan")
    areas = {(a, b): float(counts[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)}
    return Agreement(one, other, areas, share, kappa)


def maturity(states: Mapping[str, float], names: Mapping[int, str], index: Mapping[str, Sequence[int]]) -> float:
    """(good - poor) / (good + poor) of the areas of states, -1..1: the summary index of land condition.

    >>> maturity({"degraded": 10.0, "mature": 30.0}, {4: "degraded", 8: "mature"}, {"good": [8], "poor": [4]})
    0.5
    """
    good, poor = (
        sum(states.get(names[code], 0.0) for code in index[side] if code in names) for side in ("good", "poor")
    )
    return float((good - poor) / (good + poor)) if good + poor > 0 else float("nan")


def whole_area(grid: GeoBox, area: Area) -> float:
    """Area [km2] of the pixels that are counted."""
    return float(sum(part.areas.sum() for part in parts(grid, area)))
