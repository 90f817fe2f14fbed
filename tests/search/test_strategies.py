"""What must hold of every way of proposing; each entry of the registry is enrolled by itself."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.limits import contains
from reeltune.domain.space import Space
from reeltune.search import STRATEGIES, Trial, propose
from tests.search.problems import (
    FEW_VALUES,
    INSTALLED,
    NO_CHOICE,
    ONE_AXIS,
    PLANE,
    SPACES,
    WAYS,
    enrolled,
    problem,
    trial,
    tuned,
)

ROOT = Path(__file__).parents[2]
every_strategy = pytest.mark.parametrize("name", enrolled(WAYS))
every_learner = pytest.mark.parametrize(
    "name", enrolled(name for name, way in WAYS.items() if way.is_adaptive)
)
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)

values = st.one_of(
    st.none(), st.sampled_from([0.5, 0.5, 0.7]), st.floats(-1e6, 1e6), st.floats(0, 1)
)


def history(space: Space, n: int, failed_every: int = 5) -> list[Trial]:
    """Results that fall with the sum of the coordinates; some experiments failed."""
    found = [trial(space, None, seed) for seed in range(n)]
    return [
        t
        if k % failed_every == 4
        else Trial(t.configuration, -float(space.encode(t.configuration).sum()))
        for k, t in enumerate(found)
    ]


def test_the_registry_names_every_strategy_by_its_own_name() -> None:
    assert {"grid", "random", "bayesian"} <= set(STRATEGIES)
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())


@every_strategy
@given(found=st.lists(values, max_size=30), seed=st.integers(0, 2**31), pending=st.integers(0, 5))
@settings(max_examples=8, deadline=None)
def test_a_proposal_is_valid_and_new_whatever_was_found(
    name: str, found: list[float | None], seed: int, pending: int
) -> None:
    trials = [trial(SPACE, value, k) for k, value in enumerate([*found, *[None] * pending])]
    proposal = propose(WAYS[name], problem(SPACE, trials, seed))
    assert proposal is not None
    assert SPACE.faults(proposal.configuration) == []
    assert SPACE.checked(proposal.configuration) == proposal.configuration
    assert list(proposal.configuration) == list(SPACE.hyperparameters)
    assert proposal.configuration != SPACE.defaults()
    assert all(proposal.configuration != t.configuration for t in trials)


@every_strategy
@every_space
@pytest.mark.parametrize("n", [0, 3, 20])
def test_proposals_lie_within_their_space_and_are_new(name: str, space: Space, n: int) -> None:
    trials = history(space, n)
    for number in range(n + 1, n + 9):
        proposal = propose(WAYS[name], problem(space, trials, number=number))
        if proposal is None:
            break
        tried = proposal.configuration
        assert space.checked(tried) == tried
        assert contains(space, tried)
        assert all(tried != t.configuration for t in trials)
        trials.append(Trial(tried, float(number), number))
    assert len(trials) - n == 8 or len(space.dimensions) < 3


@every_strategy
@every_space
@pytest.mark.parametrize("n", [0, 1, 7, 25])
def test_the_same_problem_gives_the_same_proposal(name: str, space: Space, n: int) -> None:
    posed = problem(space, history(space, n))
    assert propose(WAYS[name], posed) == propose(WAYS[name], posed)


@every_strategy
def test_a_batch_holds_no_configuration_twice(name: str) -> None:
    """Proposals are made one after the other, while all before them are still being tried."""
    trials = history(SPACE, 20)
    for number in range(21, 27):
        proposal = propose(WAYS[name], problem(SPACE, trials, number=number))
        assert proposal is not None
        assert all(proposal.configuration != t.configuration for t in trials)
        trials.append(Trial(proposal.configuration, None))


@every_strategy
def test_what_is_being_tried_is_taken_into_account(name: str) -> None:
    """Strategies that look back answer differently once their own answer is being tried."""
    strategy, trials = WAYS[name], history(SPACE, 20)
    first = propose(strategy, problem(SPACE, trials, number=21))
    assert first is not None
    second = propose(
        strategy, problem(SPACE, [*trials, Trial(first.configuration, None)], number=21)
    )
    assert second is not None
    assert second.configuration != first.configuration


@every_learner
def test_what_fails_is_not_repeated_and_is_learned_from(name: str) -> None:
    """Half of the cube fails; the objective itself says nothing of which half."""
    trials: list[Trial] = []
    for number in range(1, 61):
        proposal = propose(WAYS[name], problem(PLANE, trials, seed=0, number=number))
        assert proposal is not None
        tried = proposal.configuration
        assert all(tried != t.configuration for t in trials)
        fails = tried["x"] < 0.5
        value = None if fails else -abs(tried["y"] - 0.3)
        trials.append(Trial(tried, value, number, failed=fails))
    assert sum(t.failed for t in trials[-30:]) <= 8


def test_a_failure_is_worth_as_little_as_the_worst_result() -> None:
    a, b, c, d = (trial(PLANE, None, seed).configuration for seed in range(4))
    trials = [Trial(a, 0.7, 1), Trial(b, None, 2, failed=True), Trial(c, 0.6, 3), Trial(d, None, 4)]
    posed = problem(PLANE, trials)
    assert [t.value for t in posed.results()] == [0.7, 0.6, 0.6]
    assert [t.configuration for t in posed.open_trials()] == [d]
    assert problem(PLANE, trials[1:2]).results() == []


@every_strategy
def test_whole_numbers_run_out(name: str) -> None:
    """Every configuration but the current one is proposed once; then there is nothing left."""
    trials = tuned(name, FEW_VALUES, lambda c: -float(c["a"]) - float(c["b"]), 20)
    tried = {tuple(t.configuration.items()) for t in trials}
    assert len(tried) == len(trials)
    assert tuple(FEW_VALUES.defaults().items()) not in tried
    if name.startswith("grid"):  # moves one hyperparameter at a time, so the corners stay out
        assert len(trials) == (4 if name == "grid" else 5)
    else:
        assert len(trials) == 8


@every_strategy
def test_a_space_without_choice_has_nothing_to_propose(name: str) -> None:
    assert propose(WAYS[name], problem(NO_CHOICE, [])) is None
    baseline = Trial(NO_CHOICE.defaults(), 0.5)
    assert propose(WAYS[name], problem(NO_CHOICE, [baseline] * 12)) is None


@every_strategy
def test_one_axis_is_enough(name: str) -> None:
    trials = tuned(name, ONE_AXIS, lambda c: -abs(float(c["x"]) - 0.3), 15)
    assert len(trials) == 15
    assert len({t.configuration["x"] for t in trials}) == 15


@every_strategy
def test_what_is_never_searched_keeps_its_current_value(name: str) -> None:
    current = SPACE.defaults() | {"accuracy_threshold": 0.8}
    posed = replace(problem(SPACE, history(SPACE, 12)), current=current)
    proposal = propose(WAYS[name], posed)
    assert proposal is not None
    assert proposal.configuration["accuracy_threshold"] == 0.8


def test_another_process_with_more_threads_proposes_the_same() -> None:
    """The number of threads of the linear algebra must not show in a proposal."""
    here = {name: _proposed(name) for name in INSTALLED}
    script = (
        "import json; from tests.search import test_strategies as t;"
        "print(json.dumps({name: t._proposed(name) for name in t.INSTALLED}))"
    )
    for threads in ("1", "2"):
        said = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={
                "OPENBLAS_NUM_THREADS": threads,
                "OMP_NUM_THREADS": threads,
                "PYTHONHASHSEED": threads,
                "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            },
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        assert json.loads(said) == here


def _proposed(name: str) -> dict[str, float]:
    proposal = propose(WAYS[name], problem(SPACE, history(SPACE, 60), seed=3))
    assert proposal is not None
    return proposal.configuration


def test_every_strategy_has_a_number_of_experiments_to_go_without() -> None:
    from reeltune.tuning.proposer import DEFAULT_CONFIGS

    assert set(DEFAULT_CONFIGS) == set(STRATEGIES)
