"""A small generated dryland with a known truth: real files in real formats, no network.

Two MGRS tiles either side of the border of UTM zones 49 and 50 (114 E, Inner Mongolia), three years, about 24 passes a
year; clouds, shadows, false clouds over sand, a swath edge, a scene in two baselines, a split datatake, a planted
decline and recovery of the vegetation, shares of green, dry and bare ground, grain, and plots of soil carbon and of
biomass.
"""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from drylands_openeo.area import Area, Period
from drylands_openeo.errors import DrylandsError
from drylands_openeo.world.catalogue import COLLECTION, write_catalogue, write_item
from drylands_openeo.world.landscape import EPOCH, FRAME, Ground, Landscape, Patch, positions, years
from drylands_openeo.world.passes import Pass, passes
from drylands_openeo.world.plots import biomass, plots, soil_carbon
from drylands_openeo.world.scenes import Tile, scene
from drylands_openeo.world.sky import Sky
from drylands_openeo.world.spectra import endmembers, shares

__all__ = ["EPOCH", "SIZE", "Ground", "Patch", "World", "build", "years"]

SIZE = (5000.0, 4400.0)
PERIOD = Period.of("2020/2022")
THREADS = 2
OVERLAP = 0.1
"""Each tile reaches over the border by this share of the world's width."""


@dataclass(frozen=True)
class World:
    """Where the world's files are, and what is true in it."""

    folder: Path
    area: Area
    period: Period
    landscape: Landscape
    collection: str = COLLECTION

    @property
    def catalogue(self) -> Path:
        """The static STAC catalogue."""
        return self.folder / "catalog.json"

    @property
    def items(self) -> Path:
        """All items as a search would answer them: a STAC ItemCollection."""
        return self.folder / "items.json"

    @property
    def plots(self) -> Path:
        """Field plots (CSV): longitude, latitude, patch, soc [g kg-1], agb [g m-2]."""
        return self.folder / "plots.csv"

    @property
    def endmembers(self) -> Path:
        """The spectra that pixels are mixed of (CSV), as a library of `fractional_cover`."""
        return self.folder / "endmembers.csv"

    def ground(self, grid: Any) -> Ground:
        """The truth at the pixel centres of an odc-geo GeoBox, in any CRS."""
        return self.landscape.at(*positions(grid))

    def truth(self, grid: Any) -> dict[str, NDArray[Any]]:
        """c0, sin1, cos1 [1] and trend [1/year] of NDVI, and patch (codes of Patch), each (y, x), on a GeoBox.

        NDVI(t) = c0 + trend t + sin1 sin(2 pi t) + cos1 cos(2 pi t); t in years of 365.2425 days since 2020-01-01 UTC.
        """
        ground = self.ground(grid)
        names = ("c0", "sin1", "cos1", "trend", "patch")
        return {name: np.asarray(getattr(ground, name)) for name in names}

    def retrievals(self, grid: Any, moment: datetime) -> dict[str, NDArray[Any]]:
        """Shares pv, npv, bare at a moment, grain, soc [g kg-1] and agb [g m-2], each (y, x), on a GeoBox."""
        ground = self.ground(grid)
        found = {"patch": ground.patch, "grain": ground.grain, "soc": soil_carbon(ground), "agb": biomass(ground)}
        return {**shares(ground, ground.ndvi(moment)), **found}


def build(
    folder: str | Path, *, seed: int = 0, size: tuple[float, float] = SIZE, period: Period | str = PERIOD
) -> World:
    """Generate the world of a seed in ``folder``, ``size`` = (east-west, north-south) [m], from 2020 on.

    All lengths of the landscape and of the clouds grow with the size. Raises DrylandsError if the folder holds
    something already; on any error nothing is left behind.
    """
    folder, period = Path(folder).resolve(), Period.of(period)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DrylandsError(f"folder {str(folder)!r} is not empty; name a new folder for the world, or delete it")
    if min(size) < 400:
        raise DrylandsError(f"size {size} [m] is too small for a world; give at least 400 x 400")
    if not any(passes(period.start, period.end, size)):
        raise DrylandsError(f"period {'/'.join(period.interval)} has no pass; passes come every 15 days from 2020 on")
    landscape = Landscape.drawn(seed, size)
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        _fill(workshop / "world", landscape, period, seed=seed, final=folder)
        if folder.exists():
            folder.rmdir()
        (workshop / "world").replace(folder)
    finally:
        shutil.rmtree(workshop)
    return World(folder, _area(size), period, landscape)


def _fill(folder: Path, landscape: Landscape, period: Period, *, seed: int, final: Path) -> None:
    half, reach = landscape.size[0] / 2, OVERLAP * landscape.size[0]
    tiles = [
        Tile.over(landscape, "49TGH", 49, -half, reach),
        Tile.over(landscape, "50TKN", 50, -reach, half),
    ]

    def deliver(passed: Pass) -> list[dict[str, Any]]:
        sky = Sky.drawn(seed, passed.number, landscape.size, passed.sensed)
        images = [(tile, scene(tile, passed, sky, seed=seed)) for tile in tiles]
        return [write_item(folder / COLLECTION, tile, passed, image) for tile, image in images if image.scl.any()]

    with ThreadPoolExecutor(THREADS) as pool:
        deliveries = pool.map(deliver, passes(period.start, period.end, landscape.size))
        write_catalogue(folder, list(chain.from_iterable(deliveries)), final=final)
    plots(landscape, seed=seed).to_csv(folder / "plots.csv", index=False)
    (folder / "endmembers.csv").write_text(endmembers(), "utf-8")


def _area(size: tuple[float, float]) -> Area:
    """The bounding box within which both tiles together have data everywhere."""
    half = np.array(size) / 2
    to_degrees = Transformer.from_crs(FRAME, "EPSG:4326", always_xy=True).transform
    (west, east), (south, north) = to_degrees([-half[0], half[0]], [-half[1], half[1]])
    return Area.of([round(float(value), 5) for value in (west, south, east, north)])
