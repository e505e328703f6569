"""The demonstration's second half: aridity and drought of a generated climate, beside what was planted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from drylands_openeo import local
from drylands_openeo.engine import Environment
from drylands_openeo.kernel import Kernel
from drylands_openeo.local.drought import ALPHA, DroughtReport, drought_report
from drylands_openeo.products import get_product
from drylands_openeo.products.aridity import CLASSES
from drylands_openeo.profiles import get_profile
from drylands_openeo.statistics.areas import cell_areas, class_areas
from drylands_openeo.tables import read
from drylands_openeo.world.climate import ClimateTruth, build_climate

METHOD = "thornthwaite"

WHOLE: dict[str, Any] = {"spatial_extent": [-180, -90, 180, 90], "temporal_extent": "1950/2009"}

Float = NDArray[np.float64]


@dataclass(frozen=True)
class ClimateReport:
    """What the climate half did.

    ``classes``: aridity class -> (true, found) area [km2]; ``droughts``: planted year -> (planted, found) share of the
    area [%]; ``usual``: median share of the other years; ``detected``, ``false``: share [%] of the pixels that were
    made drier, and of the others, whose trend stands as drying.
    """

    classes: dict[str, tuple[float, float]]
    droughts: dict[int, tuple[float, float]]
    usual: float
    detected: float
    false: float
    drought: DroughtReport
    files: dict[str, Path]


def demonstrate_climate(folder: Path, *, seed: int = 0, progress: local.Progress = local.silent) -> ClimateReport:
    """Make the climate in ``folder``/world, aridity and drought in ``folder``/maps, and compare."""
    truth = build_climate(folder / "world" / "climate.nc", seed=seed)
    source = local.source_of(cube=truth.path)
    arguments: dict[str, Any] = {"pet_method": METHOD}
    product = get_product("aridity")
    graph = product.flat_graph(get_profile("local"), **WHOLE, **arguments)
    output = local.Output(folder / "maps", product.id, product.outputs(arguments))
    aridity = local.run(graph, Environment(source), output, arguments=arguments, progress=progress)
    drought = drought_report(source, folder / "maps", progress=progress, **WHOLE, **arguments)
    with rasterio.open(aridity.files["map"]) as file:
        grid = GeoBox(file.shape, file.transform, file.crs)
        found = file.read(file.descriptions.index("aridity_class") + 1)
    areas = cell_areas(grid)
    shares, usual = _shares(truth, drought, areas)
    detected, false = _detected(truth, drought)
    files = {"climate": truth.path, "aridity": aridity.files["map"], **drought.files}
    return ClimateReport(_classes(truth, found, grid), shares, usual, detected, false, drought, files)


def _classes(truth: ClimateTruth, found: Float, grid: GeoBox) -> dict[str, tuple[float, float]]:
    """Area of each class by the rain and temperature that were planted, and by the map."""
    areas, latitude = cell_areas(grid), grid.affine.f + grid.affine.e * (np.arange(grid.shape[0]) + 0.5)
    place = np.broadcast_to(latitude[:, None], tuple(grid.shape))
    pet = Kernel("evapotranspiration").module.thornthwaite(
        np.moveaxis(truth.temperature, 0, -1), place, np.arange(1, 13)
    )
    limits = [row["below"] for row in read("aridity")["classes"][:-1]]
    expected = 1 + np.digitize(truth.mean_rain / pet.sum(axis=-1), limits)
    both = [class_areas(classes, areas, CLASSES) for classes in (expected, found)]
    return {name: (both[0][name], both[1][name]) for name in both[0] if both[0][name] + both[1][name] > 0}


def _shares(truth: ClimateTruth, drought: DroughtReport, areas: Float) -> tuple[dict[int, tuple[float, float]], float]:
    annual = drought.table[drought.table["season"] == "annual"].set_index("year")["drought_area"]
    planted = {
        year: (100 * float(areas[where].sum() / areas.sum()), float(annual[year]))
        for year, where in truth.droughts.items()
    }
    after = [year + 1 for year in planted if year + 1 in annual.index]
    return planted, float(annual.drop([*planted, *set(after) - set(planted)]).median())


def _detected(truth: ClimateTruth, drought: DroughtReport) -> tuple[float, float]:
    with rasterio.open(drought.files["map"]) as file:
        slope, adjusted = (file.read(file.descriptions.index(name) + 1) for name in ("slope", "p_adjusted"))
    drier = (adjusted <= ALPHA) & (slope < 0)
    return 100 * float(drier[truth.drying].mean()), 100 * float(drier[~truth.drying].mean())
