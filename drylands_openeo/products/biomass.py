"""`biomass`: above-ground biomass by a trained model."""

from drylands_openeo.products.covariates import VEGETATION
from drylands_openeo.products.regression import regression_product

PRODUCT = regression_product(
    "biomass",
    band="agb",
    unit="g m-2",
    summary="Above-ground biomass",
    description=(
        "Applies a model that `drylands train` made from plots to the covariates that it names: red-edge indices, "
        "reflectance and its texture, NDVI and the dead fuel index by quarter. Each prediction comes with its interval "
        "and with whether the training plots speak for it."
    ),
    predictors=VEGETATION,
    limitations=("Dense stands saturate; the interval does not tell.",),
)
