"""A plan evaluated tile by tile: memory is bounded by the tile, not by the area or the number of dates."""

import math
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from threadpoolctl import threadpool_limits

from drylands_openeo.engine import windows
from drylands_openeo.engine.plan import Plan
from drylands_openeo.engine.reading import hold
from drylands_openeo.engine.values import Cube
from drylands_openeo.errors import GraphError

BUDGET = 768 * 2**20
"""Default memory for the tiles that are worked on at one time [bytes]."""

COPIES = 1.3
"""A tile's input is held about this many times: as read, and what reading and writing need beside it."""

CHUNK = 512
"""Tiles are multiples of this [pixels] where memory allows: the block of a usual COG."""

SMALLEST = 64

BLOCK_BYTES = 64 * 2**20
"""A tile is computed in blocks whose largest layer is about this large: the arrays at work stay near the cache."""


@dataclass(frozen=True)
class Tile:
    """A window of the result's grid and where it starts there [pixels]."""

    row: int
    column: int
    window: GeoBox


def tiles(grid: GeoBox, size: int, anchor: tuple[float, float] | None = None) -> tuple[Tile, ...]:
    """The grid cut into squares of ``size`` pixels, row by row; those at the edges are what is left.

    Cuts are counted from ``anchor`` (x, y), else from the grid's corner. Every pixel is in exactly one tile.
    """
    if size < 1:
        raise GraphError(f"tile size is {size}; it must be at least 1 pixel")
    column, row = (0.0, 0.0) if anchor is None else grid.wld2pix(*anchor)
    rows, columns = (cuts(length, size, round(start)) for length, start in zip(grid.shape, (row, column), strict=True))
    return tuple(Tile(y.start, x.start, grid[y, x]) for y in rows for x in columns)


def cuts(length: int, size: int, start: int = 0) -> list[slice]:
    """0..length cut at every ``size``, counted from ``start``.

    >>> [(part.start, part.stop) for part in cuts(10, 4, 3)]
    [(0, 3), (3, 7), (7, 10)]
    """
    edges = [0, *range(start % size or size, length, size), length]
    return [slice(low, high) for low, high in pairwise(edges) if high > low]


def tile_size(plan: Plan, *, threads: int, budget: int = BUDGET) -> int:
    """The edge [pixels] of tiles whose input, ``COPIES`` times and for all threads, fits in ``budget`` [bytes]."""
    pixels = budget / (threads * COPIES * 4 * max(1.0, sum(_depths(plan))))
    edge = math.isqrt(int(pixels))
    step = CHUNK if edge >= CHUNK else SMALLEST
    return max(SMALLEST, edge // step * step)


def block_size(plan: Plan) -> int:
    """The edge [pixels] of the blocks that a tile is computed in: a power of 2 that a UDF's chunk is a multiple of."""
    pixels = BLOCK_BYTES / (4 * max(1.0, *_depths(plan)))
    return int(min(CHUNK, max(SMALLEST, 2 ** int(math.log2(pixels) / 2))))


def anchor_of(plan: Plan) -> tuple[float, float] | None:
    """The corner (x, y) that the files behind the deepest layer start from, if they lie on the result's pixels."""
    depths = _depths(plan)
    deepest = max(zip(depths, plan.layers(), strict=True), key=lambda pair: pair[0], default=(0, None))[1]
    return getattr(deepest, "anchor", None)


def _depths(plan: Plan) -> list[float]:
    """Values of each layer on one pixel of the result."""
    grid = plan.grid
    if grid is None:
        return []
    area = abs(grid.resolution.x * grid.resolution.y)
    return [
        max(1, len(layer.times))
        * max(1, len(layer.bands))
        * area
        / abs(layer.grid.resolution.x * layer.grid.resolution.y)
        if layer.grid.crs == grid.crs
        else max(1, len(layer.times)) * max(1, len(layer.bands))
        for layer in plan.layers()
    ]


def evaluate_tiles(
    plan: Plan, *, size: int | None = None, threads: int | None = None, client: Any = None
) -> Iterator[tuple[Tile, Any]]:
    """(tile, its cube) for every tile of the result, as they are ready.

    On a pool of ``threads`` (default: one a core), or on the workers of a ``dask.distributed`` client.
    Raises the first error of a tile; tiles not begun are dropped then.
    """
    workers = threads or os.cpu_count() or 1
    todo = iter(plan_tiles(plan, size or tile_size(plan, threads=workers)))
    return _on_threads(plan, todo, workers) if client is None else _on_cluster(plan, todo, client)


def plan_tiles(plan: Plan, size: int) -> tuple[Tile, ...]:
    """The tiles of the result, cut where the files behind it are."""
    if plan.grid is None:
        raise GraphError("the result has no pixels, so it cannot be cut into tiles")
    return tiles(plan.grid, size, anchor_of(plan))


def evaluate_tile(plan: Plan, window: GeoBox) -> Any:
    """The result on a window: every layer read once, then computed block by block, near the cache.

    Blocks are counted from the grid's corner, as the chunks of a UDF are.
    """
    held = hold(plan, window)
    gaps = sorted({gap for cube in held.values() for gap in cube.attrs.pop("gaps", ())})
    edge, (top, left) = block_size(plan), windows.steps(window, plan.grid)
    whole: Cube | None = None
    for rows in cuts(window.shape[0], edge, -top):
        for columns in cuts(window.shape[1], edge, -left):
            part = plan.evaluate(window[rows, columns], held).transpose(..., "y", "x")
            whole = _frame(part, window) if whole is None else whole
            whole.values[..., rows, columns] = part.values
    return whole if whole is None or not gaps else whole.assign_attrs(gaps=gaps)


def _frame(part: Cube, window: GeoBox) -> Cube:
    """An empty cube of the window with the labels of a part."""
    leading = {str(dim): part.coords[dim].values if dim in part.coords else None for dim in part.dims[:-2]}
    return windows.on_grid(
        np.empty((*part.shape[:-2], *window.shape), np.result_type(part.dtype, np.float32)), window, **leading
    )


def _on_threads(plan: Plan, todo: Iterator[Tile], workers: int) -> Iterator[tuple[Tile, Any]]:
    # The limit is the process's, so it is set once around all threads: tiles already fill the cores.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        running: dict[Future[Any], Tile] = {}
        try:
            while True:
                for tile in islice(todo, workers + 1 - len(running)):
                    running[pool.submit(evaluate_tile, plan, tile.window)] = tile
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()


def _on_cluster(plan: Plan, todo: Iterator[Tile], client: Any) -> Iterator[tuple[Tile, Any]]:
    from distributed import as_completed

    shared = client.scatter(plan, broadcast=True)
    workers = max(1, sum(client.nthreads().values()))
    places: dict[str, Tile] = {}

    def submit(tile: Tile) -> Any:
        future = client.submit(_on_worker, shared, tile.window, pure=False)
        places[future.key] = tile
        return future

    ready = as_completed([submit(tile) for tile in islice(todo, 2 * workers)])
    for future in ready:
        yield places.pop(future.key), future.result()
        for tile in islice(todo, 1):
            ready.add(submit(tile))


def _on_worker(plan: Plan, window: GeoBox) -> Any:
    threadpool_limits(1, user_api="blas")
    return evaluate_tile(plan, window)
