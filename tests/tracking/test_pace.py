import pytest

from reeltune.domain.experiment import Experiment
from reeltune.tracking.pace import MIN_RATE_SECONDS, Pace, experiment_label
from tests.tuning.experiments import experiment, run_of


def pace(n_done: int = 0, n_before: int = 0) -> Pace:
    return Pace(run_of(), n_total=50, n_before=n_before, began=100.0, n_done=n_done)


@pytest.mark.parametrize(
    ("n_done", "n_before", "seconds", "said"),
    [
        (10, 0, 5.0, "2.0/s"),
        (10, 0, 10.0, "1.0/s"),
        (10, 0, 11.0, "54.5/min"),
        (12, 10, 1.0, "2.0/s"),  # what was done before does not count
        (10, 10, 5.0, ""),
        (9, 10, 5.0, ""),
        (1, 0, MIN_RATE_SECONDS, "4.0/s"),
        (1, 0, MIN_RATE_SECONDS - 0.01, ""),
    ],
)
def test_a_rate_is_said_as_it_reads_best(
    n_done: int, n_before: int, seconds: float, said: str
) -> None:
    assert pace(n_done, n_before).rate(100.0 + seconds) == said


def test_the_best_is_told_with_its_gain_once_the_baseline_is_known() -> None:
    run = pace()
    assert run.best_text() == "best -"
    baseline = experiment(0, 0.5, improvement_from_baseline=0.0)
    run.note(baseline, baseline, 1)
    assert run.best_text() == "best 0.5000 (baseline)"
    better = experiment(3, 0.75, improvement_from_baseline=0.25)
    run.note(better, better, 2)
    assert run.best_text() == "best 0.7500 +0.2500 (no. 3)"
    assert run.n_done == 2


def test_a_resumed_run_learns_the_baseline_from_what_is_compared_to_it() -> None:
    run = pace(n_before=3)
    best = experiment(1, 0.8, improvement_from_baseline=0.2)
    run.note(experiment(4, 0.7), best, 4)  # its gain is not known yet
    assert run.best_text() == "best 0.8000 (no. 1)"
    run.note(experiment(5, 0.55, improvement_from_baseline=-0.05), best, 5)
    assert run.best_text() == "best 0.8000 +0.2000 (no. 1)"


def test_failures_are_counted_and_only_then_told() -> None:
    run = pace()
    assert run.failed_text() == ""
    failed: Experiment = experiment(1, status="failed", error="no")
    for n in (1, 2):
        run.note(failed, None, n)
    run.note(experiment(2, 0.5), None, 3)
    assert run.failed_text() == "2 failed"


def test_the_baseline_has_a_name_of_its_own() -> None:
    assert (experiment_label(experiment(0)), experiment_label(experiment(7))) == (
        "baseline",
        "no. 7",
    )
