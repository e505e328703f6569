"""A plan evaluated tile by tile: memory is bounded by the tile, not by the area or the number of dates."""

import math
import os
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any

from odc.geo.geobox import GeoBox
from threadpoolctl import threadpool_limits

from drylands_openeo.engine.plan import Plan
from drylands_openeo.errors import GraphError

BUDGET = 768 * 2**20
"""Default memory for the tiles that are worked on at one time [bytes]."""

COPIES = 4
"""A tile's input is held about this many times: as read, scaled, masked, and as the array at work."""

BLOCK = 256
"""Tiles are multiples of this [pixels] where memory allows: the chunk of a UDF and half a usual COG block."""

SMALLEST = 64


@dataclass(frozen=True)
class Tile:
    """A window of the result's grid and where it starts there [pixels]."""

    row: int
    column: int
    window: GeoBox


def tiles(grid: GeoBox, size: int) -> tuple[Tile, ...]:
    """The grid cut into squares of ``size`` pixels, row by row; the last ones are what is left.

    Every pixel is in exactly one tile.
    """
    if size < 1:
        raise GraphError(f"tile size is {size}; it must be at least 1 pixel")
    rows, columns = grid.shape
    return tuple(
        Tile(row, column, grid[row : min(row + size, rows), column : min(column + size, columns)])
        for row in range(0, rows, size)
        for column in range(0, columns, size)
    )


def tile_size(plan: Plan, *, threads: int, budget: int = BUDGET) -> int:
    """The edge [pixels] of tiles whose input, ``COPIES`` times and for all threads, fits in ``budget`` [bytes]."""
    depth = sum(max(1, len(layer.times)) * max(1, len(layer.bands)) for layer in plan.layers())
    pixels = budget / (threads * COPIES * 4 * max(1, depth))
    edge = math.isqrt(int(pixels))
    step = BLOCK if edge >= BLOCK else SMALLEST
    return max(SMALLEST, edge // step * step)


def evaluate_tiles(
    plan: Plan, *, size: int | None = None, threads: int | None = None, client: Any = None
) -> Iterator[tuple[Tile, Any]]:
    """(tile, its cube) for every tile of the result, as they are ready.

    On a pool of ``threads`` (default: one a core), or on the workers of a ``dask.distributed`` client.
    Raises the first error of a tile; tiles not begun are dropped then.
    """
    if plan.grid is None:
        raise GraphError("the result has no pixels, so it cannot be cut into tiles")
    workers = threads or os.cpu_count() or 1
    todo = iter(tiles(plan.grid, size or tile_size(plan, threads=workers)))
    return _on_threads(plan, todo, workers) if client is None else _on_cluster(plan, todo, client)


def _on_threads(plan: Plan, todo: Iterator[Tile], workers: int) -> Iterator[tuple[Tile, Any]]:
    # The limit is the process's, so it is set once around all threads: tiles already fill the cores.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        running: dict[Future[Any], Tile] = {}
        try:
            while True:
                for tile in islice(todo, workers + 1 - len(running)):
                    running[pool.submit(plan.evaluate, tile.window)] = tile
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
    return plan.evaluate(window)
