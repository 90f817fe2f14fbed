"""Hyperparameters and limits that families of gradient boosting share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reeltune.domain.parameters import Condition, FloatParameter, IntParameter, Parameter
from reeltune.table_models.family import FitSize

MAX_BOOSTED = 1_500
TYPICAL_STEPS = 8.0  # sum of the learning rates after which boosting has mostly stopped


def share(
    family: str, name: str, default: float, meaning: str, active: Sequence[Condition]
) -> Parameter:
    """Return the hyperparameter of a share of rows or features."""
    return FloatParameter(
        name=f"{family}.{name}",
        default=default,
        low=0.3,
        high=1.0,
        meaning=meaning,
        active_when=tuple(active),
    )


def logarithmic(
    family: str,
    name: str,
    default: float,
    bounds: tuple[float, float],
    meaning: str,
    active: Sequence[Condition],
) -> Parameter:
    """Return a hyperparameter on a logarithmic axis; whole where its bounds are."""
    low, high = bounds
    kind = IntParameter if isinstance(low, int) and isinstance(high, int) else FloatParameter
    return kind(
        name=f"{family}.{name}",
        default=default,
        low=low,
        high=high,
        log=True,
        meaning=meaning,
        active_when=tuple(active),
    )


def learning_rate(family: str, default: float, active: Sequence[Condition]) -> Parameter:
    """Return the hyperparameter of how far each tree goes."""
    return logarithmic(family, "learning_rate", default, (0.015, 0.3), "share of each tree", active)


def boosting_cost(size: FitSize, values: Mapping[str, Any], leaves: float) -> float:
    """Return about how many seconds boosting on histograms takes on one core."""
    n_trees = (
        TYPICAL_STEPS / values["learning_rate"] * (size.n_outputs if size.n_outputs > 2 else 1)
    )
    rows = size.n_rows * (size.n_features * float(np.log2(leaves + 1)) * 6e-10 + 2e-8)
    histograms = size.n_features * 256 * leaves * 4e-9
    return float(0.05 + n_trees * (rows + histograms + 1e-4))
