"""The first pass of `texture`: the range of the grey levels over the whole region."""

from collections.abc import Sequence
from typing import Any

from openeo import DataCube

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.tiles import evaluate_tiles, plan_tiles, tile_size
from drylands_openeo.local.run import Progress, Workers, silent
from drylands_openeo.product import Arguments
from drylands_openeo.products.texture import median_image
from drylands_openeo.profiles import get_profile
from drylands_openeo.statistics.range import Histogram, grey_range


def band_range(
    arguments: Arguments,
    environment: Environment,
    *,
    percent: Sequence[float] = (0.1, 99.9),
    workers: Workers | None = None,
    progress: Progress = silent,
) -> dict[str, list[float]]:
    """``low`` and ``high`` of each band in ``arguments["band"]`` of a complete set of `texture`'s arguments."""
    image: DataCube = median_image(get_profile("local"), arguments)
    plan = Plan(Program.parse(image.flat_graph()), environment)
    how, histogram = workers or Workers(), Histogram(tuple(arguments["band"]))
    size = how.tile or tile_size(plan, client=how.client)
    total, ready = len(plan_tiles(plan, size)), evaluate_tiles(plan, size=size, threads=how.threads, client=how.client)
    for done, (_, cube) in enumerate(ready, start=1):
        histogram.add(_values(cube))
        progress(done, total)
    return grey_range(histogram, percent=percent)


def _values(cube: Any) -> Any:
    return cube.transpose("bands", "y", "x").values
