"""What a pass delivers of a tile: digital numbers and scene classification."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from drylands_openeo.world.landscape import FRAME, Float, Ground, Landscape, Patch, positions
from drylands_openeo.world.passes import HalfPlane, Pass
from drylands_openeo.world.sky import FLAGGED, HIGH, MEDIUM, Sky, under
from drylands_openeo.world.spectra import BANDS, reflectance, soil_of

FINE = BANDS[:4]
"""Bands of 10 m; the others and the classification have 20 m."""

VEGETATED = 0.25
"""NDVI from which the scene classification says vegetation (4), not bare (5)."""

SPECKS = 0.05
"""Share of the candidate pixels over bright sand that are flagged as cloud on any day, one by one."""


@dataclass(frozen=True)
class Tile:
    """A window of an MGRS tile, with the ground beneath its 10 m pixels.

    ``grids`` are its GeoBoxes by resolution [m].
    """

    name: str
    zone: int
    grids: dict[int, Any]
    east: Float
    north: Float
    ground: Ground
    soil: Float

    @classmethod
    def over(cls, landscape: Landscape, name: str, zone: int, west: float, east: float) -> "Tile":
        """The window of a UTM zone that covers the world between two eastings of the frame [m]."""
        south, north = -landscape.size[1] / 2, landscape.size[1] / 2
        to_utm = Transformer.from_crs(FRAME, f"EPSG:{32600 + zone}", always_xy=True)
        x, y = to_utm.transform([west, west, east, east], [south, north, south, north])
        left, bottom = (np.floor(min(values) / 20) * 20 for values in (x, y))
        right, top = (np.ceil(max(values) / 20) * 20 for values in (x, y))
        grid = GeoBox.from_bbox((left, bottom, right, top), crs=f"EPSG:{32600 + zone}", resolution=10)
        at_east, at_north = positions(grid)
        ground = landscape.at(at_east, at_north)
        return cls(name, zone, {10: grid, 20: grid.zoom_out(2)}, at_east, at_north, ground, soil_of(ground))


@dataclass(frozen=True)
class Scene:
    """One item's pixels: digital numbers (uint16, 0 = no data) by band, and the classification (uint8)."""

    numbers: dict[str, NDArray[np.uint16]]
    scl: NDArray[np.uint8]


def scene(tile: Tile, passed: Pass, sky: Sky, *, seed: int) -> Scene:
    """Render one item. The ground, the sky and the specks depend on the pass, not on its processing."""
    ndvi = tile.ground.ndvi(passed.sensed)
    density, shadow = sky.density(tile.east, tile.north), sky.shadow(tile.east, tile.north)
    seen = _seen(tile, passed.seen)
    fine = under(reflectance(tile.ground, tile.soil, ndvi), density, shadow)
    coarse = _halved(fine[len(FINE) :])
    coarse_seen = _halved(seen.astype(float)) == 1
    images = [*fine[: len(FINE)], *coarse]
    numbers = {
        band: np.where(mask, np.rint(image * 10000) + passed.offset, 0).astype(np.uint16)
        for band, image in zip(BANDS, images, strict=True)
        for mask in (seen if band in FINE else coarse_seen,)
    }
    scl = _classified(tile.ground.patch, _halved(ndvi), _halved(density), _halved(shadow))
    scl[_specks(tile, scl, [seed, 3, passed.number, tile.zone])] = 8
    scl[~coarse_seen] = 0
    return Scene(numbers, scl)


def _seen(tile: Tile, side: HalfPlane | None) -> NDArray[np.bool_]:
    if side is None:
        return np.ones(tile.east.shape, bool)
    return np.asarray(side.east * tile.east + side.north * tile.north < side.limit)


def _classified(patch: NDArray[np.uint8], ndvi: Float, density: Float, shadow: Float) -> NDArray[np.uint8]:
    water = _halved((patch == Patch.LAKE).astype(float)) > 0.5
    scl = np.where(water, 6, np.where(ndvi >= VEGETATED, 4, 5)).astype(np.uint8)
    scl[shadow >= FLAGGED] = 3
    scl[density >= FLAGGED] = 10
    scl[density >= MEDIUM] = 8
    scl[density >= HIGH] = 9
    return scl


def _specks(tile: Tile, scl: NDArray[np.uint8], seed: list[int]) -> NDArray[np.bool_]:
    """Single pixels of bare sand, none beside another: the false clouds of bright deserts."""
    sand = _halved((tile.ground.patch == Patch.DUNES).astype(float)) == 1
    chosen = np.random.default_rng(seed).uniform(size=scl.shape) < SPECKS
    lattice = np.zeros(scl.shape, bool)
    lattice[1::3, 1::3] = True
    return np.asarray(sand & chosen & lattice & (scl == 5))


def _halved(image: Float) -> Float:
    """Means of 2 x 2 pixels: from 10 m to 20 m."""
    pairs = image[..., ::2, :] + image[..., 1::2, :]
    return np.asarray((pairs[..., ::2] + pairs[..., 1::2]) / 4)
