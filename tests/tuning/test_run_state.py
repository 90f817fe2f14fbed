from collections.abc import Sequence
from dataclasses import replace

import pytest

from reeltune.domain.experiment import LOWER_BOUND_ERRORS, Experiment
from reeltune.tuning.run_state import RunState, is_better, values_of
from tests.tuning.experiments import experiment, run_of


class State(RunState):
    """Takes what happens without storing it."""

    def put(self, done: Experiment) -> None:
        self._put(done)
        while self._next_is_finished():
            self._lead(self.experiments[self.settled])


def state(*stored: Experiment, **run: object) -> State:
    return State(run_of(**run), stored)


def failed(number: int) -> Experiment:
    return experiment(number, status="failed", error="no")


def numbers(experiments: Sequence[Experiment]) -> list[int]:
    return [e.number for e in experiments]


def test_settled_is_what_has_no_unfinished_one_before_it() -> None:
    run = state(experiment(0, 0.5), failed(1), experiment(3, 0.9), experiment(2))
    assert run.settled == 2
    assert (run.finished_up_to(1), run.finished_up_to(2)) == (True, False)
    run.put(experiment(2, 0.4))
    assert run.settled == 4


def test_the_best_is_of_the_settled_ones_alone() -> None:
    run = state(experiment(0, 0.5), experiment(2, 0.9))
    assert run.best is not None
    assert run.best.number == 0
    run.put(experiment(1, 0.6))
    assert run.best.number == 2


def test_nothing_is_best_while_nothing_is_completed() -> None:
    assert state().best is None
    assert state(failed(0)).best is None
    assert state(failed(0)).best_up_to(0) is None


def test_of_equals_the_earlier_leads_and_the_surer_leads_the_higher() -> None:
    unsure = experiment(2, 0.9, improvement_error=0.5 / LOWER_BOUND_ERRORS)
    run = state(experiment(0, 0.5), experiment(1, 0.5), unsure)
    assert run.best is not None
    assert run.best.number == 0
    assert is_better(unsure, experiment(0, 0.39))
    assert not is_better(unsure, experiment(0, 0.41))
    assert not is_better(failed(1), None)
    assert is_better(experiment(1, 0.1), None)


def test_the_best_up_to_a_number_is_what_led_then() -> None:
    run = state(*(experiment(n, v) for n, v in enumerate([0.5, 0.4, 0.7, 0.6, 0.8])))
    best = [run.best_up_to(number) for number in range(-1, 6)]
    assert [None if e is None else e.number for e in best] == [None, 0, 0, 2, 2, 4, 4]


def test_what_was_stored_in_any_order_gives_the_same_state() -> None:
    stored = [experiment(n, v) for n, v in enumerate([0.5, 0.7, 0.6])]
    one, other = state(*stored), state(*reversed(stored))
    assert one.trials(2) == other.trials(2)
    assert (one.best, one.settled) == (other.best, other.settled)
    assert list(other.experiments) == [0, 1, 2]


def test_counts_follow_what_becomes_of_an_experiment() -> None:
    run = state(experiment(0, 0.5), experiment(1), experiment(2))
    assert (run.count("pending"), run.count("completed", "failed")) == (2, 1)
    run.put(replace(experiment(1), status="running"))
    assert (run.count("pending"), run.count("running")) == (1, 1)
    run.put(failed(1))
    assert (run.count("running"), run.count("completed", "failed")) == (0, 2)


def test_waiting_is_what_is_stored_but_not_begun_as_far_as_the_run_goes() -> None:
    stored = [experiment(0, 0.5), *(experiment(n) for n in (4, 2, 3, 1))]
    run = state(*stored, n_configs=3)
    assert numbers(run.waiting()) == [1, 2, 3]
    run.put(replace(experiment(2), status="running"))
    assert numbers(run.waiting()) == [1, 3]


def test_the_next_number_follows_the_highest_until_there_are_enough() -> None:
    assert state(n_configs=3).next_number() == 0
    run = state(experiment(0, 0.5), experiment(2), n_configs=3)
    assert run.next_number() == 3
    run.put(experiment(1))
    assert run.next_number() == 3
    run.put(experiment(3))
    assert run.next_number() is None


def test_a_strategy_sees_results_up_to_a_number_and_configurations_of_all() -> None:
    run = state(*(experiment(n, 0.5 + n / 10) for n in range(3)), experiment(4), experiment(3, 0.9))
    trials = run.trials(1)
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4]
    assert [trial.value for trial in trials] == [0.5, 0.6, None, None, None]
    assert [trial.is_open for trial in trials] == [False, False, True, True, True]
    assert trials[2].configuration == {"number": 2}
    assert [trial.value for trial in run.trials(-4)] == [None] * 5
    assert [trial.value for trial in run.trials(9)][:4] == [0.5, 0.6, 0.7, 0.9]


def test_a_result_is_seen_where_one_before_it_is_not_finished() -> None:
    run = state(experiment(0, 0.5), experiment(1), experiment(2, 0.8))
    assert [trial.value for trial in run.trials(2)] == [0.5, None, 0.8]


def test_of_a_pruned_one_the_estimate_is_seen_and_a_failed_one_is_told() -> None:
    metrics = {"accuracy (estimate)": 0.3, "accuracy": 0.1}
    pruned = experiment(1, status="pruned", metrics=metrics)
    trials = state(experiment(0, 0.5), pruned, failed(2)).trials(2)
    assert [(t.value, t.pruned, t.failed) for t in trials] == [
        (0.5, False, False),
        (0.3, True, False),
        (None, False, True),
    ]


def test_the_baseline_is_number_0() -> None:
    run = state(experiment(1, 0.9), experiment(0, 0.5))
    assert run.baseline.objective_value == 0.5


@pytest.mark.parametrize(
    ("objectives", "status", "expected"),
    [
        (("mrr",), "completed", ()),
        (("mrr", "seconds"), "completed", (0.4, -2.0)),
        (("mrr", "seconds"), "pruned", ()),
        (("mrr", "diversity"), "completed", ()),  # not measured
    ],
)
def test_several_objectives_are_given_such_that_more_is_better(
    objectives: tuple[str, ...], status: str, expected: tuple[float, ...]
) -> None:
    done = experiment(1, 0.4, status=status, metrics={"mrr": 0.4}, duration_seconds=2.0)
    run = run_of(objective=objectives[0], settings={"further_objectives": list(objectives[1:])})
    assert values_of(done, run) == expected


def test_a_run_with_several_objectives_shows_all_of_them_to_its_strategy() -> None:
    done = experiment(0, 0.5, metrics={"accuracy": 0.5}, duration_seconds=3.0)
    run = state(done, settings={"further_objectives": ["seconds"]})
    assert run.trials(0)[0].values == (0.5, -3.0)
    assert run.trials(-1)[0].values == ()
