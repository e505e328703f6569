"""The first pass of the benchmark "potential": what the best pixels bear in each stratum, land cover by aridity."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from odc.geo.xr import ODCExtensionDa

from drylands_openeo.assess.counting import Part, grid_of, parts, read
from drylands_openeo.assess.settings import Settings
from drylands_openeo.assess.sources import opened
from drylands_openeo.engine import Extent
from drylands_openeo.engine.windows import grid_of as cube_grid
from drylands_openeo.product import OutputBand
from drylands_openeo.profiles import LAND_COVER
from drylands_openeo.statistics.potential import Levels, potential
from drylands_openeo.write import MapWriter

BAND = OutputBand("stratum", "1", "10 x land cover + class of aridity")


def mean_of_years(graph: Mapping[str, Any]) -> dict[str, Any]:
    """A flat graph with the mean of its years as its result."""
    plain: dict[str, Any] = json.loads(json.dumps(graph))
    last = next(name for name, node in plain.items() if node.pop("result", False))
    mean = {"mean": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}
    arguments = {"data": {"from_node": last}, "dimension": "t", "reducer": {"process_graph": mean}}
    return {**plain, "meanofyears": {"process_id": "reduce_dimension", "arguments": arguments, "result": True}}


def write_strata(settings: Settings, mnpp: Path, aridity: Path, target: Path) -> Path:
    """The map of strata on the grid of ``mnpp``; land cover and aridity by the nearest pixel."""
    grid = grid_of(mnpp)
    cover = land_cover(settings, grid)
    with MapWriter(target, grid, [BAND], overviews="nearest", overwrite=True) as writer:
        for part in parts(grid, settings.area):
            kind = read(aridity, ["aridity_class"], part, grid)["aridity_class"]
            codes = 10 * _within(cover, part) + kind
            writer.write(np.where(part.areas > 0, codes, np.nan)[np.newaxis], part.row, part.column)
    return target


def borne(settings: Settings, mnpp: Path, strata: Path) -> list[list[Any]]:
    """[[stratum, MNPP that its best pixels bear], ...] over the whole area."""
    grid = grid_of(mnpp)
    pieces = (
        (read(strata, ["stratum"], part, grid)["stratum"], read(mnpp, ["mnpp"], part, grid)["mnpp"])
        for part in parts(grid, settings.area)
    )
    options = dict(settings.options.get("potential", {}))
    return potential(Levels.sum(Levels.of(codes, values) for codes, values in pieces), **options)


def land_cover(settings: Settings, grid: GeoBox) -> Any:
    """Codes of land cover on a grid, by the nearest pixel."""
    layer = opened({LAND_COVER: settings.sources[LAND_COVER]}).collection(LAND_COVER, Extent(bands=["stratum"]))
    cube = layer.read(layer.grid).isel(t=0, bands=0)
    if cube_grid(cube) == grid:
        return np.asarray(cube.values, float)
    return np.asarray(ODCExtensionDa(cube).reproject(grid, resampling="nearest").values, float)


def _within(values: Any, part: Part) -> Any:
    rows, columns = part.window.shape
    return values[part.row : part.row + rows, part.column : part.column + columns]
