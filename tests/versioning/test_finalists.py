from dataclasses import replace

import numpy as np

from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import BASELINE, Experiment
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.versioning.finalists import best_finalist, choose_finalists


def figure(constraint: float) -> GuardrailFigure:
    return GuardrailFigure(figure=0.2, error=None, bound=0.1, constraint=constraint)


def experiment(number: int, accuracy: float, coverage: float = -0.1) -> Experiment:
    """A completed one, with its constraint on coverage."""
    return Experiment(
        experiment_id=f"run_{number:03d}",
        tuning_run_id="run",
        number=number,
        status="completed",
        created_at="2026-11-20T21:00:00Z",
        hyperparameters={},
        objective_value=accuracy,
        metrics={"accuracy": accuracy},
        guardrails={"coverage@10": figure(coverage)},
        tuning_method="random",
        exploration_phase="baseline" if number == BASELINE else "explore",
        seed=1,
    )


def chosen(*candidates: Experiment, most: int = 1) -> list[int]:
    experiments = [experiment(BASELINE, 0.65), *candidates]
    return [e.number for e in choose_finalists(experiments, most)]


def test_the_best_goes_to_the_test_part() -> None:
    assert chosen(experiment(1, 0.66), experiment(2, 0.67)) == [2]


def test_what_violates_a_guardrail_is_passed_over_for_the_next() -> None:
    assert chosen(experiment(1, 0.69, coverage=0.01), experiment(3, 0.66, coverage=0.0)) == [3]


def test_of_what_is_not_known_nothing_is_held_against_it() -> None:
    unknown = replace(experiment(1, 0.69), guardrails={})
    assert chosen(unknown, experiment(2, 0.66)) == [1]


def test_if_all_that_is_better_violates_one_there_is_no_finalist() -> None:
    assert chosen(experiment(1, 0.69, coverage=0.1), experiment(2, 0.60)) == []


def test_nothing_that_is_worse_than_what_is_deployed_is_taken() -> None:
    assert chosen(experiment(1, 0.64)) == [BASELINE]
    assert chosen(experiment(1, 0.64, coverage=0.3)) == [BASELINE]
    assert chosen() == [BASELINE]


def test_without_experiments_or_baseline_there_is_no_choice() -> None:
    assert choose_finalists([]) == []
    assert [e.number for e in choose_finalists([experiment(4, 0.6)])] == [4]


def test_several_finalists_are_the_best_that_beat_the_baseline() -> None:
    candidates = [experiment(n, 0.64 + n / 100) for n in range(1, 6)]
    blind = experiment(9, 0.9, coverage=0.5)
    assert chosen(*candidates, blind, most=3) == [5, 4, 3]
    assert chosen(experiment(1, 0.66), experiment(2, 0.64), most=3) == [1]


def gains(*means: float) -> Floats:
    noise = np.random.default_rng(0).standard_normal((len(means), 100))
    return np.asarray(0.1 * noise + np.array(means)[:, None])


def test_the_finalist_that_gains_most_is_picked_at_an_adjusted_p_value() -> None:
    best, p_value = best_finalist(gains(0.0, 0.025, 0.0), 0.001)
    alone = best_finalist(gains(0.0, 0.025, 0.0)[1:2], 0.001)[1]
    assert best == 1
    assert alone < p_value < 0.1


def test_the_best_of_ten_equal_finalists_is_a_find_as_seldom_as_one_is() -> None:
    rng = np.random.default_rng(1)
    found = [best_finalist(rng.standard_normal((10, 40)), 0.0)[1] <= 0.05 for _ in range(100)]
    assert sum(found) <= 12  # 5 are expected


def test_users_without_a_gain_for_each_finalist_are_left_out() -> None:
    some = gains(0.05, 0.0)
    some[0, :50] = np.nan
    assert best_finalist(some, 0.0) == best_finalist(some[:, 50:], 0.0)
    assert best_finalist(np.full((2, 5), np.nan), 0.0) == (0, 1.0)
