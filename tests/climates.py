"""Small climate files in any unit, calendar and layout, all of one truth."""

import json

import cftime
import numpy as np
import pandas as pd
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from scenes import write_band
from shapely.geometry import mapping

CELLS = GeoBox((3, 4), Affine(2, 0, 99, 0, -2, 47), "EPSG:4326")
LAT, LON = np.array([46.0, 44.0, 42.0]), np.array([100.0, 102.0, 104.0, 106.0])


def truth(first="1990-01", months=36):
    """Monthly precipitation and pet [mm], temperatures [deg C], radiation [MJ m-2 day-1]: (t, y, x) each."""
    t = pd.date_range(first, periods=months, freq="MS")
    season = np.cos(2 * np.pi * (t.month.to_numpy() - 7) / 12)[:, None, None]
    place = (np.arange(3)[:, None] + 0.1 * np.arange(4))[None]
    mean = 5 + 15 * season - place
    fields = {
        "precipitation": 30 + 20 * season + place + 0.3 * np.arange(months)[:, None, None] % 7,
        "pet": 60 + 50 * season + place,
        "tmin": mean - 6 - 0.2 * place,
        "tmean": mean,
        "tmax": mean + 7 + 0.1 * place,
        "radiation": 15 + 8 * season + 0 * place,
    }
    coords = {"time": t, "lat": LAT, "lon": LON}
    variables = {name: (("time", "lat", "lon"), values) for name, values in fields.items()}
    awc = ("lat", "lon"), 80 + 10 * place[0]
    return xr.Dataset({**variables, "awc": awc}, coords)


def with_units(dataset, **units):
    """Attributes ``units`` put on; awc in mm and coordinates in degrees."""
    given = dict.fromkeys(("tmin", "tmean", "tmax"), "degC") | {"precipitation": "mm/month", "pet": "mm/month"}
    given |= {"radiation": "MJ m-2 day-1", "awc": "mm"} | units
    for name in dataset.data_vars:
        dataset[name].attrs["units"] = given[name]
    dataset["lat"].attrs["units"], dataset["lon"].attrs["units"] = "degrees_north", "degrees_east"
    return dataset


def days_of(dataset):
    """Days of each month, to divide by."""
    return xr.DataArray(dataset.indexes["time"].days_in_month, dims="time", coords={"time": dataset["time"]})


def flux(dataset):
    """As models write it: kg m-2 s-1, K, W m-2 and their names, south first, longitudes from 0."""
    seconds = days_of(dataset) * 86400.0
    out = dataset.assign(
        precipitation=dataset.precipitation / seconds,
        pet=dataset.pet / seconds,
        radiation=dataset.radiation * 1e6 / 86400,
        **{name: dataset[name] + 273.15 for name in ("tmin", "tmean", "tmax")},
    )
    fluxes = dict.fromkeys(("precipitation", "pet"), "kg m-2 s-1") | dict.fromkeys(("tmin", "tmean", "tmax"), "K")
    names = {"precipitation": "pr", "pet": "evspsblpot", "tmin": "tasmin", "tmean": "tas", "tmax": "tasmax"}
    return (
        with_units(out, **fluxes, radiation="W m-2")
        .rename(names | {"radiation": "rsds"})
        .isel(lat=slice(None, None, -1))
    )


def metres(dataset):
    """As reanalyses write it: metres a day, degC, J m-2 by the day."""
    days = days_of(dataset) * 1000.0
    out = dataset.assign(
        precipitation=dataset.precipitation / days, pet=dataset.pet / days, radiation=dataset.radiation * 1e6
    )
    out = with_units(out, precipitation="m day**-1", pet="m/day", radiation="J m**-2 day**-1")
    return out.rename(precipitation="tp", pet="pev", tmean="t2m", tmin="mn2t", tmax="mx2t", radiation="ssrd")


def inches(dataset):
    """As climatologists of one country write it: inches and degF, summed over the month."""
    out = dataset.assign(
        precipitation=dataset.precipitation / 25.4,
        pet=dataset.pet / 25.4,
        awc=dataset.awc / 25.4,
        **{name: dataset[name] * 1.8 + 32 for name in ("tmin", "tmean", "tmax")},
    )
    scales = dict.fromkeys(("tmin", "tmean", "tmax"), "degF") | dict.fromkeys(("precipitation", "pet", "awc"), "inch")
    return with_units(out, **scales).rename(precipitation="prcp")


def daily(dataset, calendar="standard"):
    """Every day like its month's mean, in mm/day and degC, in a calendar; awc left out."""
    first, last = dataset.indexes["time"][0], dataset.indexes["time"][-1]
    end_day = {"360_day": 30}.get(calendar, last.days_in_month)
    days = xr.date_range(
        f"{first:%Y-%m-%d}",
        f"{last:%Y-%m}-{end_day:02d}",
        freq="D",
        calendar=calendar,
        use_cftime=calendar != "standard",
    )
    number = np.array([day.year * 12 + day.month for day in days])
    index = number - number[0]
    lengths = np.bincount(index)[index]
    out = dataset.drop_vars("awc").isel(time=index).assign_coords(time=days)
    amounts = {name: out[name] / lengths[:, None, None] for name in ("precipitation", "pet")}
    return with_units(out.assign(amounts), precipitation="mm d-1", pet="mm d-1")


def saved(dataset, path):
    """The file."""
    dataset.to_netcdf(path, engine="h5netcdf")
    return path


def mid_month(dataset, calendar="noleap"):
    """Months labelled by a day in their middle, in a calendar of climate models."""
    middles = [cftime.datetime(day.year, day.month, 15, calendar=calendar) for day in dataset.indexes["time"]]
    return dataset.assign_coords(time=middles)


def stac_items(dataset, folder):
    """An ItemCollection of the dataset: a COG a month and variable, in mm/day and K."""
    amounts = ("precipitation", "pet")
    features = []
    for index, month in enumerate(dataset.indexes["time"]):
        identity = f"climate-{month:%Y%m}"
        assets = {}
        for name in (*amounts, "tmin", "tmean", "tmax"):
            values = dataset[name].values[index].astype("float32")
            values = values / month.days_in_month if name in amounts else values + 273.15
            write_band(folder / identity / f"{name}.tif", values, CELLS, None)
            unit = "mm/day" if name in amounts else "K"
            assets[name] = {
                "href": f"{identity}/{name}.tif",
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "raster:bands": [{"unit": unit, "data_type": "float32"}],
                "proj:transform": list(CELLS.transform)[:6],
                "proj:shape": list(CELLS.shape),
            }
        properties = {"datetime": f"{month:%Y-%m}-01T00:00:00Z", "proj:code": "EPSG:4326"}
        features.append(
            {
                "type": "Feature", "stac_version": "1.0.0", "id": identity, "collection": "climate",
                "geometry": mapping(CELLS.extent.geom), "bbox": list(CELLS.extent.geom.bounds),
                "properties": properties, "assets": assets, "links": [],
            }
        )  # fmt: skip
    path = folder / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path
