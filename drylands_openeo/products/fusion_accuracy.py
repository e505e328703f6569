"""`fusion_accuracy`: how well each fine image is told from all others by `fusion`, pixel by pixel."""

from openeo import DataCube

from drylands_openeo.product import Arguments, OutputBand, Product
from drylands_openeo.products.formulas import INDICES
from drylands_openeo.products.fusion import (
    FUSION_PARAMETERS,
    KERNEL,
    LIMITATIONS,
    REFERENCES,
    both_sensors,
    fusion_context,
)
from drylands_openeo.profiles import COARSE, OPTICAL, Profile


def _outputs(arguments: Arguments) -> tuple[OutputBand, ...]:
    unit = INDICES[arguments["index"]].unit
    return (
        OutputBand("bias", unit, "mean of fused less observed, each image left out in turn"),
        OutputBand("rmse", unit, "root mean squared difference of fused and observed"),
        OutputBand("r", "1", "correlation of fused and observed"),
        OutputBand("left_out", "1", "images compared"),
    )


def _cube(profile: Profile, arguments: Arguments) -> DataCube:
    context = {**fusion_context(arguments), "accuracy": True}
    found = both_sensors(profile, arguments).reduce_dimension(dimension=profile.time, reducer=KERNEL.remote(**context))
    return found.rename_labels(dimension=profile.band, target=["bias", "rmse", "r", "left_out"])


PRODUCT = Product(
    id="fusion_accuracy",
    summary="Accuracy of the fused vegetation index, each image left out in turn",
    description=(
        "Every clear Sentinel-2 observation of the index against what `fusion` with the same arguments tells of its "
        "date without it: bias, root mean squared difference, correlation and the number of images, pixel by pixel. "
        "Publish it beside the fused series."
    ),
    inputs=(OPTICAL, COARSE),
    parameters=FUSION_PARAMETERS,
    bands=_outputs,
    cube=_cube,
    performance="As `fusion`.",
    references=REFERENCES,
    limitations=(
        *LIMITATIONS,
        "Images are left out whole: accuracy within a gap that is longer than those between the images is worse.",
    ),
    example={COARSE: "https://example.org/stac/ndvi300"},
)
