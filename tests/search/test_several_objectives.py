"""How strategies go after several objectives at once."""

from dataclasses import replace

import numpy as np
import pytest

from reeltune.domain.arrays import Floats
from reeltune.domain.space import Configuration, Single, Space
from reeltune.search import NEEDS, ONE_OBJECTIVE, STRATEGIES, Problem, Trial, propose
from reeltune.search.nsga2 import POPULATION, survivors
from reeltune.search.strategy import weighed
from reeltune.stats.pareto import front
from tests.search.problems import problem, real, trial

ABLE = [  # Optuna's engines see the same weighed values, and would take minutes
    name
    for name, way in STRATEGIES.items()
    if way.is_adaptive and name not in (*ONE_OBJECTIVE, *NEEDS)
]


SPACE = Space(tuple(Single(real(name)) for name in "xabcdef"))


def both(configuration: Configuration) -> tuple[float, float]:
    """Peaks at x = 0.2 and at x = 0.8: the front is the line between, all others at 0.35."""
    x, *others = (float(value) for value in configuration.values())
    off = 2 * float(np.mean([(other - 0.35) ** 2 for other in others]))
    return -((x - 0.2) ** 2 + off), -((x - 0.8) ** 2 + off)


def posed(trials: list[Trial], seed: int = 0) -> Problem:
    return replace(problem(SPACE, trials, seed), n_objectives=2)


def searched(name: str, n: int, seed: int = 0) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(1, n + 1):
        proposal = propose(STRATEGIES[name], posed(trials, seed))
        assert proposal is not None
        values = both(proposal.configuration)
        trials.append(Trial(proposal.configuration, values[0], number, values=values))
    return trials


def dominated_area(values: Floats) -> float:
    """The area that the front dominates above (-0.6, -0.6)."""
    best = values[front(values)]
    best = best[np.argsort(best[:, 0])]
    area, left = 0.0, -0.6
    for a, b in best:
        area += max(0.0, a - left) * max(0.0, b + 0.6)
        left = max(left, float(a))
    return area


@pytest.mark.parametrize("name", ABLE)
def test_what_is_found_dominates_more_than_chance_does(name: str) -> None:
    ours, chance = (
        sum(
            dominated_area(np.array([t.values for t in searched(way, 80, seed)]))
            for seed in range(3)
        )
        for way in (name, "random")
    )
    assert ours > chance * 1.02


@pytest.mark.parametrize("name", ABLE)
def test_both_ends_of_the_front_are_found(name: str) -> None:
    values = np.array([t.values for t in searched(name, 80)])
    assert (values.max(axis=0) > -0.1).all()


def test_the_weights_differ_from_number_to_number_and_nothing_else_changes_them() -> None:
    trials = searched("random", 12)
    first = [t.value for t in posed(trials).results()]
    assert first == [t.value for t in replace(posed(trials), attempt=3).results()]
    assert first != [t.value for t in replace(posed(trials), number=40).results()]


def test_what_is_better_in_all_objectives_is_worth_more_and_failures_least() -> None:
    configurations = [trial(SPACE, None, k).configuration for k in range(4)]
    values = [(0.5, 1.0), (0.6, 2.0), (0.4, 5.0)]
    trials = [
        Trial(c, v[0], k, values=v)
        for k, (c, v) in enumerate(zip(configurations, values, strict=False))
    ]
    failed = Trial(configurations[3], None, 3, failed=True)
    for weights in ([0.5, 0.5], [0.9, 0.1], [0.01, 0.99]):
        a, b, _, bad = weighed([*trials, failed], np.array(weights))
        assert a.value is not None
        assert b.value is not None
        assert b.value > a.value
        assert bad.value is None
    results = replace(posed([*trials, failed])).results()
    assert results[3].value == min(t.value for t in results if t.value is not None)


def test_a_result_without_one_of_the_values_teaches_nothing() -> None:
    known = searched("random", 3)
    lacking = Trial(trial(SPACE, None, 9).configuration, 0.9, 4)
    assert len(posed([*known, lacking]).results()) == 3
    assert len(posed([*known, lacking]).full_results()) == 3
    assert not posed([*known, lacking]).is_new(lacking.configuration)


def test_parents_are_of_the_lowest_fronts_and_of_the_last_those_with_most_room() -> None:
    line = np.array([[float(k), -float(k)] for k in range(POPULATION + 4)])  # one front
    beaten = line - 100.0
    both = np.vstack([beaten, line])
    chosen, rank, room = survivors(both, np.zeros(len(both)))
    assert len(chosen) == POPULATION
    assert (chosen >= len(beaten)).all()
    assert (rank == 0).all()
    assert {len(beaten), 2 * len(line) - 1} <= set(chosen.tolist())  # the ends
    assert np.isinf(room).sum() == 2


def test_what_is_feasible_dominates_what_is_not_and_that_by_how_much_it_violates() -> None:
    values = np.array([[9.0, 9.0], [8.0, 8.0], [0.0, 1.0], [1.0, 0.0], [5.0, 5.0]])
    violated = np.array([0.5, 0.2, 0.0, 0.0, 0.2])
    chosen, rank, _ = survivors(values, violated)
    fronts = dict(zip(chosen.tolist(), rank.tolist(), strict=True))
    assert fronts == {2: 0, 3: 0, 1: 1, 4: 1, 0: 2}
    chosen, rank, _ = survivors(values, violated + 1)  # nothing is feasible
    assert dict(zip(chosen.tolist(), rank.tolist(), strict=True)) == {2: 0, 3: 0, 1: 1, 4: 1, 0: 2}
