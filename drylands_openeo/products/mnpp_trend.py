"""`mnpp_trend`: trends of production, of moisture-responded production and of moisture, on their raw annual series."""

from functools import reduce

from openeo import DataCube

from drylands_openeo.product import Arguments, OutputBand, Product
from drylands_openeo.products import mnpp
from drylands_openeo.products.indices import chosen
from drylands_openeo.products.trend import LIMITATIONS, REFERENCES, TREND_PARAMETERS, describe, trend_of
from drylands_openeo.profiles import CLIMATE, NPP, Profile

UNITS = {"npp": "gC m-2 year-1", "mnpp": "gC m-2 year-1", "mi": "1"}

TEXTS = {"npp": "annual NPP", "mnpp": "annual MNPP", "mi": "annual moisture index"}


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    return tuple(
        OutputBand(f"{name}_{band.name}", band.unit, f"{TEXTS[name]}: {band.description}")
        for name in mnpp.BANDS
        for band in describe(UNITS[name], arguments, TEXTS[name])
    )


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    annual = mnpp.moisture_response(profile, arguments)

    def trend(name: str) -> DataCube:
        found = trend_of(chosen(annual, [name]), profile, arguments)
        names = [band.name for band in describe(UNITS[name], arguments, name)]
        labels = [f"{name}_{band}" for band in names]
        return found.rename_labels(dimension=profile.band, target=labels, source=names)

    return reduce(DataCube.merge_cubes, map(trend, mnpp.BANDS))


PRODUCT = Product(
    id="mnpp_trend",
    summary="Trends of production, moisture-responded production and moisture: Theil-Sen and Mann-Kendall",
    description=(
        "Theil-Sen slope with its confidence interval and Mann-Kendall test of the annual series of NPP, MNPP and MI. "
        "The raw series are tested, not moving averages of them: those make neighbours alike, and the test finds "
        "trends in noise. `contingency` says what the three mean together."
    ),
    inputs=(NPP, CLIMATE),
    parameters=(*mnpp.PARAMETERS, *TREND_PARAMETERS),
    bands=_outputs,
    cube=_cube,
    performance="Three trend tests a pixel.",
    references=(*mnpp.REFERENCES, *REFERENCES),
    limitations=(*mnpp.LIMITATIONS, *LIMITATIONS),
    example=mnpp.PRODUCT.example,
)
