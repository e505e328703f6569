"""A climate as AgERA5 on a back-end holds it: by the day, in hundredths of mm and K, by the names of its catalogue."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from climates import CELLS
from odc.geo.geobox import GeoBox

from drylands_openeo.engine import Extent
from drylands_openeo.engine.windows import on_grid, steps

GRID = CELLS

OURS = {
    "total_precipitation": "precipitation",
    "2m_temperature_min": "tmin",
    "2m_temperature_mean": "tmean",
    "2m_temperature_max": "tmax",
}


@dataclass(frozen=True)
class Days:
    """Every day like its month, of a truth of tests/climates.py."""

    truth: xr.Dataset
    bands: tuple[str, ...]

    @property
    def grid(self) -> GeoBox:
        return GRID

    @property
    def _index(self) -> pd.DatetimeIndex:
        months = self.truth.indexes["time"]
        return pd.date_range(months[0], months[-1] + pd.offsets.MonthEnd(0), freq="D")

    @property
    def times(self) -> tuple:
        return tuple(self._index.to_numpy())

    def read(self, window: GeoBox) -> xr.DataArray:
        days = self._index
        month = (days.year * 12 + days.month).to_numpy()
        month = month - month[0]
        row, column = steps(window, GRID)
        planes = []
        for band in self.bands:
            values = self.truth[OURS[band]].values[month]
            if band == "total_precipitation":
                values = values / days.days_in_month.to_numpy()[:, None, None]
            else:
                values = values + 273.15
            planes.append(100 * values[:, row : row + window.shape[0], column : column + window.shape[1]])
        return on_grid(np.stack(planes, axis=1).astype(np.float32), window, t=days.to_numpy(), bands=list(self.bands))


@dataclass(frozen=True)
class AgEra5:
    """The source of a back-end: only the address of the collection is known."""

    truth: xr.Dataset

    def stac_at(self, url: str, extent: Extent) -> Days:
        assert url.endswith("agera5_daily")
        return Days(self.truth, tuple(extent.bands))

    def collection(self, collection: str, extent: Extent) -> Days:
        raise AssertionError(f"a back-end has no collection {collection}")
