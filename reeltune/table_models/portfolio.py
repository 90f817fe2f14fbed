"""Portfolio: configurations that a search begins with, a linear one among the first."""

from collections.abc import Mapping
from typing import Any

from reeltune.domain.parameters import Configuration
from reeltune.domain.space import Space
from reeltune.table_models.families import FAMILY
from reeltune.tabular.target import Prediction

_CLASSES: tuple[Mapping[str, Any], ...] = (
    {FAMILY: "logistic"},
    {FAMILY: "extra_trees"},
    {
        FAMILY: "xgboost",
        "xgboost.depth": 4,
        "xgboost.learning_rate": 0.1,
        "xgboost.feature_share": 0.6,
    },
    {
        FAMILY: "lightgbm",
        "lightgbm.leaves": 8,
        "lightgbm.learning_rate": 0.1,
        "lightgbm.random_thresholds": True,
    },
    {FAMILY: "logistic", "logistic.penalty": 0.03},
)
_NUMBERS: tuple[Mapping[str, Any], ...] = (
    {FAMILY: "ridge"},
    {FAMILY: "extra_trees"},
    {
        FAMILY: "xgboost",
        "xgboost.depth": 5,
        "xgboost.learning_rate": 0.08,
        "xgboost.feature_share": 0.7,
    },
    {
        FAMILY: "lightgbm",
        "lightgbm.leaves": 12,
        "lightgbm.learning_rate": 0.1,
        "lightgbm.random_thresholds": True,
    },
    {FAMILY: "lasso"},
)


def portfolio(space: Space, prediction: Prediction) -> list[Configuration]:
    """Return configurations that are good on different tables, in the order to try them."""
    chosen = _CLASSES if prediction is Prediction.CLASSES else _NUMBERS
    return [space.checked(space.overlaid(space.defaults(), each)) for each in chosen]
