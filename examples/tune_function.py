"""Function of one's own, tuned: exponential smoothing of daily sales, with no ratings anywhere.

reeltune tune examples/tune_function.py:forecast --configs 20 --db study.db
"""

from typing import Any

import numpy as np

import reeltune
from reeltune import CategoricalParameter, FloatParameter, Space, when

DAYS = np.arange(400)
SALES = (
    100
    + 0.1 * DAYS
    + 20 * np.sin(2 * np.pi * DAYS / 7)
    + np.random.default_rng(1).normal(scale=5, size=len(DAYS))
)
FIRST_DAY = 60  # that is forecast; the days before it are for warming up
SPACE = Space.of(
    FloatParameter(
        name="level", default=0.3, low=0.001, high=1.0, log=True, meaning="weight of today's level"
    ),
    CategoricalParameter(
        name="season", default="none", choices=("none", "weekday"), meaning="what comes back"
    ),
    FloatParameter(
        name="weekday",
        default=0.3,
        low=0.0,
        high=1.0,
        meaning="weight of today in its weekday",
        active_when=when(season="weekday"),
    ),
)


@reeltune.objective(
    space=SPACE,
    metrics={"error": "minimize", "worst day": "minimize"},
)
def forecast(configuration: dict[str, Any]) -> dict[str, Any]:
    """Forecast each day from those before it: an error per day, so that gains have intervals."""
    level, weekdays = SALES[0], np.zeros(7)
    errors = []
    for day, sold in enumerate(SALES):
        expected = level + weekdays[day % 7]
        if day >= FIRST_DAY:
            errors.append(abs(sold - expected))
        level += configuration["level"] * (sold - expected)
        weekdays[day % 7] += configuration.get("weekday", 0.0) * (sold - expected)
    return {"error": errors, "worst day": max(errors)}
