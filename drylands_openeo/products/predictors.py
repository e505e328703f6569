"""`predictors`: the covariates of soil carbon and biomass, each a band whose name says what it is."""

import calendar
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from openeo import DataCube

from drylands_openeo.area import Period
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products import masking
from drylands_openeo.products.components import covariate_cube
from drylands_openeo.products.covariates import SOIL, VEGETATION, covariates
from drylands_openeo.products.texture import SHAPE_PARAMETERS
from drylands_openeo.profiles import CLIMATE, DEM, OPTICAL, Profile


def quarters_of(temporal_extent: list[str]) -> list[list[list[str]]]:
    """For each calendar quarter its intervals [start, end) in the years of a period, cut to the period.

    >>> quarters_of(["2020-02-01", "2021-04-01"])[0]
    [['2020-02-01', '2020-04-01'], ['2021-01-01', '2021-04-01']]
    """
    period = Period.of(temporal_extent)
    first, last = period.start.date(), period.end.date()
    found: list[list[list[str]]] = [[], [], [], []]
    for year in range(first.year, last.year + 1):
        for quarter in range(4):
            start = date(year, 3 * quarter + 1, 1)
            end = date(year, 3 * quarter + 3, calendar.monthrange(year, 3 * quarter + 3)[1]) + timedelta(days=1)
            start, end = max(start, first), min(end, last)
            if start < end:
                found[quarter].append([start.isoformat(), end.isoformat()])
    return found


_INTERVAL = {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}

QUARTERS = Parameter(
    "quarters",
    "For each calendar quarter its intervals [start, end) in the years of the period. In a generated graph they follow "
    "from the period unless they are given.",
    {"type": "array", "items": {"type": "array", "items": _INTERVAL}, "minItems": 4, "maxItems": 4},
    derive=lambda arguments: quarters_of(arguments["temporal_extent"]),
)

BARE_PARAMETERS = (
    Parameter(
        "bare_ndvi",
        "NDVI up to which soil counts as bare.",
        {"type": "number", "minimum": 0, "maximum": 1},
        default=0.25,
    ),
    Parameter(
        "bare_nbr2",
        "NBR2 up to which soil counts as bare of dry plants.",
        {"type": "number", "maximum": 1},
        default=0.12,
    ),
)
"""Thresholds for drylands, where soil shows through thin cover all year; published ones are of Europe's fields."""


def parameters_for(names: Sequence[str]) -> tuple[Parameter, ...]:
    """What covariates depend on; what those of ``names`` do not need is fixed in a published process."""
    kinds = {one.kind for one in covariates(names)}
    text: dict[str, Any] = {"type": "string"}
    found = [
        *((QUARTERS,) if "quarter" in kinds else ()),
        *(replace(one, fixed="bare" not in kinds) for one in BARE_PARAMETERS),
        *(replace(one, fixed=one.fixed or "texture" not in kinds) for one in SHAPE_PARAMETERS),
        Parameter(
            DEM, "Address of a STAC collection with a terrain model; empty: the back-end's.", text, "", fixed=True
        ),
        Parameter("dem_band", "Its band.", {"type": "string", "minLength": 1}, default="DEM", fixed=True),
        Parameter(CLIMATE, "Address of a STAC collection with climate; empty: the back-end's.", text, "", fixed=True),
        *masking.PARAMETERS,
    ]
    return tuple(found)


def described(names: Sequence[str]) -> tuple[OutputBand, ...]:
    """The covariates as bands of a result."""
    return tuple(OutputBand(one.name, one.unit, one.text) for one in covariates(names))


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    return described(arguments["predictor"])


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    return covariate_cube(profile, covariates(arguments["predictor"]), arguments)


DEFAULT = tuple(dict.fromkeys((*SOIL, *VEGETATION)))

REFERENCES = (
    "Yang et al. (2021), doi:10.3389/fenvs.2021.668912",
    "Delegido et al. (2011), doi:10.3390/s110707063",
    "Haralick et al. (1973), doi:10.1109/TSMC.1973.4309314",
)

LIMITATIONS = (
    "A pixel that is never bare in the period has no bare-soil bands; lengthen the period or raise the thresholds.",
    "The thresholds of bare soil are a choice for drylands; where soils are dark or crusted check them.",
    "Two or more years fill quarters that cloud has emptied.",
    "Elevation and climate are interpolated; the outermost pixels have no slope.",
)

PRODUCT = Product(
    id="predictors",
    summary="Covariates of soil carbon and biomass: bare soil, quarters, curve, texture, terrain, climate",
    description=(
        "Bands to train a regression on and to apply it to. A name says what a band is: `ndvi` or `red`, the median "
        "over the period; `bare_red`, over the dates on which NDVI and NBR2 say that the soil lies bare; `ndvi_q3`, "
        "of a calendar quarter; `ndvi_amplitude`, of the seasonal curve; `nir_homogeneity`, texture; `elevation`, "
        "`slope`; `climate_<band>`, the mean of a climate band."
    ),
    inputs=(OPTICAL, DEM),
    parameters=(
        Parameter(
            "predictor",
            "Which covariates, by name.",
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
            default=list(DEFAULT),
            fixed=True,
        ),
        *parameters_for(DEFAULT),
    ),
    bands=_outputs,
    cube=_cube,
    performance="Only what the chosen covariates need is read and computed.",
    references=REFERENCES,
    limitations=LIMITATIONS,
    keywords=("Sentinel-2", "Vegetation", "Soils"),
    example={"quarters": quarters_of(["2021-01-01", "2024-01-01"]), "bare_ndvi": 0.25},
)
