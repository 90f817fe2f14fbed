"""Functions as users write them, small enough to be measured in microseconds by tests."""

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import (
    CategoricalParameter,
    Configuration,
    FloatParameter,
    Hyperparameter,
    IntParameter,
    Simplex,
    Space,
    when,
)
from reeltune.tasks.function import ReturnedFigures, objective

N_UNITS = 320

EXAMPLE_SPACE = Space.of(
    CategoricalParameter(name="kind", default="sine", choices=("sine", "flat"), meaning="of wave"),
    FloatParameter(
        name="rate",
        default=0.2,
        low=0.01,
        high=1.0,
        log=True,
        meaning="height of the wave",
        active_when=when(kind="sine"),
    ),
    IntParameter(name="depth", default=2, low=1, high=9, meaning="best in the middle"),
    Simplex(
        (
            Hyperparameter(name="near", default=0.5, low=0.0, high=1.0, meaning="a share"),
            Hyperparameter(name="far", default=0.5, low=0.0, high=1.0, meaning="the rest"),
        )
    ),
    FloatParameter(name="offset", default=0.0, low=0, high=2, meaning="stays", searched=False),
)


@objective(
    space=EXAMPLE_SPACE, metrics={"loss": "minimize", "share below 1": "maximize"}, n_units=N_UNITS
)
def of_some_units(configuration: Configuration, units: Ints) -> ReturnedFigures:
    """Measure units some at a time: what pruning and panels need."""
    losses = _losses(configuration, N_UNITS)[units]
    return {"loss": losses, "share below 1": (losses < 1).astype(np.float64)}


@objective(space=EXAMPLE_SPACE, metrics={"score": "maximize", "cost": "minimize"})
def of_all_units(configuration: Configuration) -> ReturnedFigures:
    """Measure all units at once, of which one has no value, and a cost of them all together."""
    scores: list[float | None] = (-_losses(configuration, 40)).tolist()
    return {"score": [None, *scores[1:]], "cost": float(configuration["depth"])}


def _losses(configuration: Configuration, n: int) -> Floats:
    """Return (n,) errors, one per unit."""
    wanted = np.random.default_rng(7).normal(size=n)
    height = float(configuration.get("rate", 0.0)) - 0.6
    found = float(configuration["near"]) * 0.3 + height * np.sin(np.arange(n))
    missed: Floats = (wanted - found - float(configuration["offset"])) ** 2
    return missed + 0.01 * (float(configuration["depth"]) - 5) ** 2
