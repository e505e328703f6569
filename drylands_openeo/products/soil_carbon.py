"""`soil_carbon`: organic carbon of the topsoil by a trained model."""

from drylands_openeo.products.covariates import SOIL
from drylands_openeo.products.regression import regression_product

PRODUCT = regression_product(
    "soil_carbon",
    band="soc",
    unit="g kg-1",
    summary="Soil organic carbon",
    description=(
        "Applies a model that `drylands train` made from soil samples to the covariates that it names: the reflectance "
        "of bare soil, NDVI and the dead fuel index by quarter, the seasonal curve, terrain, climate. Each prediction "
        "comes with its interval and with whether the training samples speak for it."
    ),
    predictors=SOIL,
    keywords=("Sentinel-2", "Soils"),
    references=("Yang et al. (2021), doi:10.3389/fenvs.2021.668912",),
    limitations=("Optical sensors see the surface: carbon below it is inferred from what goes along with it.",),
)
