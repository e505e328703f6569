"""A finished map (GeoTIFF) as a layer, so that a second pass can read what the first has written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from drylands_openeo.engine import Extent
from drylands_openeo.engine.values import Cube
from drylands_openeo.engine.windows import on_grid, steps
from drylands_openeo.errors import SourceError


@dataclass(frozen=True)
class MapFile:
    """A source of one map, whose bands are called by their descriptions; ``moment``: the one date that it has."""

    path: Path
    moment: np.datetime64

    def collection(self, collection: str, extent: Extent) -> "MapLayer":
        """The bands asked for; all of the map's where none are."""
        with rasterio.open(self.path) as source:
            held = tuple(str(name) for name in source.descriptions)
            grid = GeoBox(source.shape, source.transform, source.crs)
        wanted = tuple(extent.bands or held)
        for name in wanted:
            if name not in held:
                raise SourceError(f"map {str(self.path)!r} has no band {name!r}; it has {', '.join(held)}")
        return MapLayer(self.path, grid, (self.moment,), wanted, tuple(held.index(name) + 1 for name in wanted))

    def stac_at(self, url: str, extent: Extent) -> "MapLayer":
        """The same: one map is all there is."""
        return self.collection(url, extent)


@dataclass(frozen=True)
class MapLayer:
    """Bands of a map (t = 1, bands, y, x), read window by window; each read opens the file, as threads want it."""

    path: Path
    grid: GeoBox
    times: tuple[np.datetime64, ...]
    bands: tuple[str, ...]
    numbers: tuple[int, ...]

    def read(self, window: GeoBox) -> Cube:
        """float32, NaN where there is no data."""
        row, column = steps(window, self.grid)
        rows, columns = window.shape
        with rasterio.open(self.path) as source:
            place = Window(column, row, columns, rows)
            masked = source.read(list(self.numbers), window=place, masked=True)
        values = masked.astype(np.float32).filled(np.nan)
        return on_grid(values[np.newaxis], window, t=np.array(self.times), bands=list(self.bands))
