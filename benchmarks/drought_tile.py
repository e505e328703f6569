"""Memory of a tile of the drought product, 256 x 256 pixels of 60 years, in a process of its own: 3 GiB are allowed."""

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from odc.geo.geobox import GeoBox

from benchmarks.table import Row

SIDE, LIMIT = 256, 3.0
MONTHS = pd.date_range("1950-01-01", "2009-12-01", freq="MS")
GRID = GeoBox.from_bbox((110, 40, 110 + SIDE * 0.05, 40 + SIDE * 0.05), "EPSG:4326", resolution=0.05)
LEVELS = {
    "latitude": (45.0, 0.0),
    "precipitation": (40.0, 35.0),
    "tmin": (-2.0, 14.0),
    "tmean": (6.0, 14.0),
    "tmax": (14.0, 14.0),
}
"""Variable -> mean and seasonal reach."""


@dataclass(frozen=True)
class Climate:
    """Monthly variables that follow from place and date; any other band is a plain 100."""

    bands: tuple[str, ...] = ()
    grid: GeoBox = GRID
    times: tuple[Any, ...] = tuple(MONTHS.to_numpy())

    def collection(self, collection: str, extent: Any) -> "Climate":
        """The same for every role."""
        return replace(self, bands=tuple(extent.bands))

    def read(self, window: GeoBox) -> Any:
        """(t, bands, y, x)."""
        from drylands_openeo.engine.windows import on_grid

        rng = np.random.default_rng(0)
        season = np.cos(2 * np.pi * (MONTHS.month.to_numpy() - 7) / 12)[:, None, None]
        cube = np.empty((len(MONTHS), len(self.bands), *window.shape), np.float32)
        for number, band in enumerate(self.bands):
            mean, reach = LEVELS.get(band, (100.0, 0.0))
            noise = 0.2 * rng.random(cube[:, number].shape, np.float32) if reach else 0
            cube[:, number] = mean + reach * (0.8 * season + noise)
        return on_grid(cube, window, t=list(self.times), bands=list(self.bands))


def rows() -> list[Row]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.drought_tile"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    if ended.returncode:
        raise RuntimeError(ended.stderr)
    peak = json.loads(ended.stdout.splitlines()[-1])
    case = f"peak memory [GiB], a tile of {SIDE} x {SIDE} x {len(MONTHS)} months, two threads: the limit"
    return [Row(case, peak, LIMIT, LIMIT / peak, 1)]


def tile() -> float:
    """Peak memory [GiB] of this process when the tile is done."""
    from drylands_openeo.engine import Environment, Plan, Program
    from drylands_openeo.engine.tiles import evaluate_tiles
    from drylands_openeo.products import get_product
    from drylands_openeo.profiles import get_profile

    graph = get_product("drought").flat_graph(
        get_profile("local"),
        spatial_extent=[110, 40, 122.8, 52.8],
        temporal_extent="1950/2009",
        calibration=[1950, 2009],
    )
    plan = Plan(Program.parse(graph), Environment(Climate()))
    found = [cube.shape for _, cube in evaluate_tiles(plan, size=SIDE, threads=2)]
    assert [shape[-2:] for shape in found] == [(SIDE, SIDE)], found
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    print(json.dumps(tile()))
