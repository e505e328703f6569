"""Potential evapotranspiration by month, three ways: Thornthwaite, Hargreaves, Penman-Monteith.

Sources: Thornthwaite 1948, doi 10.2307/210739; Willmott et al. 1985, doi 10.1002/joc.3370050602 (hot months);
Hargreaves and Samani 1985, doi 10.13031/2013.26773; FAO-56 = Allen et al. 1998, Irrigation and Drainage Paper 56;
r2dRue = del Barrio et al. 2010, doi 10.1016/j.rse.2010.03.009, and the program of that name, version 1.0.4.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]

BLOCK = 1 << 15  # values of one working array: stays in the second-level cache
MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MID_MONTH = {
    "fao56": (30.4 * np.arange(1, 13) - 15).astype(int),  # day of the year, FAO-56 annex 2
    "r2drue": np.array([15, 45, 75, 106, 136, 167, 197, 228, 259, 289, 320, 350]),
}
MM_PER_MJ = 0.408  # evaporation [mm] of 1 MJ m-2, FAO-56 equation 20
MM_PER_CAL = 0.01708  # evaporation [mm] of 1 cal cm-2, as r2dRue has it
STEFAN_BOLTZMANN = 4.903e-9  # MJ K-4 m-2 day-1
ALBEDO = 0.23  # of the grass reference
BANDS = {
    "thornthwaite": ("tmean",),
    "hargreaves": ("tmin", "tmean", "tmax"),
    "penman_monteith": ("tmin", "tmean", "tmax", "radiation", "wind"),
}


def thornthwaite(tmean: ArrayLike, latitude: ArrayLike, month: ArrayLike, *, days: ArrayLike | None = None) -> Array:
    """Thornthwaite's potential evapotranspiration [mm/month], shape (..., t).

    ``tmean`` [deg C] (..., t), NaN for no data; ``latitude`` [degrees] scalar or (...); ``month`` 1..12 (t,);
    ``days`` (t,) in each month, 28 in February unless given. With N the day length [h] at mid-month (FAO-56, eq. 34):

        I = sum over the 12 calendar months of (max(T_m, 0) / 5)^1.514,  T_m the mean of the series in that month
        a = 6.75e-7 I^3 - 7.71e-5 I^2 + 1.792e-2 I + 0.49239
        PET = 16 (10 T / I)^a N/12 days/30;  0 for T <= 0;  (-415.85 + 32.24 T - 0.43 T^2) N/12 days/30 for T >= 26.5

    >>> june_at_the_equator = thornthwaite(np.full(12, 20.0), 0.0, np.arange(1, 13))[5]    # I = 97.9, a = 2.14
    >>> round(float(june_at_the_equator), 1)
    73.9

    Raises ValueError where a calendar month is missing from ``month``: the heat index needs all twelve.
    """
    (temperature,), shape = _rows(tmean)
    months = _months(month, temperature.shape[1])
    if len(np.unique(months)) < 12:
        raise ValueError(f"month has {sorted(set(months.tolist()))}; the heat index needs all twelve calendar months")
    hours = daylight_hours(_latitudes(latitude, shape[:-1]), MID_MONTH["fao56"]) / 12
    weight = (_days(months, days) / 30).astype(temperature.dtype)
    in_month = np.equal.outer(months, np.arange(1, 13)).astype(temperature.dtype)
    out = np.empty_like(temperature, order="C")
    for part in _blocks(out):
        block = temperature[part]
        light = (hours[part] if len(hours) > 1 else hours).astype(block.dtype)
        np.multiply(_unadjusted(block, in_month), light[:, months - 1] * weight, out=out[part])
    return out.reshape(shape)


def hargreaves(
    tmin: ArrayLike,
    tmean: ArrayLike,
    tmax: ArrayLike,
    latitude: ArrayLike,
    month: ArrayLike,
    *,
    convention: str = "fao56",
    day: ArrayLike | None = None,
    days: ArrayLike | None = None,
) -> Array:
    """Hargreaves' reference evapotranspiration [mm/month], shape (..., t): never negative, NaN where tmax < tmin.

    Temperatures [deg C] (..., t); ``latitude`` [degrees] scalar or (...); ``month`` 1..12 (t,). ``day`` of the year
    (t,) is mid-month unless given, ``days`` (t,) are those of the month, 28 in February. FAO-56 equation 52:

        PET = 0.0023 (tmean + 17.8) sqrt(tmax - tmin) R days

    R [mm/day] is the extraterrestrial radiation as evaporation. ``convention="r2drue"`` takes R = 0.01708 of
    ``r2drue_radiation`` and that program's mid-month days: within 7 % of FAO-56 up to 50 degrees of latitude.

    >>> july_in_lyon = hargreaves([14.8], [20.7], [26.6], 45.72, [7])    # FAO-56 example 20: 5.0 mm/day
    >>> round(float(july_in_lyon[0]) / 31, 1)
    5.0
    """
    if convention not in MID_MONTH:
        raise ValueError(f"convention is {convention!r}; give one of {sorted(MID_MONTH)}")
    (low, mean, high), shape = _rows(tmin, tmean, tmax)
    months = _months(month, mean.shape[1])
    distinct, which = np.unique(_day_of_year(months, day, convention), return_inverse=True)
    place = _latitudes(latitude, shape[:-1])
    if convention == "fao56":
        water = MM_PER_MJ * extraterrestrial_radiation(place, distinct)
    else:
        water = MM_PER_CAL * r2drue_radiation(place, distinct)
    water = water.astype(mean.dtype)
    factor = (0.0023 * _days(months, days)).astype(mean.dtype)
    out = np.empty_like(mean, order="C")
    for part in _blocks(out):
        with np.errstate(invalid="ignore"):
            pet = np.sqrt(high[part] - low[part])
            pet *= np.maximum(mean[part] + 17.8, 0)
            pet *= (water[part] if len(water) > 1 else water)[:, which]
            np.multiply(pet, factor, out=out[part])
    return out.reshape(shape)


def penman_monteith(
    tmin: ArrayLike,
    tmax: ArrayLike,
    latitude: ArrayLike,
    month: ArrayLike,
    *,
    radiation: ArrayLike,
    wind: ArrayLike,
    vapour_pressure: ArrayLike | None = None,
    humidity: ArrayLike | None = None,
    tmean: ArrayLike | None = None,
    elevation: ArrayLike = 0.0,
    soil_heat: ArrayLike = 0.0,
    day: ArrayLike | None = None,
    days: ArrayLike | None = None,
) -> Array:
    """FAO-56 Penman-Monteith reference evapotranspiration of grass [mm/month], shape (..., t): never negative.

    Daily means of each step, (..., t): ``tmin``, ``tmax`` [deg C], ``radiation`` = incoming shortwave [MJ m-2 day-1],
    ``wind`` at 2 m [m/s], and either ``vapour_pressure`` [kPa] or ``humidity`` = mean relative humidity [%]. ``tmean``
    [deg C] is (tmin + tmax)/2 unless given; ``soil_heat`` [MJ m-2 day-1] scalar or (..., t); ``latitude`` [degrees] and
    ``elevation`` [m] scalar or (...); ``day`` of the year is mid-month unless given, ``days`` those of the month
    (1 for mm/day). FAO-56 equation 6, net radiation by equations 37 to 40:

        PET = [0.408 D (Rn - G) + g 900 u (es - ea) / (T + 273)] / [D + g (1 + 0.34 u)] days

    >>> april_in_bangkok = penman_monteith(    # FAO-56 example 17: 5.72 mm/day
    ...     [25.6], [34.8], 13.73, [4], radiation=[22.65], wind=[2], vapour_pressure=[2.85], soil_heat=0.14)
    >>> round(float(april_in_bangkok[0]) / 30, 2)
    5.72
    """
    if (vapour_pressure is None) == (humidity is None):
        raise ValueError("give either vapour_pressure [kPa] or humidity [%]")
    moisture = humidity if vapour_pressure is None else vapour_pressure
    middle = np.add(tmin, tmax) / 2 if tmean is None else tmean
    fields, shape = _rows(tmin, tmax, middle, radiation, wind, _not_none(moisture), soil_heat)
    months = _months(month, shape[-1])
    distinct, which = np.unique(_day_of_year(months, day, "fao56"), return_inverse=True)
    sun = extraterrestrial_radiation(_latitudes(latitude, shape[:-1]), distinct)
    height = _per_pixel(elevation, shape[:-1], "elevation")
    out = np.empty(fields[0].shape, fields[0].dtype)
    for part in _blocks(out):
        low, high, mean, shortwave, speed, vapour, heat = (field[part] for field in fields)
        above = height[part] if len(height) > 1 else height
        clear = (0.75 + 2e-5 * above) * (sun[part] if len(sun) > 1 else sun)[:, which]
        saturated = (_saturation(low) + _saturation(high)) / 2
        actual = saturated * vapour / 100 if vapour_pressure is None else vapour
        net = (1 - ALBEDO) * shortwave - _net_longwave(low, high, actual, shortwave / np.maximum(clear, 0.001))
        slope = 4098 * _saturation(mean) / (mean + 237.3) ** 2
        gamma = 0.000665 * 101.3 * ((293 - 0.0065 * above) / 293) ** 5.26
        energy = MM_PER_MJ * slope * (net - heat)
        drying = gamma * 900 * speed * (saturated - actual) / (mean + 273)
        out[part] = np.maximum((energy + drying) / (slope + gamma * (1 + 0.34 * speed)), 0) * _days(months, days)
    return out.reshape(shape)


def daylight_hours(latitude: ArrayLike, day: ArrayLike) -> Array:
    """Day length [h] at latitude [degrees] (...) on days of the year (t,): (..., t); FAO-56 equation 34; 0 to 24.

    >>> round(float(daylight_hours(-20, [246])[0]), 1)    # FAO-56 example 9
    11.7
    """
    lat, days = np.radians(np.asarray(latitude, float))[..., None], np.asarray(day, float)
    return np.asarray(24 / np.pi * np.arccos(_cos_sunset(lat, _declination(days))))


def extraterrestrial_radiation(latitude: ArrayLike, day: ArrayLike) -> Array:
    """Radiation above the air [MJ m-2 day-1] at latitude [degrees] (...) on days (t,): (..., t); FAO-56 equation 21.

    >>> round(float(extraterrestrial_radiation(-20, [246])[0]), 1)    # FAO-56 example 8
    32.2
    """
    lat, days = np.radians(np.asarray(latitude, float))[..., None], np.asarray(day, float)
    distance = 1 + 0.033 * np.cos(2 * np.pi / 365 * days)
    return 24 * 60 / np.pi * 0.0820 * distance * _day_integral(lat, _declination(days))


def r2drue_radiation(latitude: ArrayLike, day: ArrayLike) -> Array:
    """Radiation above the air [cal cm-2 day-1] as r2dRue computes it (Spencer's series): (...) and (t,) -> (..., t).

    >>> r2drue_radiation(0, [75]).round(0)
    array([907.])
    """
    lat, g = np.asarray(latitude, float)[..., None] * 0.0174533, 2 * np.pi * (np.asarray(day, float) - 1) / 365
    distance = (
        1.00011 + 0.034221 * np.cos(g) + 0.00128 * np.sin(g) + 0.000719 * np.cos(2 * g) + 0.000777 * np.sin(2 * g)
    )
    declination = 0.006918 - 0.399912 * np.cos(g) + 0.070257 * np.sin(g) - 0.006758 * np.cos(2 * g)
    declination += 0.000907 * np.sin(2 * g) - 0.002697 * np.cos(3 * g) + 0.00148 * np.sin(3 * g)
    return 898 * distance * _day_integral(lat, declination)


def _declination(day: Array) -> Array:
    return np.asarray(0.409 * np.sin(2 * np.pi / 365 * day - 1.39))


def _cos_sunset(lat: Array, declination: Array) -> Array:
    """Cosine of the sunset hour angle: 1 in polar night, -1 in polar day."""
    return np.asarray(np.clip(-np.tan(lat) * np.tan(declination), -1, 1))


def _day_integral(lat: Array, declination: Array) -> Array:
    """Integral over the day of the cosine of the sun's zenith angle [rad]."""
    cosine = _cos_sunset(lat, declination)
    along = np.sin(lat) * np.sin(declination) * np.arccos(cosine)
    integral: Array = along + np.cos(lat) * np.cos(declination) * np.sqrt((1 - cosine) * (1 + cosine))
    return integral


def _unadjusted(temperature: Array, in_month: Array) -> Array:
    """Thornthwaite's evapotranspiration of 30 days of 12 hours [mm]; ``in_month`` (t, 12) marks the calendar."""
    missing = np.isnan(temperature)
    filled = np.where(missing, 0, temperature) if missing.any() else temperature
    with np.errstate(invalid="ignore", divide="ignore"):
        climate = (filled @ in_month) / ((~missing).astype(in_month.dtype) @ in_month)
        index = ((np.maximum(climate, 0) / 5) ** 1.514).sum(axis=1, keepdims=True)
        power = ((6.75e-7 * index - 7.71e-5) * index + 1.792e-2) * index + 0.49239
        pet = np.maximum(temperature, 0)
        pet *= np.where(index > 0, 10 / index, index)  # no warm month in the mean year: no evapotranspiration
        np.power(pet, power, out=pet)
    pet *= 16
    hot = temperature >= 26.5
    if hot.any():
        warm = temperature[hot]
        pet[hot] = (32.24 - 0.43 * warm) * warm - 415.85
    return np.where(np.isnan(index), np.nan, pet) if np.isnan(index).any() else pet


def _saturation(temperature: Array) -> Array:
    """Saturation vapour pressure [kPa] at a temperature [deg C], FAO-56 equation 11."""
    return np.asarray(0.6108 * np.exp(17.27 * temperature / (temperature + 237.3)))


def _net_longwave(low: Array, high: Array, vapour: Array, clearness: Array) -> Array:
    """Outgoing longwave radiation [MJ m-2 day-1], FAO-56 equation 39; the clearness is held within 0.3 to 1."""
    emitted = STEFAN_BOLTZMANN * ((high + 273.16) ** 4 + (low + 273.16) ** 4) / 2
    with np.errstate(invalid="ignore"):
        return emitted * (0.34 - 0.14 * np.sqrt(vapour)) * (1.35 * np.clip(clearness, 0.3, 1) - 0.35)


def _rows(*fields: ArrayLike) -> tuple[list[Array], tuple[int, ...]]:
    """The fields as (pixels, t), all float32 or all float64, and their shape (..., t)."""
    arrays = [np.asarray(field) for field in fields]
    shape = np.broadcast_shapes(*(array.shape for array in arrays))
    if not shape or any(array.dtype.kind not in "fiu" for array in arrays):
        raise ValueError(f"fields of shapes {[array.shape for array in arrays]}; give numbers of shape (..., t)")
    whole = [array for array in arrays if array.ndim]
    dtype = np.float32 if all(array.dtype == np.float32 for array in whole) else np.float64
    flat = (int(np.prod(shape[:-1], dtype=int)), shape[-1])
    return [np.broadcast_to(array.astype(dtype, copy=False), shape).reshape(flat) for array in arrays], shape


def _per_pixel(value: ArrayLike, leading: tuple[int, ...], name: str) -> Array:
    """A scalar as (1, 1), one value a pixel as (pixels, 1)."""
    array = np.asarray(value, np.float64)
    if array.ndim == 0:
        return array.reshape(1, 1)
    try:
        return np.broadcast_to(array, leading).reshape(-1, 1)
    except ValueError:
        raise ValueError(f"{name} has shape {array.shape}; give a number or the pixels' shape {leading}") from None


def _latitudes(value: ArrayLike, leading: tuple[int, ...]) -> Array:
    array = _per_pixel(value, leading, "latitude")[:, 0]
    if (np.abs(array) > 90).any():
        raise ValueError(f"latitude reaches {array[np.nanargmax(np.abs(array))]}; give degrees between -90 and 90")
    return array


def _months(month: ArrayLike, steps: int) -> NDArray[np.intp]:
    months = np.asarray(month)
    if months.shape != (steps,) or not np.isin(months, np.arange(1, 13)).all():
        raise ValueError(f"month is {months} for {steps} steps; give one calendar month 1..12 for each")
    return months.astype(np.intp)


def _day_of_year(months: NDArray[np.intp], day: ArrayLike | None, convention: str) -> NDArray[Any]:
    return MID_MONTH[convention][months - 1] if day is None else np.broadcast_to(np.asarray(day), months.shape)


def _days(months: NDArray[np.intp], days: ArrayLike | None) -> NDArray[Any]:
    return MONTH_DAYS[months - 1] if days is None else np.broadcast_to(np.asarray(days), months.shape)


def _blocks(rows: Array) -> Iterator[slice]:
    """Slices of pixels that fit the cache."""
    size = max(1, BLOCK // max(1, rows.shape[1]))
    return (slice(start, start + size) for start in range(0, len(rows), size))


def _not_none(value: ArrayLike | None) -> ArrayLike:
    if value is None:
        raise ValueError("a value is missing")
    return value


def apply_datacube(cube: xr.DataArray, context: dict) -> xr.DataArray:
    """Potential evapotranspiration [mm/month] of a monthly cube (t, bands, y, x): (t, bands = ["pet"], y, x).

    Context: method "thornthwaite" (bands: tmean), "hargreaves" (default: tmin, tmean, tmax) or "penman_monteith" (tmin,
    tmean, tmax [deg C], radiation [MJ m-2 day-1], wind [m/s], vapour_pressure [kPa] or humidity [%]); convention of
    hargreaves. latitude [degrees] is a band or a number in the context, never the y coordinate; so is elevation [m],
    default 0. The labels of t give the month and its days.
    """
    method = context.get("method", "hargreaves")
    if method not in BANDS:
        raise ValueError(f"method is {method!r}; give one of {sorted(BANDS)}")
    cube = cube.transpose("t", "bands", "y", "x")
    field = {
        name: cube.sel(bands=name).values.transpose(1, 2, 0) for name in _needed(method, list(cube["bands"].values))
    }
    dates = pd.DatetimeIndex(cube["t"].values)
    place = {"latitude": _place(cube, context, "latitude", None), "month": dates.month.to_numpy()}
    days = dates.days_in_month.to_numpy()
    if method == "thornthwaite":
        pet = thornthwaite(**field, **place, days=days)
    elif method == "hargreaves":
        convention = context.get("convention", "fao56")
        pet = hargreaves(**field, **place, convention=convention, days=days if convention == "fao56" else None)
    else:
        pet = penman_monteith(**field, **place, elevation=_place(cube, context, "elevation", 0.0), days=days)
    result = pet.transpose(2, 0, 1)[:, None].astype(np.float32)
    coords = {"bands": ["pet"]} | {dim: cube[dim] for dim in ("t", "y", "x") if dim in cube.coords}
    return xr.DataArray(result, dims=("t", "bands", "y", "x"), coords=coords)


def _needed(method: str, bands: Sequence[str]) -> list[str]:
    """The bands a method takes; an error names those that are missing."""
    needed = list(BANDS[method])
    if method == "penman_monteith":
        needed.append("humidity" if "humidity" in bands and "vapour_pressure" not in bands else "vapour_pressure")
    missing = [name for name in needed if name not in bands]
    if missing:
        raise ValueError(f"{method} needs the bands {missing}; the cube has {list(bands)}")
    return needed


def _place(cube: xr.DataArray, context: dict[str, Any], name: str, default: float | None) -> Any:
    """A band that does not change with t, as (y, x), or a number of the context."""
    if name in cube["bands"].values:
        return cube.sel(bands=name).values[0] if cube.sizes["t"] else np.nan
    value = context.get(name, default)
    if value is None:
        raise ValueError(f"{name} is neither a band of {list(cube['bands'].values)} nor in the context")
    return float(value)
