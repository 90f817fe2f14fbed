"""Evaluation of one configuration on one part of the data, by every metric."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reeltune.domain.arrays import Floats

Part = Literal["validation", "test"]

LARGEST = 1e100  # of a value, so that sums of squares of differences are still finite


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Values of one configuration by metric name, for all units together and for each of U."""

    values: dict[str, float]  # by metric: the mean over the units that have one, NaN if none has
    per_unit: dict[str, Floats]  # (U,) each, NaN for units that have none; metrics of units only
    n_units: int  # units that were measured


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return `values` with None for what is NaN or infinite.

    >>> finite({"mrr": 0.5, "accuracy": float("nan")})
    {'mrr': 0.5, 'accuracy': None}
    """
    return {name: value if np.isfinite(value) else None for name, value in values.items()}
