"""Small spaces and histories that the tests of the strategies share."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.limits import Limit, Limits, restricted
from reeltune.domain.space import Configuration, Fixed, Hyperparameter, Single, Space
from reeltune.search import (
    NEEDS,
    STRATEGIES,
    Problem,
    Strategy,
    Trial,
    missing_libraries,
    propose,
)
from reeltune.search.grid import Grid

WAYS: dict[str, Strategy] = {**STRATEGIES, "grid, progressive": Grid(progressive=True)}
INSTALLED = [name for name in WAYS if not missing_libraries(name)]
Objective = Callable[[Configuration], float]


def enrolled(names: Iterable[str]) -> list[Any]:
    """Each name as a parameter; what needs a library that is not here is skipped, and says so."""
    return [
        pytest.param(
            name,
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(
                    bool(missing_libraries(name)),
                    reason=f"needs {' and '.join(missing_libraries(name))}, not installed here",
                ),
            ],
        )
        if name in NEEDS
        else name
        for name in names
    ]


def real(name: str) -> Hyperparameter:
    return Hyperparameter(name=name, default=0.5, low=0.0, high=1.0, meaning="a number")


def whole(name: str, low: int = 0, high: int = 2) -> Hyperparameter:
    return Hyperparameter(
        name=name, default=low, low=low, high=high, integer=True, meaning="a whole number"
    )


NO_CHOICE = Space((Fixed(replace(real("kept"), searched=False)),))
ONE_AXIS = Space((Single(real("x")),))
FEW_VALUES = Space((Single(whole("a")), Single(whole("b"))))  # 9 configurations
PLANE = Space((Single(real("x")), Single(real("y")), Single(real("z"))))
LIMITS = (
    Limit(name="genre_weight", choices=(0.3, 0.4, 0.5)),
    Limit(name="cast_lead_weight", low=0.1, high=1.0, log=True),
    Limit(name="cast_lead_threshold", low=2, high=6),
    Limit(name="genre_boost_low", choices=(-0.2,)),
)
LIMITED = restricted(SPACE, Limits(limits=LIMITS), SPACE.defaults())
TIED = restricted(  # what is not named keeps its proportions
    SPACE,
    Limits(limits=(Limit(name="genre_weight", low=0.1, high=0.6),), others_fixed=True),
    SPACE.defaults(),
)
SPACES = {
    "default": SPACE,
    "limited": LIMITED,
    "tied": TIED,
    "one axis": ONE_AXIS,
    "few values": FEW_VALUES,
    "plane": PLANE,
}


def problem(space: Space, trials: list[Trial], seed: int = 0, number: int | None = None) -> Problem:
    return Problem(
        space=space,
        current=space.defaults(),
        seed=seed,
        number=len(trials) + 1 if number is None else number,
        trials=trials,
    )


def trial(space: Space, value: float | None, seed: int) -> Trial:
    """A random configuration that was worth `value`."""
    drawn = STRATEGIES["random"].propose(problem(space, [], seed=seed))
    assert drawn is not None
    return Trial(drawn.configuration, value)


def tuned(name: str, space: Space, objective: Objective, n: int, seed: int = 0) -> list[Trial]:
    """The history of `n` experiments, one after the other, or fewer where nothing is left."""
    trials: list[Trial] = []
    for number in range(1, n + 1):
        proposal = propose(WAYS[name], problem(space, trials, seed))
        if proposal is None:
            break
        value = objective(proposal.configuration)
        trials.append(Trial(proposal.configuration, value, number))
    return trials
