from domain.experiment import BASELINE, Experiment
from training.finalist import finalist


def experiment(
    number: int, accuracy: float, ndcg: float = 0.1, coverage: float = 0.2
) -> Experiment:
    return Experiment(
        experiment_id=f"run_{number:03d}",
        tuning_run_id="run",
        number=number,
        status="completed",
        created_at="2026-11-20T21:00:00Z",
        hyperparameters={},
        objective_value=accuracy,
        metrics={"accuracy": accuracy, "ndcg@10": ndcg, "coverage@10": coverage},
        tuning_method="random",
        exploration_phase="baseline" if number == BASELINE else "explore",
        seed=1,
    )


def chosen(*candidates: Experiment, objective: str = "accuracy") -> int | None:
    found = finalist([experiment(BASELINE, 0.65), *candidates], objective)
    return None if found is None else found.number


def test_the_best_goes_to_the_test_part() -> None:
    assert chosen(experiment(1, 0.66), experiment(2, 0.67)) == 2


def test_what_loses_coverage_or_ndcg_is_passed_over_for_the_next() -> None:
    blind = experiment(1, 0.69, coverage=0.15)
    rough = experiment(2, 0.68, ndcg=0.08)
    assert chosen(blind, rough, experiment(3, 0.66)) == 3


def test_within_its_margin_a_metric_may_be_lower() -> None:
    assert chosen(experiment(1, 0.69, ndcg=0.091, coverage=0.165), experiment(2, 0.66)) == 1


def test_the_objective_is_not_its_own_guardrail() -> None:
    lower_ndcg = experiment(1, 0.69, ndcg=0.05)
    assert chosen(lower_ndcg, experiment(2, 0.66), objective="ndcg@10") == 1


def test_if_all_that_is_better_loses_too_much_the_best_is_told_so() -> None:
    assert chosen(experiment(1, 0.69, coverage=0.1), experiment(2, 0.60)) == 1


def test_nothing_that_is_worse_than_what_is_deployed_is_taken_for_its_metrics() -> None:
    assert chosen(experiment(1, 0.64)) == BASELINE
    assert chosen() == BASELINE


def test_without_experiments_or_baseline_there_is_no_choice() -> None:
    assert finalist([], "accuracy") is None
    only = finalist([experiment(4, 0.6)], "accuracy")
    assert only is not None
    assert only.number == 4
