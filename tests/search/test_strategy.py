from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from reeltune.domain.space import Configuration, Fixed, Hyperparameter, Single, Space, Value
from reeltune.search.strategy import MAX_REPEATS, Problem, Proposal, Trial, propose, weighed


def knob(name: str, **values: Any) -> Hyperparameter:
    usual: dict[str, Any] = {"default": 0.5, "low": 0.0, "high": 1.0, "meaning": name}
    return Hyperparameter(name=name, **usual | values)


SPACE = Space((Single(knob("x")), Fixed(knob("kept", searched=False))))
CURRENT: dict[str, Value] = {"x": 0.5, "kept": 0.9}


def at(x: float, kept: float = 0.9) -> dict[str, Value]:
    return {"x": x, "kept": kept}


def problem(*trials: Trial, **values: Any) -> Problem:
    usual: dict[str, Any] = {"space": SPACE, "current": CURRENT, "seed": 3, "number": 7}
    return Problem(trials=trials, **usual | values)


@dataclass
class Listed:
    """Proposes what it is told to, one for each attempt."""

    proposals: Sequence[Configuration]
    attempts: list[int] = field(default_factory=list)
    name: str = "listed"
    is_adaptive: bool = False

    def propose(self, given: Problem) -> Proposal | None:
        self.attempts.append(given.attempt)
        if given.attempt >= len(self.proposals):
            return None
        return Proposal(dict(self.proposals[given.attempt]), "exploit")


def test_what_was_tried_or_is_deployed_or_being_tried_is_not_proposed_again() -> None:
    tried = (Trial(at(0.1), 0.5), Trial(at(0.2), None, failed=True), Trial(at(0.3), None, 6))
    strategy = Listed([at(0.1), at(0.5), at(0.2), at(0.3), at(0.4)])
    assert propose(strategy, problem(*tried)) == Proposal(at(0.4), "exploit")
    assert strategy.attempts == [0, 1, 2, 3, 4]


def test_what_is_never_searched_keeps_its_current_value() -> None:
    found = propose(Listed([at(0.4, kept=0.1)]), problem())
    assert found == Proposal(at(0.4, kept=0.9), "exploit")
    assert propose(Listed([at(0.4, kept=0.1)]), problem(Trial(at(0.4), 0.5))) is None


def test_nothing_is_proposed_where_nothing_is_left() -> None:
    assert propose(Listed([]), problem()) is None
    stubborn = Listed([CURRENT] * 10 * MAX_REPEATS)
    assert propose(stubborn, problem()) is None
    assert len(stubborn.attempts) == MAX_REPEATS


def test_random_numbers_depend_on_seed_number_and_attempt_alone() -> None:
    same = problem().generator().random(3)
    assert np.array_equal(
        problem(Trial(at(0.1), 0.5), asynchronous_delay=4).generator().random(3), same
    )
    for changed in ({"seed": 4}, {"number": 8}, {"attempt": 1}):
        assert not np.array_equal(problem(**changed).generator().random(3), same)


def test_what_failed_is_worth_as_little_as_the_worst_and_what_is_open_says_nothing() -> None:
    trials = (
        Trial(at(0.1), 0.7),
        Trial(at(0.2), None, failed=True),
        Trial(at(0.3), 0.4),
        Trial(at(0.4), None, 5),
    )
    assert [trial.value for trial in problem(*trials).results()] == [0.7, 0.4, 0.4]
    assert [trial.configuration for trial in problem(*trials).open_trials()] == [at(0.4)]
    assert [trial.is_open for trial in trials] == [False, False, False, True]


def test_with_nothing_but_failures_there_are_no_results() -> None:
    assert problem(Trial(at(0.2), None, failed=True)).results() == []


def test_full_results_leave_out_estimates_and_what_was_not_measured() -> None:
    whole, estimate = Trial(at(0.1), 0.7, values=(0.7, 0.2)), Trial(at(0.2), 0.6, pruned=True)
    partly, failed = Trial(at(0.3), 0.5), Trial(at(0.4), None, failed=True)
    trials = (whole, estimate, partly, failed)
    assert problem(*trials).full_results() == [(whole, (0.7,)), (partly, (0.5,))]
    assert problem(*trials, n_objectives=2).full_results() == [(whole, (0.7, 0.2))]


def test_several_objectives_become_one_by_weights_of_their_own_for_each_number() -> None:
    trials = tuple(Trial(at(x), 0.5, values=(x, 1 - x)) for x in (0.1, 0.2, 0.6, 0.8))
    orders = set()
    for number in range(40):
        given = problem(*trials, n_objectives=2, number=number)
        values = [trial.value or 0.0 for trial in given.results()]
        assert values == [trial.value for trial in given.results()]
        orders.add(int(np.argmax(values)))
    assert len(orders) > 1


def test_weighed_values_are_those_worked_by_hand() -> None:
    """Medians 0.5 and 0.3, bests 0.9 and 0.7: both spans are 0.4."""
    trials = [Trial(at(0.1), None, values=v) for v in ((0.9, 0.3), (0.5, 0.7), (0.1, 0.1))]
    failed, partly = Trial(at(0.2), None, failed=True), Trial(at(0.3), 0.5)
    found = weighed([*trials, failed, partly], np.array([0.75, 0.25]))
    missing = [(0.0, 0.25), (0.75, 0.0), (1.5, 0.375)]  # weights by distances 0, 1; 1, 0; 2, 1.5
    expected = [-max(m) - 0.05 * sum(m) for m in missing]
    assert [trial.value for trial in found[:3]] == pytest.approx(expected)
    assert found[3:] == [failed]


def test_what_went_quite_wrong_is_not_farther_than_three_spans() -> None:
    def values(worst: float) -> list[float | None]:
        some = ((0.9, 0.9), (0.5, 0.5), (worst, worst))
        trials = [Trial(at(0.1), None, values=each) for each in some]
        return [trial.value for trial in weighed(trials, np.array([0.5, 0.5]))]

    assert values(-5.0) == values(-5_000.0)
    assert values(0.1)[2] != values(-5.0)[2]


def test_an_objective_in_which_all_are_alike_decides_nothing() -> None:
    trials = [Trial(at(0.1), None, values=(v, 0.5)) for v in (0.1, 0.2, 0.9)]
    found = [trial.value or 0.0 for trial in weighed(trials, np.array([0.5, 0.5]))]
    assert found == sorted(found)
    assert len(set(found)) == 3
    assert weighed([Trial(at(0.1), 0.5)], np.array([0.5, 0.5])) == []
