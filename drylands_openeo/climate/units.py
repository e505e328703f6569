"""Units as they stand in files -> ours: read, never guessed; parsed by pint with the CF spellings of cf-xarray."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from drylands_openeo.climate.variables import Variable
from drylands_openeo.errors import SourceError

Step = Literal["day", "month"]

CUBIC_METRES_A_KILOGRAM = 1e-3
"""Of water: 1 kg m-2 is 1 mm."""

HEIGHTS = {"u2": 2.0, "ws2": 2.0, "wind_2m": 2.0, "wind": 2.0, "sfcwind": 10.0, "ws10": 10.0, "si10": 10.0}
"""Names of wind that say their height [m]; CMIP's sfcWind is at 10 m, our own ``wind`` at 2 m."""

Per = Literal["step", "day", "month"]


@dataclass(frozen=True)
class Conversion:
    """ours = stored * scale + offset; an amount is then one of the whole ``per`` (a day, a month, or the time step)."""

    scale: float
    offset: float = 0.0
    per: Per = "step"


def conversion(
    ours: Variable, name: str, attributes: Mapping[str, Any], step: Step, *, stated: str | None = None, origin: str
) -> Conversion:
    """How the values of a file's variable ``name`` become ours.

    ``stated``: a unit that the caller vouches for, in the place of the file's. Raises SourceError, which says what was
    found and what would do, for a unit that is missing, is not understood, or measures something else.
    """
    text = stated if stated is not None else attributes.get("units")
    where = f"{origin}: variable {name!r} ({ours.name})"
    if text is None or (text == "" and ours.name != "humidity"):
        raise SourceError(f"{where} has no units; state them, e.g. {name}={_EXAMPLE[ours.name]}")
    unit = _parsed(str(text), where, ours)
    if ours.kind == "amount":
        return _of_amount(ours, unit, str(text), attributes, step, where, vouched=stated is not None)
    if ours.name == "radiation" and unit.is_compatible_with("J m-2"):
        if step == "month":
            raise SourceError(
                f"{where} is in {text!r} at monthly steps: a sum of the month or of a mean day? State J m-2 day-1 or so"
            )
        unit = unit / _registry().day
    affine = _affine(unit, ours.unit, where, str(text))
    if ours.name == "wind":
        return Conversion(affine.scale * _to_two_metres(name, attributes, where))
    return affine


@cache
def _registry() -> Any:
    """pint with the CF spellings; half a second to make, so only where a climate is read."""
    from cf_xarray.units import units

    return units


def _parsed(text: str, where: str, ours: Variable) -> Any:
    import pint

    try:
        return _registry().parse_units(text.replace("degrees_C", "degC"))
    except (pint.PintError, ValueError, TypeError, AssertionError) as error:
        raise SourceError(f"{where} has units {text!r}, which are not understood; {_wanted(ours)}") from error


def _of_amount(
    ours: Variable, unit: Any, text: str, attributes: Mapping[str, Any], step: Step, where: str, *, vouched: bool
) -> Conversion:
    """A depth of water: by the second, day or month, or of the whole step."""
    if unit.is_compatible_with("kg m-2 s-1") or unit.is_compatible_with("kg m-2"):
        factor, unit = CUBIC_METRES_A_KILOGRAM, unit / _registry().Unit("kg m-3")
    else:
        factor = 1.0
    if unit.is_compatible_with("m s-1"):
        per: Per = "month" if "month" in f"{unit:P}" else "day"
        plain = unit * _registry().month if per == "month" else unit * _registry().day
        scale = _registry().Quantity(factor, plain).to(ours.unit).magnitude
        return Conversion(float(scale), per=per)
    if not unit.is_compatible_with("m"):
        raise SourceError(f"{where} has units {text!r}, which do not measure a depth of water; {_wanted(ours)}")
    summed = "sum" in str(attributes.get("cell_methods", ""))
    if step == "month" and not (summed or vouched) and f"{unit:P}" == "meter":
        raise SourceError(
            f"{where} is in {text!r} at monthly steps: monthly means of ERA5 are metres a day although their unit "
            "says metres. State m/day or m/month"
        )
    return Conversion(float(_registry().Quantity(factor, unit).to(ours.unit).magnitude), per="step")


def _affine(unit: Any, target: str, where: str, text: str) -> Conversion:
    wanted = _registry().parse_units(target)
    if not unit.is_compatible_with(wanted):
        raise SourceError(f"{where} has units {text!r}, which cannot be converted to {target}")
    zero, one = (float(_registry().Quantity(value, unit).to(wanted).magnitude) for value in (0.0, 1.0))
    return Conversion(one - zero, zero)


def _to_two_metres(name: str, attributes: Mapping[str, Any], where: str) -> float:
    """FAO-56 equation 47, from the height of measurement [m], which the name or an attribute must say."""
    height = attributes.get("height", HEIGHTS.get(name.lower()))
    try:
        metres = float(str(height).removesuffix("m"))
    except ValueError:
        raise SourceError(
            f"{where} does not say its height; give the attribute height [m], or a name that does (u2, ws10, sfcWind)"
        ) from None
    return 4.87 / math.log(67.8 * metres - 5.42) if metres != 2 else 1.0


def _wanted(ours: Variable) -> str:
    return f"units such as {_EXAMPLE[ours.name]} would do"


_EXAMPLE = {
    "precipitation": "mm/month, mm/day or kg m-2 s-1",
    "pet": "mm/month, mm/day or kg m-2 s-1",
    "tmin": "degC or K",
    "tmean": "degC or K",
    "tmax": "degC or K",
    "awc": "mm",
    "radiation": "W m-2 or MJ m-2 day-1",
    "wind": "m s-1",
    "humidity": "%",
    "vapour_pressure": "kPa",
    "elevation": "m",
}
