"""The models that can be trained, each with the few settings that are tuned."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from drylands_openeo.errors import DrylandsError

Grid = Mapping[str, Sequence[Any]]

MODELS = {
    "cart": "classification and regression tree",
    "rf": "random forest",
    "svm": "support vector machine, radial kernel",
    "mlr": "multiple linear regression",
    "extratrees": "extremely randomised trees",
    "gbr": "gradient boosting",
}


def estimator(model: str, *, trees: int = 200, seed: int = 0) -> tuple[Any, Grid]:
    """A scikit-learn regressor and the grid of settings that tuning looks through."""
    if model not in MODELS:
        raise DrylandsError(f"model {model!r} is none of {', '.join(MODELS)}")
    leaves = {"regressor__min_samples_leaf": [1, 3, 8]}
    forests = {"n_estimators": trees, "max_features": 1 / 3, "random_state": seed, "n_jobs": 1}
    machine = make_pipeline(StandardScaler(), SVR())
    table: dict[str, tuple[Any, Grid]] = {
        "cart": (DecisionTreeRegressor(random_state=seed), {"max_depth": [2, 4, 6], "min_samples_leaf": [5, 15]}),
        "rf": (_standardised(RandomForestRegressor(**forests)), leaves),
        "extratrees": (_standardised(ExtraTreesRegressor(**forests)), leaves),
        "gbr": (
            _standardised(
                GradientBoostingRegressor(n_estimators=trees, learning_rate=0.05, subsample=0.7, random_state=seed)
            ),
            {"regressor__max_depth": [2, 3]},
        ),
        "mlr": (make_pipeline(StandardScaler(), LinearRegression()), {}),
        "svm": (
            _standardised(machine),
            {"regressor__svr__C": [0.3, 3.0, 30.0], "regressor__svr__epsilon": [0.05, 0.2]},
        ),
    }
    return table[model]


def _standardised(regressor: Any) -> Any:
    """Fitted to (y - mean) / sd: what ONNX computes in float32 is then right to a part of the sd, not of the mean."""
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())
