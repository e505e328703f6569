"""`vegetation_response`: how strongly, and how many months later, vegetation follows drought."""

from openeo import DataCube

from drylands_openeo.kernel import Kernel
from drylands_openeo.product import Arguments, OutputBand, Parameter, Product, is_open
from drylands_openeo.products.climate import PET_PARAMETERS
from drylands_openeo.products.drought import DROUGHT_PARAMETERS, INDEX_BANDS, TEMPORAL, drought_cube
from drylands_openeo.products.drought import LIMITATIONS as OF_DROUGHT
from drylands_openeo.products.drought import REFERENCES as DROUGHT_REFERENCES
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.harmonic_ndvi import FAMILY, index_series
from drylands_openeo.products.masking import PARAMETERS
from drylands_openeo.profiles import CLIMATE, OPTICAL, Profile

KERNEL = Kernel("response")

OUTPUTS = (
    OutputBand("lag", "month", "lag of the strongest response: vegetation so many months after drought"),
    OutputBand("r", "1", "correlation of vegetation with the drought index at that lag, season and trend removed"),
    OutputBand("p", "1", "two-sided probability of no correlation at that lag, effective sample size"),
    OutputBand("p_any", "1", "the same for the best of all lags tried"),
    OutputBand("effective", "1", "effective number of months"),
    OutputBand("count", "1", "months in common"),
)


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    return OUTPUTS


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    climate = {**arguments, "temporal_extent": arguments["climate_extent"]}
    index = arguments["drought_index"]
    drought = drought_cube(profile, climate).filter_bands([INDEX_BANDS[index][0]])
    # Both by month and by the same process, so that both carry the same labels.
    monthly = drought.aggregate_temporal_period(period="month", reducer="mean")
    green = index_series(profile, arguments).aggregate_temporal_period(period="month", reducer="median")
    vegetation = "vegetation"
    if is_open(arguments["index"]):
        green = green.reduce_dimension(dimension=profile.band, reducer="first")
        green = green.add_dimension(name=profile.band, label=vegetation, type="bands")
    else:
        vegetation = arguments["index"]
    both = green.merge_cubes(monthly.resample_cube_spatial(green, method="near"))
    context = {
        "vegetation": vegetation,
        "drought": INDEX_BANDS[index][0],
        **{name: arguments[name] for name in ("largest_lag", "season", "fewest")},
    }
    found = both.reduce_dimension(dimension=profile.time, reducer=KERNEL.remote(**context))
    return found.rename_labels(dimension=profile.band, target=[band.name for band in OUTPUTS])


PRODUCT = Product(
    id="vegetation_response",
    summary="Response of vegetation to drought: strongest correlation and its lag",
    description=(
        "Monthly median of a vegetation index and a drought index (self-calibrated Palmer index, in a generated graph "
        "also SPI or SPEI), both without their mean season and linear trend, correlated at lags of 0 to 12 months: the "
        "highest correlation, its lag, its probability with the effective sample size of Bretherton et al. (1999)."
    ),
    inputs=(OPTICAL, CLIMATE),
    parameters=(
        Parameter(
            "index",
            "The vegetation index.",
            {"type": "string", "enum": list(INDICES)},
            default="ndvi",
            open_schema={"type": "string", "enum": list(FAMILY)},
        ),
        Parameter(
            "climate_extent",
            "Period of the climate, [start, end), from a January on: longer than that of the images, for the drought "
            "index to be calibrated. In a generated graph the period of the images unless given.",
            TEMPORAL,
            derive=lambda arguments: arguments["temporal_extent"],
        ),
        Parameter("largest_lag", "Lags tried [months].", {"type": "integer", "minimum": 0, "maximum": 36}, default=12),
        Parameter(
            "season",
            "Calendar months whose vegetation counts.",
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 1, "maximum": 12},
                "minItems": 1,
                "uniqueItems": True,
            },
            default=list(range(1, 13)),
        ),
        Parameter("fewest", "Months in common, at least.", {"type": "integer", "minimum": 4}, default=24),
        *DROUGHT_PARAMETERS,
        *PET_PARAMETERS,
        *PARAMETERS,
    ),
    bands=_outputs,
    cube=_cube,
    performance="Reads every image of the period; the drought index is computed on the climate's own coarse grid.",
    references=(
        "Bretherton et al. (1999), doi:10.1175/1520-0442(1999)012<1990:TENOSD>2.0.CO;2",
        *DROUGHT_REFERENCES,
    ),
    limitations=(
        "The best of several lags is a choice: p_any allows for it, p does not.",
        "A few years of images hold few droughts: the effective number of months says how few.",
        *OF_DROUGHT,
    ),
    example={
        "index": "ndvi",
        "latitude": 42.45,
        "awc": 100,
        "calibration": [1991, 2020],
        "climate_extent": ["1991-01-01", "2024-01-01"],
    },
)
