"""A layer made of arithmetic, and a source that serves it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from odc.geo.geobox import GeoBox

from drylands_openeo.engine import Extent
from drylands_openeo.engine.windows import on_grid

GRID = GeoBox.from_bbox((500_000, 4_700_000, 500_700, 4_700_530), "EPSG:32650", resolution=10, tight=True)
TIMES = pd.date_range("2020-01-01", periods=8, freq="45D").to_numpy()


@dataclass(frozen=True)
class FormulaLayer:
    """Each value follows from its place, date and band; 10 % gaps that follow from them too."""

    grid: GeoBox = GRID
    times: tuple = tuple(TIMES)
    bands: tuple[str, ...] = ("red", "nir")

    def read(self, window: GeoBox) -> xr.DataArray:
        x = window.coords["x"].values / 10
        y = window.coords["y"].values[:, None] / 10
        t = np.arange(len(self.times))[:, None, None, None]
        b = np.arange(len(self.bands))[None, :, None, None]
        values = 0.3 + 0.1 * b + 0.1 * np.sin(0.37 * x + 0.11 * y + t) + 0.05 * np.cos(1.7 * x * 0.01 * y + b)
        values[np.broadcast_to(np.sin(12.9 * x + 78.2 * y + 3.1 * t) > 0.95, values.shape)] = np.nan
        return on_grid(values.astype(np.float32), window, t=np.array(self.times), bands=list(self.bands))


@dataclass(frozen=True)
class FormulaSource:
    grid: GeoBox = GRID

    def collection(self, collection: str, extent: Extent) -> FormulaLayer:
        return FormulaLayer(self.grid, bands=tuple(extent.bands or ("red", "nir")))

    def stac_at(self, url: str, extent: Extent) -> FormulaLayer:
        return self.collection(url, extent)
