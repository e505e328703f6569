"""Tiles put together: one Cloud-optimised GeoTIFF, each pixel from the tile that it belongs to."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import rasterio
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from drylands_openeo.errors import JobError
from drylands_openeo.jobs.request import Request
from drylands_openeo.jobs.results import bands_of, described_in, files_in
from drylands_openeo.jobs.split import Split, Tile
from drylands_openeo.write import MapWriter

ROWS = 512
"""Rows of a tile in memory at one time."""


def mosaic(request: Request, parts: Split, folder: Path, out: Path) -> dict[str, Path]:
    """Put ``folder``/<tile>/* together as ``out``/<name>*.tif; the files by key (map, 20200101).

    Tiles in another projection than the mosaic's (a back-end may choose the zone of each) are taken at the nearest
    pixel. A date that a tile does not have is no data there. Raises JobError where tiles do not fit together.
    """
    found = {tile: files_in(folder / tile.name, request.name) for tile in parts.tiles}
    keys = sorted({key for files in found.values() for key, path in files.items() if path.suffix == ".tif"})
    if not keys:
        raise JobError(f"the tiles in {str(folder)!r} hold no GeoTIFF that could be put together")
    made = {}
    for key in keys:
        tiles = {tile: files[key] for tile, files in found.items() if key in files}
        mark = "" if key == "map" else f"_{key}"
        made[key] = _joined(request, parts, tiles, out / f"{request.name}{mark}.tif")
    return made


def _joined(request: Request, parts: Split, tiles: Mapping[Tile, Path], path: Path) -> Path:
    first, names = described_in(next(iter(tiles.values())))
    grid = parts.grid((float(first.resolution.x), float(first.resolution.y)))
    with rasterio.open(next(iter(tiles.values()))) as source:
        dtype, nodata = source.dtypes[0], source.nodata
    with MapWriter(path, grid, bands_of(request, names), dtype=dtype, nodata=nodata, overwrite=True) as writer:
        for tile, file in tiles.items():
            with rasterio.open(file) as source:
                if source.count != len(names):
                    raise JobError(f"tile {tile.name} has {source.count} bands, the first one {len(names)}")
                _copy(source, writer, grid, tile)
    return path


def _copy(source: rasterio.DatasetReader, writer: MapWriter, grid: GeoBox, tile: Tile) -> None:
    for row, column, height, width in _strips(grid, tile):
        transform = grid[row : row + height, column : column + width].affine
        with WarpedVRT(
            source,
            crs=str(grid.crs),
            transform=transform,
            width=width,
            height=height,
            resampling=Resampling.nearest,
            nodata=source.nodata,
        ) as aligned:
            writer.write(aligned.read(window=Window(0, 0, width, height)), row, column)


def _strips(grid: GeoBox, tile: Tile) -> Iterator[tuple[int, int, int, int]]:
    """(row, column, height, width) on the grid, a few rows at a time."""
    west, south, east, north = tile.sides
    left, top = (round(value) for value in grid.wld2pix(west, north))
    right, bottom = (round(value) for value in grid.wld2pix(east, south))
    for row in range(top, bottom, ROWS):
        yield row, left, min(ROWS, bottom - row), right - left
