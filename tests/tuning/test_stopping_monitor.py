from dataclasses import replace

from reeltune.domain.experiment import Experiment
from reeltune.tuning.stopping_monitor import noise


def experiment(number: int, value: float, error: float | None) -> Experiment:
    return Experiment(
        experiment_id=f"run_{number:03d}",
        tuning_run_id="run",
        number=number,
        status="completed",
        created_at="2026-11-20T21:00:00Z",
        hyperparameters={},
        objective_value=value,
        improvement_error=error,
        tuning_method="random",
        exploration_phase="explore",
        seed=1,
    )


BASE = experiment(0, 0.5, 0.0)
LUCKY, SURE = experiment(1, 0.55, 0.2), experiment(2, 0.53, 0.01)


def test_the_noise_is_that_of_the_surest_gain() -> None:
    assert noise([BASE, LUCKY, SURE]) == 0.01


def test_where_nothing_is_surely_better_it_is_that_of_the_first_candidate_that_has_one() -> None:
    failed = replace(LUCKY, status="failed", objective_value=None, improvement_error=None)
    assert noise([BASE, LUCKY]) == 0.2
    assert noise([BASE, failed, LUCKY]) == 0.2


def test_without_candidates_or_results_there_is_none() -> None:
    assert noise([BASE]) is None
    assert noise([replace(BASE, objective_value=None)]) is None
