"""Functions as users write them, small enough to be measured in microseconds by tests."""

import numpy as np

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import Configuration, Fixed, Hyperparameter, Simplex, Single, Space
from reeltune.tasks.function import Figures, objective

N_UNITS = 320

SPACE = Space(
    (
        Single(Hyperparameter(name="rate", default=0.2, low=0.0, high=1.0, meaning="")),
        Single(Hyperparameter(name="depth", default=2, low=1, high=9, meaning="", integer=True)),
        Simplex(
            (
                Hyperparameter(name="near", default=0.5, low=0.0, high=1.0, meaning=""),
                Hyperparameter(name="far", default=0.5, low=0.0, high=1.0, meaning=""),
            )
        ),
        Fixed(
            Hyperparameter(name="offset", default=1.0, low=0, high=2, meaning="", searched=False)
        ),
    )
)


@objective(space=SPACE, metrics={"loss": "minimize", "share below 1": "maximize"}, n_units=N_UNITS)
def of_some_units(configuration: Configuration, units: Ints) -> Figures:
    """Measure units some at a time: what pruning and panels need."""
    losses = _losses(configuration, N_UNITS)[units]
    return {"loss": losses, "share below 1": (losses < 1).astype(np.float64)}


@objective(space=SPACE, metrics={"score": "maximize", "cost": "minimize"})
def of_all_units(configuration: Configuration) -> Figures:
    """Measure all units at once, of which one has no value, and a cost of them all together."""
    scores: list[float | None] = (-_losses(configuration, 40)).tolist()
    return {"score": [None, *scores[1:]], "cost": float(configuration["depth"])}


def _losses(configuration: Configuration, n: int) -> Floats:
    """(n,) by how much each unit is missed."""
    wanted = np.random.default_rng(7).normal(size=n)
    found = 0.3 * configuration["near"] + (configuration["rate"] - 0.6) * np.sin(np.arange(n))
    return (wanted - found) ** 2 + 0.01 * (configuration["depth"] - 5) ** 2
