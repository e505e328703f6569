"""A plan evaluated tile by tile: memory is bounded by the tile, not by the area or the number of dates.

All threads work on one tile: they read its files side by side, then compute it block by block. So a tile may be as
large as memory allows, whatever the number of threads, and each block of a file is decoded once.
"""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise, product
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from threadpoolctl import threadpool_limits

from drylands_openeo.engine import windows
from drylands_openeo.engine.plan import Plan
from drylands_openeo.engine.reading import hold
from drylands_openeo.engine.source import Layer
from drylands_openeo.engine.values import Cube
from drylands_openeo.errors import GraphError

BUDGET = 2**30
"""Default memory for the tile that is worked on [bytes]."""

COPIES = 1.3
"""A tile's input is held about this many times: as read, and what reading and writing need beside it."""

CHUNK = 512
"""The block of a usual COG [pixels], of which tiles are made where the files do not say."""

SMALLEST, LARGEST = 64, 2048
"""Edges of a tile [pixels]: below, margins would be read more than anything else; above, progress is not seen."""

BLOCK_BYTES = 64 * 2**20
"""A tile is computed in blocks whose largest layer is about this large: what each thread takes beside the tile is
bounded, and what a block costs whatever its size is little."""

Size = int | tuple[int, int]
"""The edge of square tiles, or (rows, columns) [pixels]."""

MANY = 8
"""Threads unless the caller wants more: each computes a block, which takes memory beside the tile."""

READ = 0.5
"""The share of a tile's work that is done when its files are read."""

Step = Callable[[float], None]
"""Told how much is done."""


def untold(done: float) -> None:
    """Nobody wants to know how much is done."""


@dataclass(frozen=True)
class Tile:
    """A window of the result's grid and where it starts there [pixels]."""

    row: int
    column: int
    window: GeoBox


def tiles(grid: GeoBox, size: Size, anchor: tuple[float, float] | None = None) -> tuple[Tile, ...]:
    """The grid cut into pieces of ``size`` pixels, row by row; those at the edges are what is left.

    Cuts are counted from ``anchor`` (x, y), else from the grid's corner. Every pixel is in exactly one tile.
    """
    sizes = (size, size) if isinstance(size, int) else size
    if min(sizes) < 1:
        raise GraphError(f"tile size is {size}; it must be at least 1 pixel")
    column, row = (0.0, 0.0) if anchor is None else grid.wld2pix(*anchor)
    rows, columns = (
        cuts(length, edge, round(start)) for length, edge, start in zip(grid.shape, sizes, (row, column), strict=True)
    )
    return tuple(Tile(y.start, x.start, grid[y, x]) for y in rows for x in columns)


def cuts(length: int, size: int, start: int = 0) -> list[slice]:
    """0..length cut at every ``size``, counted from ``start``.

    >>> [(part.start, part.stop) for part in cuts(10, 4, 3)]
    [(0, 3), (3, 7), (7, 10)]
    """
    edges = [0, *range(start % size or size, length, size), length]
    return [slice(low, high) for low, high in pairwise(edges) if high > low]


def tile_size(plan: Plan, *, budget: int = BUDGET, client: Any = None) -> tuple[int, int]:
    """(rows, columns) of a tile whose input, ``COPIES`` times, fits in ``budget`` [bytes]: blocks of its files.

    Each thread of a worker of ``client`` (``dask.distributed``) has a tile of its own, so they share the budget.
    """
    sharing = 1 if client is None else max(client.nthreads().values(), default=1)
    pixels = min(budget / (sharing * COPIES * 4 * max(1.0, sum(_depths(plan)))), LARGEST**2)
    return whole_blocks(pixels, getattr(_deepest(plan), "block", None) or CHUNK)


def whole_blocks(pixels: float, block: int) -> tuple[int, int]:
    """The largest (rows, columns) of whole blocks within ``pixels``, square rather than long; else halves of a block.

    >>> whole_blocks(950_000, 512), whole_blocks(950_000, 1024), whole_blocks(150_000, 1024)
    ((512, 1536), (512, 1024), (256, 512))
    """
    if pixels >= block**2:
        count = int(pixels // block**2)
        rows = max(range(1, math.isqrt(count) + 1), key=lambda rows: (count // rows * rows, rows))
        return block * rows, block * (count // rows)
    while block > SMALLEST and block**2 > pixels:
        block //= 2
    return block, 2 * block if 2 * block**2 <= pixels else block


def block_size(plan: Plan) -> int:
    """The edge [pixels] of the blocks that a tile is computed in: a power of 2, as the chunks of a UDF are."""
    pixels = BLOCK_BYTES / (4 * max(1.0, *_depths(plan)))
    return int(min(CHUNK, max(SMALLEST, 2 ** round(math.log2(pixels) / 2))))


def anchor_of(plan: Plan) -> tuple[float, float] | None:
    """The corner (x, y) that the files behind the deepest layer start from, if they lie on the result's pixels."""
    return getattr(_deepest(plan), "anchor", None)


def _deepest(plan: Plan) -> Layer | None:
    """The layer with the most values on a pixel."""
    depths = zip(_depths(plan), plan.layers(), strict=True)
    return max(depths, key=lambda pair: pair[0], default=(0, None))[1]


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
    plan: Plan, *, size: Size | None = None, threads: int | None = None, client: Any = None, step: Step = untold
) -> Iterator[tuple[Tile, Any]]:
    """(tile, its cube) for every tile of the result, as they are ready.

    By ``threads`` of this process (default: one a core, ``MANY`` at most), or by the workers of a ``dask.distributed``
    client, a tile each. Raises the first error of a tile; what is not begun is dropped then. ``step`` is called with
    the number of tiles done, and what part is of the one that threads are at work on.
    """
    todo = iter(plan_tiles(plan, size or tile_size(plan, client=client)))
    if client is not None:
        return _on_cluster(plan, todo, client)
    return _on_threads(plan, todo, threads or min(os.cpu_count() or 1, MANY), step)


def plan_tiles(plan: Plan, size: Size) -> tuple[Tile, ...]:
    """The tiles of the result, cut where the files behind it are."""
    if plan.grid is None:
        raise GraphError("the result has no pixels, so it cannot be cut into tiles")
    return tiles(plan.grid, size, anchor_of(plan))


def evaluate_tile(plan: Plan, window: GeoBox, pool: Executor | None = None, step: Step = untold) -> Any:
    """The result on a window: every layer read once, then computed block by block; both by the pool.

    Blocks are counted from the grid's corner, as the chunks of a UDF are.
    """
    held = hold(plan, window, pool)
    step(READ)
    gaps = sorted({gap for cube in held.values() for gap in cube.attrs.pop("gaps", ())})
    edge, (top, left) = block_size(plan), windows.steps(window, plan.grid)
    rows, columns = (cuts(length, edge, -start) for length, start in zip(window.shape, (top, left), strict=True))
    places = list(product(rows, columns))
    parts = (map if pool is None else pool.map)(lambda place: plan.evaluate(window[place], held), places)
    whole: Cube | None = None
    for done, ((rows_of, columns_of), part) in enumerate(zip(places, parts, strict=True), start=1):
        ordered = part.transpose(..., "y", "x")
        whole = _frame(ordered, window) if whole is None else whole
        whole.values[..., rows_of, columns_of] = ordered.values
        step(READ + (1 - READ) * done / len(places))
    return whole if whole is None or not gaps else whole.assign_attrs(gaps=gaps)


def _frame(part: Cube, window: GeoBox) -> Cube:
    """An empty cube of the window with the labels of a part."""
    leading = {str(dim): part.coords[dim].values if dim in part.coords else None for dim in part.dims[:-2]}
    return windows.on_grid(
        np.empty((*part.shape[:-2], *window.shape), np.result_type(part.dtype, np.float32)), window, **leading
    )


def _on_threads(plan: Plan, todo: Iterator[Tile], workers: int, step: Step) -> Iterator[tuple[Tile, Any]]:
    # The limit is the process's, so it is set once around all threads: blocks already fill the cores.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        try:
            for before, tile in enumerate(todo):
                yield tile, evaluate_tile(plan, tile.window, pool, partial(_told, step, before))
        finally:
            pool.shutdown(cancel_futures=True)


def _told(step: Step, before: int, share: float) -> None:
    step(before + share)


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
