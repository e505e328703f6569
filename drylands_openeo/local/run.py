"""One process graph, from its plan to its files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.tiles import evaluate_tiles, plan_tiles, tile_size
from drylands_openeo.local.output import Output, Result, canonical, draw, save_provenance, sink_of, write_values
from drylands_openeo.product import OutputBand

Progress = Callable[[float, int], None]
"""Called with (tiles done, and the part that is done of the one at work, tiles in all)."""


Accept = Callable[[Plan], None]
"""Called before a pixel is read; raises a DrylandsError for a plan that is not to be run."""


def silent(done: float, total: int) -> None:
    """No progress shown."""


def anything(plan: Plan) -> None:
    """Every plan is run."""


@dataclass(frozen=True)
class Workers:
    """Who evaluates the tiles: threads of this process (None: one a core), or a ``dask.distributed`` client's workers.

    ``tile``: edge of the tiles [pixels]; None fits them to the memory.
    """

    threads: int | None = None
    tile: int | None = None
    client: Any = None


def run(
    graph: Mapping[str, Any],
    environment: Environment,
    output: Output,
    *,
    arguments: Mapping[str, Any] | None = None,
    workers: Workers | None = None,
    progress: Progress = silent,
    accept: Accept = anything,
) -> Result:
    """Evaluate a process graph, or a user-defined process with its ``arguments``, and write the result.

    A cube on the ground becomes a Cloud-optimised GeoTIFF (one a date where it has dates) or a netCDF file, with
    pictures and a STAC item that carries the graph; anything else becomes a JSON file. An error leaves nothing
    half-written behind.
    """
    output.folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(Program.parse(graph), environment, arguments)
    accept(plan)
    if plan.grid is None:
        return Result({"values": write_values(output, plan.evaluate())})
    files, bands, gaps = _maps(plan, output, workers or Workers(), progress)
    files |= draw(output, files, bands)
    item = save_provenance(
        output,
        files,
        grid=plan.grid,
        bands=bands,
        layers=plan.layers(),
        graph=graph,
        arguments=arguments or {},
    )
    return Result({**files, "item": item}, gaps)


def _maps(
    plan: Plan, output: Output, workers: Workers, progress: Progress
) -> tuple[dict[str, Path], tuple[OutputBand, ...], tuple[str, ...]]:
    size = workers.tile or tile_size(plan, client=workers.client)
    total, gaps = len(plan_tiles(plan, size)), set[str]()
    ready = evaluate_tiles(
        plan, size=size, threads=workers.threads, client=workers.client, step=lambda done: progress(done, total)
    )
    progress(0, total)
    tile, value = next(ready)
    first = canonical(value)
    bands = output.described(first)
    sink, files = sink_of(output, plan.grid, first, bands)
    with sink:
        for done in range(1, total + 1):
            cube = canonical(value)
            sink.write(cube.values, tile.row, tile.column)
            gaps.update(cube.attrs.get("gaps", ()))
            progress(done, total)
            if done < total:
                tile, value = next(ready)
    return files, bands, tuple(sorted(gaps))
