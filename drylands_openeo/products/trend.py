"""`trend`: Theil-Sen slope and Mann-Kendall test of a vegetation index, year by year."""

from typing import Any

from openeo import DataCube

from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.harmonic_ndvi import FAMILY, index_series
from drylands_openeo.products.masking import PARAMETERS
from drylands_openeo.profiles import OPTICAL, Profile

KERNEL = Kernel("trend")

STATISTICS = ("median", "mean", "max")

TREND_PARAMETERS = (
    Parameter(
        "unit",
        "The slope is per year or per decade.",
        {"type": "string", "enum": ["year", "decade"]},
        default="year",
        fixed=True,
    ),
    Parameter(
        "confidence",
        "Confidence of the slope's interval.",
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        default=0.95,
    ),
    Parameter(
        "exact",
        "Whether series of at most ten values take p from Kendall's own distribution.",
        {"type": "boolean"},
        default=False,
    ),
    Parameter(
        "autocorrelation",
        "Whether the tests that allow for serial correlation are given beside the plain one.",
        {"type": "boolean"},
        default=False,
        fixed=True,
    ),
)

REFERENCES = (
    "Sen (1968), doi:10.1080/01621459.1968.10480934",
    "Mann (1945), doi:10.2307/1907187",
    "Hamed and Rao (1998), doi:10.1016/S0022-1694(97)00125-X",
    "Yue et al. (2002), doi:10.1002/hyp.1095",
)

LIMITATIONS = (
    "The test is of a monotonic trend: a rise and a fall cancel.",
    "Many pixels are tested at once: of those without a trend a share of p is below p all the same; control the "
    "false-discovery rate before counting.",
)


def trend_of(annual: DataCube, profile: Profile, arguments: Arguments) -> DataCube:
    """Trend of a yearly cube of one band: dims (bands, y, x)."""
    names = ("unit", "confidence", "exact", "autocorrelation")
    fitted = annual.reduce_dimension(
        dimension=profile.time, reducer=KERNEL.remote(**{name: arguments[name] for name in names})
    )
    return fitted.rename_labels(dimension=profile.band, target=list(band_names(arguments)))


def band_names(arguments: Arguments) -> tuple[str, ...]:
    """The bands of a trend."""
    module: Any = KERNEL.module
    return (*module.BANDS, *(module.AWARE_BANDS if arguments["autocorrelation"] else ()))


def describe(unit: str, arguments: Arguments, what: str) -> tuple[OutputBand, ...]:
    """The bands of the trend of a quantity."""
    per = arguments["unit"]
    slope = f"{per}-1" if unit == "1" else f"{unit} {per}-1"
    texts = {
        "slope": (slope, f"Theil-Sen slope of {what}"),
        "intercept": (unit, "value of the Theil-Sen line at year 0"),
        "low": (slope, "lower bound of the slope's confidence interval"),
        "high": (slope, "upper bound of the slope's confidence interval"),
        "s": ("1", "Mann-Kendall score"),
        "z": ("1", "Mann-Kendall standard score"),
        "p": ("1", "two-sided probability of no monotonic trend"),
        "count": ("1", "years with data"),
        "p_hamed_rao": ("1", "the same, variance corrected for serial correlation (Hamed and Rao)"),
        "p_prewhitened": ("1", "the same of the series freed of its lag-1 autocorrelation"),
    }
    return tuple(OutputBand(name, *texts[name]) for name in band_names(arguments))


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    index = INDICES[arguments["index"]]
    return describe(index.unit, arguments, f"the annual {arguments['statistic']} of {index.name}")


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    def of_year(data: Any) -> Any:
        return (data.count() >= arguments["fewest"]).if_(accept=getattr(data, arguments["statistic"])())

    series = index_series(profile, arguments)
    return trend_of(series.aggregate_temporal_period(period="year", reducer=of_year), profile, arguments)


PRODUCT = Product(
    id="trend",
    summary="Trend of a vegetation index over the years: Theil-Sen slope, Mann-Kendall test",
    description=(
        "Median (or mean, or maximum) of the clear observations of every calendar year, Theil-Sen slope over the years "
        "with its confidence interval, and the Mann-Kendall test with its correction for ties, pixel by pixel."
    ),
    inputs=(OPTICAL,),
    parameters=(
        Parameter(
            "index",
            "The vegetation index.",
            {"type": "string", "enum": list(INDICES)},
            default="ndvi",
            open_schema={"type": "string", "enum": list(FAMILY)},
        ),
        Parameter(
            "statistic",
            "What stands for a year.",
            {"type": "string", "enum": list(STATISTICS)},
            default="median",
            fixed=True,
        ),
        Parameter(
            "fewest",
            "Clear observations that a year needs.",
            {"type": "integer", "minimum": 1, "maximum": 366},
            default=6,
        ),
        *TREND_PARAMETERS,
        *PARAMETERS,
    ),
    bands=_outputs,
    cube=_cube,
    performance="Reads every date of the period. Eight years or more make a test worth while.",
    references=REFERENCES,
    limitations=(
        *LIMITATIONS,
        "A year's median follows the season in which it was clear; `harmonic_ndvi` with a trend does not.",
    ),
    example={"index": "ndvi", "fewest": 6},
)
