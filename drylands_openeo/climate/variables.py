"""The variables of a monthly climate: our name and unit, the names they go by elsewhere, and what is plausible."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drylands_openeo.errors import SourceError
from drylands_openeo.profiles import CLIMATE

__all__ = ["BANDS", "CLIMATE", "LATITUDE", "VARIABLES", "Kind", "Variable", "listed", "recognised", "variable"]

Kind = Literal["amount", "mean", "static"]


@dataclass(frozen=True)
class Variable:
    """One variable.

    ``kind``: "amount" adds up over a month, "mean" is averaged, "static" does not change. ``names``: what files call
    it; ``standard_names`` of CF, with ``method`` among the cell methods where one name serves several.
    ``low`` and ``high``: beyond these [unit] the values are not what the file says.
    """

    name: str
    unit: str
    kind: Kind
    names: tuple[str, ...]
    standard_names: tuple[str, ...]
    low: float
    high: float
    method: str | None = None

    def is_called(self, name: str, attributes: Mapping[str, Any]) -> bool:
        """Whether a file's variable is this one, by its name, or else by its CF attributes."""
        if name.lower() in self.names:
            return True
        if any(name.lower() in other.names for other in VARIABLES) or not self.standard_names:
            return False
        methods = str(attributes.get("cell_methods", "")).lower()
        return attributes.get("standard_name") in self.standard_names and (
            self.method is None or self.method in methods
        )


VARIABLES = (
    Variable(
        "precipitation", "mm", "amount",
        ("precipitation", "pr", "precip", "precipitation_flux", "total_precipitation", "tp", "ppt", "pre", "prcp",
         "rain", "rainfall", "precipitation-flux"),
        ("precipitation_flux", "lwe_precipitation_rate", "precipitation_amount",
         "lwe_thickness_of_precipitation_amount", "rainfall_flux", "rainfall_rate", "thickness_of_rainfall_amount"),
        -1.0, 12_000.0,
    ),
    Variable(
        "tmin", "degC", "mean",
        ("tmin", "tasmin", "tmn", "mn2t", "t2m_min", "tmmn", "temperature_min", "2m_temperature_min",
         "temperature-min", "minimum_temperature"),
        ("air_temperature",), -90.0, 60.0, "minimum",
    ),
    Variable(
        "tmean", "degC", "mean",
        ("tmean", "tas", "tmp", "t2m", "tavg", "temp", "temperature", "air_temperature", "t2m_mean",
         "temperature_mean", "2m_temperature_mean", "temperature-mean", "mean_temperature"),
        ("air_temperature",), -90.0, 60.0, "mean",
    ),
    Variable(
        "tmax", "degC", "mean",
        ("tmax", "tasmax", "tmx", "mx2t", "t2m_max", "tmmx", "temperature_max", "2m_temperature_max",
         "temperature-max", "maximum_temperature"),
        ("air_temperature",), -90.0, 60.0, "maximum",
    ),
    Variable(
        "pet", "mm", "amount",
        ("pet", "evspsblpot", "pev", "et0", "eto", "potential_evaporation", "potential_evapotranspiration"),
        ("water_potential_evaporation_flux", "water_potential_evaporation_amount",
         "lwe_thickness_of_water_potential_evaporation_amount", "water_potential_evapotranspiration_flux"),
        -50.0, 1500.0,
    ),
    Variable(
        "awc", "mm", "static",
        ("awc", "awhc", "whc", "available_water_capacity", "available_water_holding_capacity", "soil_awc"),
        (), 0.0, 5000.0,
    ),
    Variable(
        "radiation", "MJ m-2 day-1", "mean",
        ("radiation", "rsds", "ssrd", "srad", "swdown", "solar_radiation", "solar_radiation_flux",
         "solar-radiation-flux"),
        ("surface_downwelling_shortwave_flux_in_air", "surface_downwelling_shortwave_flux",
         "integral_wrt_time_of_surface_downwelling_shortwave_flux_in_air"),
        -0.1, 45.0,
    ),
    Variable(
        "wind", "m s-1", "mean",
        ("wind", "u2", "ws2", "wind_2m", "sfcwind", "ws", "ws10", "si10", "wind_speed", "wind-speed", "u10_speed"),
        ("wind_speed",), 0.0, 60.0,
    ),
    Variable(
        "humidity", "percent", "mean",
        ("humidity", "hurs", "rh", "rhum", "relative_humidity"), ("relative_humidity",), 0.0, 110.0,
    ),
    Variable(
        "vapour_pressure", "kPa", "mean",
        ("vapour_pressure", "vap", "vapr", "vp", "vapour-pressure", "vapor_pressure"),
        ("water_vapor_partial_pressure_in_air",), 0.0, 8.0,
    ),
    Variable(
        "elevation", "m", "static",
        ("elevation", "orog", "dem", "altitude", "height_above_sea_level", "topo"),
        ("surface_altitude", "height_above_mean_sea_level"), -500.0, 9000.0,
    ),
)  # fmt: skip

BY_NAME = {variable.name: variable for variable in VARIABLES}

LATITUDE = "latitude"
"""A band made from the grid [degrees north]: a function on a back-end must not take positions from coordinates."""

BANDS = (*BY_NAME, LATITUDE)


def variable(name: str) -> Variable:
    """The variable of one of our names.

    >>> variable("tmin").unit
    'degC'
    """
    if name not in BY_NAME:
        raise SourceError(f"{name!r} is no variable of a climate; there are {', '.join(BANDS)}")
    return BY_NAME[name]


def recognised(found: Mapping[str, Mapping[str, Any]], origin: str) -> dict[str, str]:
    """Our name -> the file's, of the variables ``found`` (name -> attributes); two for one name are an error.

    >>> recognised({"pr": {}, "t": {"standard_name": "air_temperature", "cell_methods": "time: maximum"}}, "here")
    {'precipitation': 'pr', 'tmax': 't'}
    """
    chosen = {}
    for ours in VARIABLES:
        names = [name for name, attributes in found.items() if ours.is_called(name, attributes)]
        exact = [name for name in names if name == ours.name]
        if len(names) > 1 and not exact:
            raise SourceError(f"{origin}: both {names[0]!r} and {names[1]!r} could be {ours.name}; rename or drop one")
        if names:
            chosen[ours.name] = (exact or names)[0]
    return chosen


def listed(names: Iterable[str]) -> str:
    """Names for a message."""
    return ", ".join(names) or "none"
