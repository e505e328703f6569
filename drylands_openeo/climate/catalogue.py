"""A climate in a STAC catalogue: one asset a variable, monthly or daily items, units as the items declare them."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pystac import Item

from drylands_openeo.climate.grid import latitudes
from drylands_openeo.climate.months import Months, months_of
from drylands_openeo.climate.units import Conversion, conversion
from drylands_openeo.climate.variables import LATITUDE, listed, recognised, variable
from drylands_openeo.engine import Extent
from drylands_openeo.engine.windows import on_grid
from drylands_openeo.errors import SourceError
from drylands_openeo.stac import StacSource
from drylands_openeo.stac.layer import StacLayer, default_bands

LONGITUDE_LATITUDE = "EPSG:4326"
"""The grid of a climate unless the caller wants another: most are kept so."""


@dataclass(frozen=True)
class ClimateCatalogue:
    """The climate collections of a STAC source; ``units``: asset -> a unit that the caller vouches for."""

    stac: StacSource
    units: Mapping[str, str]

    def layer(self, collection: str, extent: Extent) -> "CatalogueLayer":
        """The variables asked for by our names, monthly, in our units."""
        if extent.spatial is None:
            raise SourceError(f"collection {collection!r} is loaded without spatial_extent; give an area")
        stac = self.stac if self.stac.crs is not None else replace(self.stac, crs=LONGITUDE_LATITUDE)

        def opened(bands: list[str] | None) -> StacLayer:
            return stac.layer(
                collection, spatial_extent=extent.spatial or {}, temporal_extent=extent.temporal, bands=bands
            )

        items = opened(None).items
        origin = f"collection {collection!r}"
        names = recognised({name: _attributes(items[0], name) for name in default_bands(items[0])}, origin)
        wanted = tuple(extent.bands or (*names, LATITUDE))
        missing = [band for band in wanted if band not in (*names, LATITUDE)]
        if missing:
            raise SourceError(
                f"{origin} has no {missing[0]!r}; it has {listed(f'{a} ({b})' for a, b in names.items())}"
            )
        read = [names[band] for band in wanted if band != LATITUDE]
        layer = opened(read)
        months = _months(layer, origin)
        rules = tuple(self._rule(band, names[band], items[0], months, origin) for band in wanted if band != LATITUDE)
        return CatalogueLayer(layer, months, rules, wanted)

    def _rule(self, band: str, name: str, item: Item, months: Months, origin: str) -> Conversion:
        stated = self.units.get(name)
        return conversion(variable(band), name, _attributes(item, name), months.step, stated=stated, origin=origin)


@dataclass(frozen=True)
class CatalogueLayer:
    """Bands of a climate (t, bands, y, x) read from a STAC layer window by window."""

    layer: StacLayer
    months: Months
    rules: tuple[Conversion, ...]
    bands: tuple[str, ...]

    @property
    def grid(self) -> GeoBox:
        """The layer's grid."""
        return self.layer.grid

    @property
    def items(self) -> tuple[Item, ...]:
        """What is behind the layer."""
        return self.layer.items

    @property
    def times(self) -> tuple[np.datetime64, ...]:
        """The first of every month."""
        return tuple(self.months.labels)

    def read(self, window: GeoBox) -> xr.DataArray:
        """(t, bands, y, x) float32 in our units."""
        return self.read_on(window, None)

    def read_on(self, window: GeoBox, pool: Executor | None) -> xr.DataArray:
        """The same, read by the threads of a pool."""
        stored = self.layer.read_on(window, pool)
        rules = iter(zip(self.rules, range(len(self.rules)), strict=True))
        planes: list[NDArray[Any]] = []
        for band in self.bands:
            if band == LATITUDE:
                planes.append(np.broadcast_to(latitudes(window), (len(self.times), *window.shape)))
                continue
            rule, index = next(rules)
            values = stored.values[:, index].astype(np.float64) * rule.scale + rule.offset
            planes.append(self.months.of(values, rule.per, variable(band).kind))
        cube = np.stack(planes, axis=1).astype(np.float32)
        return on_grid(cube, window, t=self.months.labels, bands=list(self.bands)).assign_attrs(stored.attrs)


def _months(layer: StacLayer, origin: str) -> Months:
    days = np.array(layer.days, dtype="datetime64[D]").astype(np.int64)
    return months_of(xr.Variable("time", days, {"units": "days since 1970-01-01"}), None, origin)


def _attributes(item: Item, key: str) -> dict[str, Any]:
    """Unit and cell methods of an asset, in STAC 1.0 or 1.1 writing."""
    own = item.assets[key].extra_fields
    bands = [band for name in ("bands", "raster:bands") for band in own.get(name) or () if isinstance(band, Mapping)]
    found = next((source["unit"] for source in (own, *bands) if source.get("unit")), None)
    methods = next((source["cell_methods"] for source in (own, *bands) if source.get("cell_methods")), "")
    return {"cell_methods": methods, **({} if found is None else {"units": found})}
