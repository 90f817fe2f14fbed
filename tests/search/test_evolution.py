"""Evolution: when it begins to vary the best known, and what it varies."""

import numpy as np
import pytest

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.space import Configuration, FloatParameter, Space
from reeltune.search.evolution import FIRST_STEP, N_FIRST_POINTS, Evolution
from reeltune.search.strategy import Problem, Proposal, Trial

EDGE = SPACE.decode(np.zeros(len(SPACE.dimensions)))


def proposal(
    trials: list[Trial], number: int = 50, attempt: int = 0, space: Space = SPACE
) -> Proposal:
    problem = Problem(
        space=space,
        current=space.defaults(),
        seed=3,
        number=number,
        trials=trials,
        attempt=attempt,
    )
    found = Evolution().propose(problem)
    assert found is not None
    return found


def trials(n: int, configuration: Configuration = EDGE) -> list[Trial]:
    return [Trial(configuration, 1.0, k) for k in range(n)]


def test_it_draws_at_random_until_there_are_enough_results() -> None:
    assert proposal(trials(N_FIRST_POINTS - 1)).phase == "initial"
    assert proposal(trials(N_FIRST_POINTS)).phase == "exploit"


def test_results_of_part_of_the_users_and_failures_are_not_varied() -> None:
    pruned = [Trial(EDGE, 1.0, k, pruned=True) for k in range(20)]
    failed = [Trial(EDGE, None, k, failed=True) for k in range(20)]
    assert proposal(pruned).phase == "initial"
    assert proposal([*failed, *pruned]).phase == "initial"
    assert proposal([*pruned, *trials(1)]).phase == "exploit"


@pytest.mark.parametrize(("attempt", "phase"), [(20, "exploit"), (21, "initial")])
def test_after_many_repeats_it_draws_at_random(attempt: int, phase: str) -> None:
    assert proposal(trials(9), attempt=attempt).phase == phase


def test_a_variation_stays_in_the_cube_and_near_what_it_varies() -> None:
    names = [f"x{k}" for k in range(10)]
    space = Space.of(
        *(FloatParameter(name=n, default=0.5, low=0.0, high=1.0, meaning="-") for n in names)
    )
    known = trials(9, dict.fromkeys(names, 0.0))
    moved = np.array(
        [space.encode(proposal(known, number, space=space).configuration) for number in range(300)]
    )
    assert moved.min() == 0
    assert moved.max() < 5 * FIRST_STEP
    n_moved = np.count_nonzero(moved, axis=1)  # half of the moves are cut at the edge
    assert 0.1 < np.mean(n_moved == 0) < 0.4  # of one or two axes alone, a third of all
    assert np.mean(n_moved >= 4) > 0.15  # of all axes, a third
