"""`npp`: net primary production, by CASA month by month or from somebody else's product, in one band and unit."""

from openeo import DataCube

from drylands_openeo.errors import DrylandsError
from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product, is_open
from drylands_openeo.products import harmonic_series
from drylands_openeo.products.auxiliary import address, load_auxiliary, named, with_climate
from drylands_openeo.products.climate import PET_LIMITATIONS, PET_PARAMETERS, PET_REFERENCES, load_climate, pet_cube
from drylands_openeo.profiles import CLIMATE, NPP, OPTICAL, Profile

KERNEL = Kernel("npp")

CLIMATE_BANDS = ("radiation", "tmean", "precipitation")

DAYS = {"month": 30.436875, "year": 365.2425}
"""Mean length of the periods [days], Gregorian."""

CONSTANTS = ("efficiency", "ndvi_low", "ndvi_high")

_SHARE = {"type": "number", "exclusiveMinimum": -1, "exclusiveMaximum": 1}


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    period = arguments["step"]
    return (OutputBand("npp", f"g m-2 {period}-1", f"net primary production, carbon, of each {period}"),)


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    if arguments["method"] == "casa":
        return _casa(profile, arguments)
    return _external(profile, arguments)


def _casa(profile: Profile, arguments: Arguments) -> DataCube:
    if arguments["step"] == "year":
        _check_whole_years(arguments["dates"])
    fit = {"index": "ndvi", "harmonics": arguments["harmonics"], "trend": False, "method": "hants"}
    ndvi = harmonic_series.PRODUCT.cube(profile, {**arguments, **fit})
    source = with_climate(profile, arguments[CLIMATE], CLIMATE_BANDS)
    climate = load_climate(source, CLIMATE_BANDS, arguments).merge_cubes(pet_cube(source, arguments))
    months = [
        cube.aggregate_temporal_period(period="month", reducer="mean", dimension=profile.time)
        for cube in (ndvi, climate)
    ]
    inputs = months[0].merge_cubes(months[1].resample_cube_spatial(months[0], method="bilinear"))
    context = {**{name: arguments[name] for name in CONSTANTS}, "annual": arguments["step"] == "year"}
    made = inputs.apply_dimension(dimension=profile.time, process=KERNEL.remote(**context))
    return made.rename_labels(dimension=profile.band, target=["npp"])


def _external(profile: Profile, arguments: Arguments) -> DataCube:
    """Totals are summed; of daily rates the mean is taken and multiplied by the days of the period."""
    loaded = load_auxiliary(profile, NPP, [arguments["npp_band"]], arguments)
    total, period, factor = arguments["method"] == "total", arguments["step"], arguments["factor"]
    reduced = loaded.aggregate_temporal_period(
        period=period,
        reducer=(lambda data: data.sum(ignore_nodata=False)) if total else "mean",
        dimension=profile.time,
    )
    scaled = reduced.apply(process=lambda x: x * factor if total else x * factor * DAYS[period])
    return named(scaled, profile, [arguments["npp_band"]], ["npp"])


def _check_whole_years(dates: object) -> None:
    if is_open(dates) or not isinstance(dates, list):
        return
    months = [date[:7] for date in dates]
    if len(set(months)) != len(months) or len(months) % 12:
        raise DrylandsError(
            f"parameter 'dates': {len(months)} dates from {dates[0]} to {dates[-1]}; annual totals need one in every "
            "month of whole years: give a period of whole years, or step=month"
        )


PRODUCT = Product(
    id="npp",
    summary="Net primary production by the CASA model, or from another product, a year or a month",
    description=(
        "NPP = APAR e, by month: the light that the canopy takes up, from the curve of NDVI that `harmonic_series` "
        "fits, times an efficiency lowered by heat, cold and drought (CASA). The climate is that of the other "
        "products: radiation, mean temperature, precipitation and what potential evapotranspiration is made of, on any "
        "grid. With method `total` or `rate` the band is taken from another product instead, in the same unit."
    ),
    inputs=(OPTICAL, CLIMATE),
    parameters=(
        Parameter(
            "method",
            "casa; total: somebody's NPP whose values are totals of their steps; rate: values a day.",
            {"type": "string", "enum": ["casa", "total", "rate"]},
            default="casa",
            fixed=True,
        ),
        Parameter(
            "step",
            "Totals a month or a year.",
            {"type": "string", "enum": ["month", "year"]},
            default="year",
            fixed=True,
        ),
        next(parameter for parameter in harmonic_series.PRODUCT.parameters if parameter.name == "dates"),
        Parameter(
            "harmonics", "Waves a year of the NDVI curve.", {"type": "integer", "minimum": 1, "maximum": 3}, default=2
        ),
        Parameter(
            "efficiency",
            "Largest light-use efficiency [gC MJ-1]; the result is proportional to it.",
            {"type": "number", "exclusiveMinimum": 0, "maximum": 5},
            default=0.542,
        ),
        Parameter("ndvi_low", "NDVI without green cover.", _SHARE, default=0.023),
        Parameter("ndvi_high", "NDVI of full green cover.", _SHARE, default=0.634),
        address(CLIMATE, "monthly climate: radiation [MJ m-2 day-1], tmean [degC], precipitation [mm], input of pet"),
        *PET_PARAMETERS,
        Parameter(
            NPP,
            "Address of a STAC collection with NPP, for method total or rate; empty: the back-end's collection.",
            {"type": "string"},
            default="",
            fixed=True,
        ),
        Parameter("npp_band", "Its band.", {"type": "string", "minLength": 1}, default="npp", fixed=True),
        Parameter(
            "factor",
            "What its values are multiplied by to be gC m-2 a step (total) or a day (rate): 1000 where they are kgC "
            "m-2; 0.045 for dry matter in kg ha-1 day-1 of which 45 % is carbon.",
            {"type": "number", "exclusiveMinimum": 0},
            default=1.0,
            fixed=True,
        ),
        *(p for p in harmonic_series.PRODUCT.parameters if p.name in ("keep", "erosion", "dilation")),
    ),
    bands=_outputs,
    cube=_cube,
    performance="As `harmonic_series`; climate is coarse and costs little.",
    references=(
        "Potter et al. (1993), doi:10.1029/93GB02725",
        "Roerink et al. (2000), doi:10.1080/014311600209814",
        *PET_REFERENCES,
    ),
    limitations=(
        "Published efficiencies differ fivefold among vegetation types: calibrate where plots exist.",
        "The efficiency of one vegetation type is used everywhere.",
        "The seasonal curve is the same every year; years differ by their climate alone. For years that differ in "
        "greenness run one year at a time.",
        "Climate is interpolated to the pixels of Sentinel-2; it has no detail of its own there.",
        "Water reaches plants in the month of its rain: there is no store in the soil, no snow and no groundwater.",
        *PET_LIMITATIONS,
    ),
    example={
        "dates": [f"2021-{month:02d}-15" for month in range(1, 13)],
        "climate": "https://stac.example.org/collections/climate",
        "latitude": 42.45,
    },
)
