"""`harmonic_ndvi`: the seasonal curve of a vegetation index, its coefficients, phase, peak and fit, pixel by pixel."""

from itertools import product as combinations
from typing import Any

from openeo import DataCube
from openeo.internal.graph_building import PGNode

from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product, is_open
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.indices import bands_of, chosen, index_cube
from drylands_openeo.products.masking import PARAMETERS, load_clear
from drylands_openeo.profiles import OPTICAL, Profile

KERNEL = Kernel("harmonic_ndvi")

FAMILY = tuple(name for name, index in INDICES.items() if set(index.bands) == {"nir", "red"})
"""The indices of red and near infrared: a user-defined process lets its caller choose among them."""

HARMONICS = (1, 2, 3)

FIT_PARAMETERS = (
    Parameter(
        "index",
        "The vegetation index whose series is fitted.",
        {"type": "string", "enum": list(INDICES)},
        default="ndvi",
        open_schema={"type": "string", "enum": list(FAMILY)},
    ),
    Parameter(
        "harmonics",
        "Number of waves a year: 1 for one season, 2 or 3 where the curve is skewed or has two seasons.",
        {"type": "integer", "minimum": min(HARMONICS), "maximum": max(HARMONICS)},
        default=1,
    ),
    Parameter("trend", "Whether the curve has a linear trend.", {"type": "boolean"}, default=False),
    Parameter(
        "method",
        "ols: least squares; huber: robust to outliers on both sides; hants: drops samples far below the curve, which "
        "suits an index that residual cloud lowers.",
        {"type": "string", "enum": ["ols", "huber", "hants"]},
        default="ols",
    ),
    *PARAMETERS,
)

LIMITATIONS = (
    "Cloud that the scene classification misses lowers the curve; method hants is made for that. Its tolerance of 0.05 "
    "is meant for indices of the size of NDVI.",
    "A pixel with too few or too unevenly spread clear observations is no data; band count tells how many there were.",
    "One curve serves the whole period: an abrupt change is smeared into the trend and the rmse.",
)

REFERENCES = (
    "Eastman et al. (2009), doi:10.1080/01431160902755338",
    "Huber (1964), doi:10.1214/aoms/1177703732",
    "Roerink et al. (2000), doi:10.1080/014311600209814",
    "Tucker (1979), doi:10.1016/0034-4257(79)90013-0",
)


def index_series(profile: Profile, arguments: Arguments) -> DataCube:
    """The clear series of the chosen index: dims (t, bands=1, y, x)."""
    index = arguments["index"]
    names = FAMILY if is_open(index) else (index,)
    series = index_cube(load_clear(profile, bands_of(names), arguments), profile, names)
    return chosen(series, [index]) if is_open(index) else series


def fit_context(arguments: Arguments) -> dict[str, Any]:
    """What the kernel is told."""
    return {name: arguments[name] for name in ("harmonics", "trend", "method")}


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    unit = INDICES[arguments["index"]].unit
    return tuple(_band(name, unit) for name in KERNEL.module.outputs(arguments["harmonics"], arguments["trend"]))


def _band(name: str, unit: str) -> OutputBand:
    stem, number = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")) :]
    a_year = "year-1" if unit == "1" else f"{unit} year-1"
    of_wave = f" of wave {number}" if number else ""
    units, texts = {
        "c": (unit, "constant of the curve; with a trend, its value at 2000-01-01"),
        "trend": (a_year, "linear trend"),
        "sin": (unit, f"coefficient of the sine{of_wave}"),
        "cos": (unit, f"coefficient of the cosine{of_wave}"),
        "mean": (unit, "mean of the curve; with a trend, in the middle of the observed period"),
        "amplitude": (unit, f"half the seasonal range{of_wave}"),
        "phase": ("rad", f"phase{of_wave}: atan2(cos, sin); 0 peaks in April, pi/2 in January, -pi/2 in July"),
        "peak_day": ("day", "day of the year on which the seasonal curve is highest"),
        "rmse": (unit, "root mean squared residual of the observations used"),
        "count": ("1", "clear observations"),
    }[stem]
    return OutputBand(name, units, texts)


def _target(arguments: Arguments) -> Any:
    """The labels of the result: a list, or nested ``if`` where harmonics and trend are left to the caller."""
    harmonics, trend = arguments["harmonics"], arguments["trend"]
    if not (is_open(harmonics) or is_open(trend)):
        return KERNEL.module.outputs(harmonics, trend)
    names = {key: KERNEL.module.outputs(*key) for key in combinations(HARMONICS, (True, False))}
    by_trend = [PGNode("if", value=trend, accept=names[count, True], reject=names[count, False]) for count in HARMONICS]
    target = by_trend[-1]
    for count, labels in zip(HARMONICS[-2::-1], by_trend[-2::-1], strict=True):
        target = PGNode("if", value=PGNode("eq", x=harmonics, y=count), accept=labels, reject=target)
    return target


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    fitted = index_series(profile, arguments).reduce_dimension(
        dimension=profile.time, reducer=KERNEL.remote(**fit_context(arguments))
    )
    return fitted.rename_labels(dimension=profile.band, target=_target(arguments))


PRODUCT = Product(
    id="harmonic_ndvi",
    summary="Seasonal curve of a vegetation index: mean, amplitude, phase, peak day, trend",
    description=(
        "Fits y(t) = c0 [+ trend t] + sum over k of [sin_k sin(2 pi k t) + cos_k cos(2 pi k t)], t in years of "
        "365.2425 days since 2000-01-01, to the clear Sentinel-2 observations of a vegetation index, pixel by pixel. "
        "Amplitude and phase say how strong the season is and when it comes; mean and trend how green the land is and "
        "whether it loses. The bands are named in the order of the fit for any number of harmonics, with or without "
        "a trend."
    ),
    inputs=(OPTICAL,),
    parameters=FIT_PARAMETERS,
    bands=_outputs,
    cube=_cube,
    performance=(
        "Reads red, near infrared and the scene classification of every date; reading is what takes the time. The "
        "robust methods fit each pixel several times over. Two to five years give a stable season."
    ),
    references=REFERENCES,
    limitations=LIMITATIONS,
    example={"index": "ndvi", "harmonics": 1, "trend": True, "method": "hants"},
)
