"""Net primary production by the CASA light-use efficiency model, month by month (Potter et al. 1993,
doi:10.1029/93GB02725), with the canopy lines and the grassland figures that are current in China after Zhu et al. 2007,
Chinese J. Plant Ecol. 31(3):413-424 (taken from later use, not from that text: docs/methods/npp.md).

    NPP    = APAR e                      [gC m-2 month-1]
    APAR   = share SOL FPAR              light the canopy takes up [MJ m-2 month-1]
    e      = e_max T1 T2 W               [gC MJ-1]
    T1     = 0.8 + 0.02 Topt - 0.0005 Topt^2, 0 at T <= -10           cold and hot sites grow less at any time
    T2     = 1.1814 / (1 + exp(0.2 (Topt - 10 - T))) / (1 + exp(0.3 (T - Topt - 10)))  months away from Topt do too
    W      = 0.5 + 0.5 moisture, actual over potential evapotranspiration
    FPAR   = mean of two lines, in NDVI and in SR = (1 + NDVI) / (1 - NDVI), cut at their ends

T [degC] is the month's mean air temperature, Topt that of the month in which NDVI is greatest.
"""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

BANDS = ("ndvi", "radiation", "tmean", "precipitation", "pet")
MONTHS = 12
CONSTANTS = (
    "optimum",
    "efficiency",
    "par_share",
    "ndvi_low",
    "ndvi_high",
    "fpar_low",
    "fpar_high",
    "coldest",
    "dry",
)


def casa(
    ndvi: Any,
    radiation: Any,
    temperature: Any,
    moisture: Any,
    *,
    optimum: Any = None,
    efficiency: float = 0.542,
    par_share: float = 0.5,
    ndvi_low: float = 0.023,
    ndvi_high: float = 0.634,
    fpar_low: float = 0.001,
    fpar_high: float = 0.95,
    coldest: float = -10.0,
    dry: float = 0.5,
) -> np.ndarray:
    """NPP (..., t) [gC m-2 month-1] of months t; NaN where an input is.

    Arrays (..., t), broadcast against each other: ``ndvi``; ``radiation``, total solar [MJ m-2 month-1];
    ``temperature``, mean [degC]; ``moisture``, actual over potential evapotranspiration, taken in 0..1.
    All float32 in, float32 out; else float64.

    optimum     Topt [degC], (...); by default from the data, see ``optimum_temperature``
    efficiency  e_max [gC MJ-1]: 0.542 for grassland (after Zhu et al.), 0.389 for all biomes (Potter et al.).
                The result is proportional to it: calibrate it where plots exist
    par_share   photosynthetically active share of solar radiation (Potter et al.)
    ndvi_low, ndvi_high   NDVI of no and of full cover, of grassland (after Zhu et al.); the ends of the SR line follow
    fpar_low, fpar_high   FPAR at these ends (after Zhu et al.)
    coldest     mean temperature [degC] at and below which nothing grows (Potter et al.)
    dry         W of a month without evapotranspiration; 1 in a wet month (Potter et al.)

    >>> npp = casa([0.634], [400.0], [20.0], [1.0], efficiency=0.5)   # 400 / 2 * 0.95 * 0.5, times T2 = 0.9912
    >>> npp.round(2).tolist()
    [94.17]
    """
    if not -1 < ndvi_low < ndvi_high < 1 or not 0 <= fpar_low < fpar_high <= 1 or efficiency <= 0:
        raise ValueError(
            f"ndvi_low {ndvi_low}, ndvi_high {ndvi_high}, fpar_low {fpar_low}, fpar_high {fpar_high}, efficiency "
            f"{efficiency}: -1 < ndvi_low < ndvi_high < 1, 0 <= fpar_low < fpar_high <= 1, efficiency > 0 are needed"
        )
    given = [np.asarray(values) for values in (ndvi, radiation, temperature, moisture)]
    result = np.float32 if all(values.dtype == np.float32 for values in given) else np.float64
    index, sun, warmth, wet = np.broadcast_arrays(*(np.atleast_1d(values).astype(np.float64) for values in given))
    best = optimum_temperature(index, warmth) if optimum is None else np.asarray(optimum, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        absorbed = par_share * sun * fpar(index, (ndvi_low, ndvi_high), (fpar_low, fpar_high))
        stress = temperature_stress(warmth, best[..., None], coldest) * (dry + (1 - dry) * np.clip(wet, 0, 1))
        return np.asarray(efficiency * absorbed * stress).astype(result)


def fpar(ndvi: np.ndarray, ends: tuple[float, float], values: tuple[float, float]) -> np.ndarray:
    """The share of light that the canopy takes up: mean of the lines in NDVI and in SR through ``ends``.

    >>> fpar(np.array([-0.2, 0.0, 0.5, 0.9]), (0.0, 0.5), (0.0, 1.0)).tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    low, high = ends
    level = np.clip(ndvi, low, high)
    ratio, lowest, highest = ((1 + v) / (1 - v) for v in (level, low, high))
    place = (level - low) / (high - low) / 2 + (ratio - lowest) / (highest - lowest) / 2
    return np.asarray(values[0] + (values[1] - values[0]) * place)


def temperature_stress(temperature: np.ndarray, optimum: np.ndarray, coldest: float) -> np.ndarray:
    """T1 T2, see above; 0 at and below ``coldest``.

    >>> temperature_stress(np.array([20.0, 5.0, -10.0]), np.array([20.0]), -10.0).round(4).tolist()
    [0.9912, 0.3176, 0.0]
    """
    site = 0.8 + 0.02 * optimum - 0.0005 * optimum**2
    season = 1.1814 / (1 + np.exp(0.2 * (optimum - 10 - temperature)))
    season /= 1 + np.exp(0.3 * (temperature - optimum - 10))
    return np.where(temperature <= coldest, 0.0, np.maximum(site, 0) * season)


def optimum_temperature(ndvi: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """Topt (...): mean temperature of the calendar month in which NDVI (..., t) is greatest in the mean of the years.

    Months are 12 apart; months of no data do not count; NaN where there is none.

    >>> float(optimum_temperature(np.array([0.1, 0.4, 0.3]), np.array([2.0, 15.0, 19.0])))
    15.0
    """
    months = ndvi.shape[-1]
    period = max(1, min(MONTHS, months))
    years = -(-months // period)
    edges = [(0, 0)] * (ndvi.ndim - 1) + [(0, years * period - months)]
    valid = np.isfinite(ndvi) & np.isfinite(temperature)
    count, index, warmth = (
        np.pad(np.where(valid, values, 0.0), edges).reshape(*ndvi.shape[:-1], years, period).sum(axis=-2)
        for values in (np.ones(ndvi.shape), ndvi, temperature)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        index, warmth = index / count, warmth / count
    best = np.argmax(np.where(count > 0, index, -np.inf), axis=-1)
    return np.take_along_axis(warmth, best[..., None], axis=-1)[..., 0]


def moisture_of(precipitation: Any, pet: Any) -> np.ndarray:
    """Actual over potential evapotranspiration, 0..1, of a month's rain and reference evapotranspiration [mm].

    Zhou and Zhang (1995), Acta Phytoecologica Sinica 19(3):193-200, as Zhu et al. (2007) put it into CASA: net
    radiation in mm of water follows from both, R = 0.369 sqrt(E0 P) + 0.598 E0; E = P R (P^2 + R^2 + P R) / ((P + R)
    (P^2 + R^2)); potential is (E + E0) / 2, after Bouchet. A month without demand (frost) is moist.

    >>> moisture_of([0.0, 30.0, 300.0, 0.0], [100.0, 100.0, 100.0, 0.0]).round(3).tolist()
    [0.0, 0.45, 1.0, 1.0]
    """
    rain, demand = (np.maximum(np.asarray(values, np.float64), 0) for values in (precipitation, pet))
    with np.errstate(invalid="ignore", divide="ignore"):
        net = 0.369 * np.sqrt(demand * rain) + 0.598 * demand
        both = rain * net
        actual = np.where(both == 0, 0.0 * both, both * (rain**2 + net**2 + both) / ((rain + net) * (rain**2 + net**2)))
        share = np.minimum(2 * actual / (actual + demand), 1)
    return np.where(demand == 0, 1.0 + 0.0 * rain, share)


def annual(npp: Any) -> np.ndarray:
    """Sums of each twelve months (..., years) [gC m-2 yr-1] of NPP (..., t) that starts with a year; NaN if one is.

    >>> annual([10.0] * 24).tolist()
    [120.0, 120.0]
    """
    months = np.asarray(npp)
    if months.ndim < 1 or months.shape[-1] % MONTHS:
        raise ValueError(f"npp: shape {months.shape}, (..., t) with t a multiple of {MONTHS} is needed")
    return np.asarray(months.reshape(*months.shape[:-1], months.shape[-1] // MONTHS, MONTHS).sum(axis=-1))


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """(t, bands = ndvi radiation tmean precipitation pet, y, x), months -> (t, bands = npp, y, x) [gC m-2 month-1].

    Radiation in MJ m-2 day-1 (t tells how long a month is), temperature in degC, water in mm month-1.
    context: any constant of ``casa``; ``annual`` true: totals [gC m-2 yr-1] of each twelve months, labelled by the
    first of them. Months must follow each other without a gap in t; whole years give the steadiest optimum.
    """
    constants = {name: value for name, value in context.items() if name != "annual"}
    unknown = sorted(set(constants) - set(CONSTANTS))
    if unknown:
        raise ValueError(f"context: {unknown}, annual and some of {CONSTANTS} are needed")
    missing = [band for band in BANDS if band not in cube.coords["bands"].values]
    if missing:
        raise ValueError(f"bands: {missing} missing from {list(cube.coords['bands'].values)}")
    layers = cube.transpose("bands", "y", "x", "t")
    index, sun, warmth, rain, demand = (layers.sel(bands=band).values.astype(np.float32) for band in BANDS)
    days = pd.DatetimeIndex(cube.coords["t"].values).days_in_month.to_numpy(np.float32)
    coords = {name: cube.coords[name] for name in ("t", "y", "x") if name in cube.coords}
    npp = casa(index, sun * days, warmth, moisture_of(rain, demand).astype(np.float32), **constants)
    if context.get("annual"):
        npp = annual(npp)
        coords |= {"t": cube.coords["t"].values[::MONTHS]}
    months_or_years = npp.transpose(2, 0, 1)[:, None]
    return xr.DataArray(months_or_years, {**coords, "bands": ["npp"]}, ("t", "bands", "y", "x"))
