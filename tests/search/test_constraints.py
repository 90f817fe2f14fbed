"""Trials under constraints."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.space import Configuration
from reeltune.search import STRATEGIES, Trial, propose
from reeltune.search.feasibility import best_first, violations
from tests.search.problems import PLANE, problem

KEEPS_TO_CONSTRAINTS = ("gp", "tpe", "evolution", "cmaes", "nsga2")


def test_a_trial_is_feasible_unless_a_constraint_is_above_0() -> None:
    assert Trial({}, 1.0).is_feasible
    assert Trial({}, 1.0, constraints=(0.0, -0.3)).is_feasible
    assert not Trial({}, 1.0, constraints=(-1.0, 1e-9)).is_feasible


@given(values=st.lists(st.sampled_from([0.1, 0.5, 0.7]) | st.floats(-1e6, 1e6), max_size=20))
def test_without_constraints_the_order_is_that_of_the_values(values: list[float]) -> None:
    trials = [Trial({}, value, failed=k % 3 == 0) for k, value in enumerate(values)]
    assert best_first(trials).tolist() == np.argsort(-np.array(values), kind="stable").tolist()


trials_under_constraints = st.lists(
    st.builds(
        Trial,
        st.just({}),
        st.floats(-10, 10),
        constraints=st.tuples(st.floats(-5, 5), st.floats(-1e3, 1e3)),
    ),
    min_size=1,
    max_size=20,
)


@given(trials=trials_under_constraints, scale=st.floats(1e-3, 1e3))
def test_feasible_trials_come_first_whatever_the_unit_of_a_constraint(
    trials: list[Trial], scale: float
) -> None:
    order = [trials[k] for k in best_first(trials)]
    feasible = [trial.is_feasible for trial in order]
    assert feasible == sorted(feasible, reverse=True)
    values = [trial.value or 0.0 for trial in order if trial.is_feasible]
    assert values == sorted(values, reverse=True)
    others = [t for t in trials if not t.is_feasible]
    if others:  # of one constraint in another unit, each violation is the same
        scaled = [replace(t, constraints=(t.constraints[0] * scale,)) for t in others]
        plain = [replace(t, constraints=t.constraints[:1]) for t in others]
        assert violations(scaled) == pytest.approx(violations(plain))


def test_what_failed_violates_more_than_any_other() -> None:
    trials = [Trial({}, 9.0, failed=True), Trial({}, 1.0, constraints=(4.0,)), Trial({}, 0.0)]
    assert best_first(trials).tolist() == [2, 1, 0]


def value(configuration: Configuration) -> float:
    """Highest at x = 0.9, which is not allowed."""
    peak = {"x": 0.9, "y": 0.6, "z": 0.4}
    return -sum((float(configuration[name]) - at) ** 2 for name, at in peak.items())


def searched(name: str, n: int, seed: int = 0) -> list[Trial]:
    """A search in which x may be 0.4 at most; of 1 to 3 in all three, one other constraint."""
    trials: list[Trial] = []
    for number in range(1, n + 1):
        proposal = propose(STRATEGIES[name], problem(PLANE, trials, seed))
        assert proposal is not None
        tried = proposal.configuration
        broken = (tried["x"] - 0.4, 1.0 - tried["x"] - tried["y"] - tried["z"])
        trials.append(Trial(tried, value(tried), number, constraints=broken))
    return trials


@pytest.mark.parametrize("name", KEEPS_TO_CONSTRAINTS)
def test_the_best_feasible_configuration_is_found_beside_a_better_one_that_is_not(
    name: str,
) -> None:
    trials = searched(name, 40 if name == "gp" else 120)
    best = max(t.value or -9.0 for t in trials if t.is_feasible)
    assert best > -0.25 - (0.01 if name == "gp" else 0.05)  # at the limit it is -0.25
    late = trials[len(trials) // 2 :]
    assert sum(trial.is_feasible for trial in late) > 0.4 * len(late)


def test_nothing_feasible_is_known_and_then_it_is_what_is_sought() -> None:
    """The objective rises away from the only corner that is allowed."""
    trials: list[Trial] = []
    for number in range(1, 41):
        proposal = propose(STRATEGIES["gp"], problem(PLANE, trials))
        assert proposal is not None
        tried = proposal.configuration
        broken = max(0.0, tried["x"] - 0.1) + max(0.0, tried["y"] - 0.1) + tried["z"] - 0.1
        trials.append(Trial(tried, tried["x"] + tried["y"], number, constraints=(broken,)))
        if trials[-1].is_feasible:
            break
    assert trials[-1].is_feasible
    assert len(trials) < 30  # 1 in 1,000 points is


@pytest.mark.parametrize("name", KEEPS_TO_CONSTRAINTS)
def test_constraints_that_are_kept_everywhere_do_not_matter(name: str) -> None:
    """Neither do those of which nothing is known."""
    plain = [replace(t, constraints=()) for t in searched(name, 20)]
    kept = [replace(t, constraints=(-1.0,)) for t in plain]
    proposals = [propose(STRATEGIES[name], problem(PLANE, trials)) for trials in (plain, kept)]
    assert proposals[0] == proposals[1]


@pytest.mark.parametrize("name", KEEPS_TO_CONSTRAINTS)
@pytest.mark.parametrize("broken", [(np.nan,), (np.inf,), (np.inf, np.nan), (-np.inf, 1.0)])
def test_a_constraint_that_is_no_number_is_one_that_is_not_kept(
    name: str, broken: tuple[float, ...]
) -> None:
    plain = [replace(t, constraints=(-1.0, -1.0)[: len(broken)]) for t in searched(name, 14)]
    trials = [replace(t, constraints=broken) if t.number in (3, 9) else t for t in plain]
    assert sorted(best_first(trials)[-2:].tolist()) == [2, 8]
    assert propose(STRATEGIES[name], problem(PLANE, trials)) is not None
    every = [replace(t, constraints=broken) for t in plain]
    assert propose(STRATEGIES[name], problem(PLANE, every)) is not None
