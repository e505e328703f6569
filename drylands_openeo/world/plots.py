"""Field plots of the generated world: soil carbon and biomass as measured, and as they are everywhere."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer

from drylands_openeo.world.landscape import EPOCH, FRAME, Float, Ground, Landscape, Patch
from drylands_openeo.world.spectra import shares

PLOTS = 160

CARBON_ERROR, BIOMASS_ERROR = 0.6, 12.0
"""Standard deviation of a measurement [g kg-1], [g m-2]."""

YEAR = 2021
"""Of the measurements; biomass is that of late July."""

PEAK = EPOCH.replace(year=YEAR) + timedelta(days=207)


def soil_carbon(ground: Ground) -> Float:
    """Soil organic carbon [g kg-1]: more under steady green and litter, less in bright soil; none in the lake."""
    found = 3 + 20 * np.maximum(ground.c0, 0) + 8 * ground.litter - 12 * (ground.brightness - 1)
    return np.asarray(np.where(ground.patch == Patch.LAKE, np.nan, np.maximum(found, 0.5)))


def biomass(ground: Ground) -> Float:
    """Above-ground biomass [g m-2] in late July: green and dry plants."""
    cover = shares(ground, ground.ndvi(PEAK))
    return np.asarray(520 * cover["pv"] + 130 * cover["npv"])


def plots(landscape: Landscape, *, seed: int, count: int = PLOTS) -> pd.DataFrame:
    """Plots at random places on land: longitude, latitude, patch, soc [g kg-1] and agb [g m-2] with their errors."""
    random = np.random.default_rng([seed, 5])
    half = np.array(landscape.size) / 2 * 0.94
    east, north = random.uniform(-half, half, (4 * count, 2)).T[:, None, :]
    ground = landscape.at(east, north)
    land = np.flatnonzero(ground.patch[0] != Patch.LAKE)[:count]
    longitude, latitude = Transformer.from_crs(FRAME, "EPSG:4326", always_xy=True).transform(east[0], north[0])
    table: dict[str, NDArray[Any]] = {
        "longitude": np.round(longitude, 6),
        "latitude": np.round(latitude, 6),
        "patch": np.array([Patch(code).name.lower() for code in ground.patch[0]]),
        "soc": np.round(soil_carbon(ground)[0] + random.normal(0, CARBON_ERROR, east.size), 2),
        "agb": np.round(np.maximum(biomass(ground)[0] + random.normal(0, BIOMASS_ERROR, east.size), 0), 1),
    }
    return pd.DataFrame({name: values[land] for name, values in table.items()})
