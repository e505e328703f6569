"""Cubes held in memory as a source for the engine, each under the name of its role."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from drylands_openeo.engine import Environment, Plan, Program
from drylands_openeo.engine.windows import on_grid, steps
from drylands_openeo.products import get_product
from drylands_openeo.profiles import get_profile

GRID = GeoBox.from_bbox((500_000, 4_700_000, 512_000, 4_708_000), "EPSG:32650", resolution=1000, tight=True)
PLACE = {"spatial_extent": [114.0, 42.0, 118.0, 43.0]}


@dataclass(frozen=True)
class Held:
    """A layer of an array (t, bands, y, x)."""

    values: np.ndarray
    times: tuple
    bands: tuple
    grid: GeoBox = GRID

    def read(self, window):
        row, column = steps(window, self.grid)
        rows, columns = window.shape
        part = self.values[..., row : row + rows, column : column + columns].astype(np.float32)
        return on_grid(part, window, t=np.array(self.times), bands=list(self.bands))

    def of(self, bands):
        at = [self.bands.index(band) for band in bands or self.bands]
        return replace(self, values=self.values[:, at], bands=tuple(bands or self.bands))


@dataclass(frozen=True)
class Memory:
    """Layers by role."""

    layers: dict = field(default_factory=dict)

    def collection(self, collection, extent):
        return self.layers[collection].of(extent.bands)

    def stac_at(self, url, extent):
        return self.collection(url, extent)


def held(times, grid=GRID, **bands):
    """A layer of the given bands, each (t, y, x), or what can be spread to that."""
    times = tuple(pd.DatetimeIndex(times).to_numpy())
    shape = (len(times), *grid.shape)
    stack = np.stack([np.broadcast_to(np.asarray(values, float), shape) for values in bands.values()], axis=1)
    return Held(stack, times, tuple(bands), grid)


def months(first, last):
    return pd.date_range(first, last, freq="MS")


def years(first, last):
    return pd.date_range(f"{first}-01-01", f"{last}-01-01", freq="YS")


def plan(product, layers, period, *, profile="local", **arguments):
    if "pet_method" in {parameter.name for parameter in get_product(product).parameters}:
        arguments = {"pet_method": "given", **arguments}
    graph = get_product(product).flat_graph(get_profile(profile), temporal_extent=period, **PLACE, **arguments)
    return Plan(Program.parse(graph), Environment(Memory(layers)))


def computed(product, layers, period, **arguments) -> xr.DataArray:
    """The product's result for layers by role, on the engine."""
    result = plan(product, layers, period, **arguments)
    return result.evaluate(result.grid)
