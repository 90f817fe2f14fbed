import pytest

from reeltune.domain.experiment import Experiment
from reeltune.tracking.pace import MIN_RATE_SECONDS, Pace, experiment_label
from tests.tuning.experiments import experiment, run_of


def pace(n_done: int = 0) -> Pace:
    return Pace(run_of(), n_total=50, began=100.0, n_done=n_done)


def done(run: Pace, *batches: tuple[float, int]) -> Pace:
    """Let so many experiments be done at each moment, in seconds after the run began."""
    for seconds, n in batches:
        for _ in range(n):
            run.note(experiment(run.n_done + 1, 0.5), None, run.n_done + 1, run.began + seconds)
    return run


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        ([(60.0, 4), (62.0, 4), (64.0, 1)], "2.0/s"),  # loading and compiling took a minute
        ([(60.0, 4), (62.0, 4)], ""),  # the second batch may still be coming in
        ([(60.0, 46), (62.0, 4)], "2.0/s"),  # it is the last
        ([(1.0, 1), (3.0, 1), (5.0, 1)], "30.0/min"),
        ([(1.0, 1), (1.0 + MIN_RATE_SECONDS / 2, 10), (3.0, 1)], ""),
        ([(60.0, 50)], ""),
        ([], ""),
    ],
)
def test_a_rate_is_counted_from_the_first_results_and_said_as_it_reads_best(
    batches: list[tuple[float, int]], said: str
) -> None:
    assert done(pace(), *batches).rate() == said


def test_what_was_done_before_does_not_count() -> None:
    run = done(pace(n_done=40), (1.0, 1), (2.0, 1), (3.0, 1))
    assert (run.rate(), run.time_left()) == ("1.0/s", "7 s left")


def test_the_time_left_is_that_of_the_rest_at_this_rate() -> None:
    assert done(pace(), (60.0, 4), (62.0, 4)).time_left() == ""
    assert done(pace(), (60.0, 4), (62.0, 4), (64.0, 2)).time_left() == "20 s left"


def test_a_best_of_a_lower_value_is_told_with_the_reason() -> None:
    run, lucky, sure = pace(), experiment(3, 0.75), experiment(4, 0.74)
    assert run.note(lucky, lucky, 1, 101.0) is None
    assert run.note(sure, sure, 2, 102.0) == (
        "best is now no. 4: its value 0.7400 is behind the 0.7500 of no. 3, but its 95 % bound is"
        " better"
    )
    assert run.note(experiment(5, 0.1), sure, 3, 103.0) is None
    better = experiment(6, 0.76)
    assert run.note(better, better, 4, 104.0) is None


def test_the_best_is_told_with_its_gain_once_the_baseline_is_known() -> None:
    run = pace()
    assert run.best_text() == "best -"
    baseline = experiment(0, 0.5, improvement_from_baseline=0.0)
    run.note(baseline, baseline, 1, 101.0)
    assert run.best_text() == "best 0.5000 (baseline)"
    better = experiment(3, 0.75, improvement_from_baseline=0.25)
    run.note(better, better, 2, 102.0)
    assert run.best_text() == "best 0.7500 +0.2500 (no. 3)"
    assert run.n_done == 2


def test_a_resumed_run_learns_the_baseline_from_what_is_compared_to_it() -> None:
    run = pace(n_done=3)
    best = experiment(1, 0.8, improvement_from_baseline=0.2)
    run.note(experiment(4, 0.7), best, 4, 104.0)  # its gain is not known yet
    assert run.best_text() == "best 0.8000 (no. 1)"
    run.note(experiment(5, 0.55, improvement_from_baseline=-0.05), best, 5, 105.0)
    assert run.best_text() == "best 0.8000 +0.2000 (no. 1)"


def test_failures_are_counted_and_only_then_told() -> None:
    run = pace()
    assert run.failed_text() == ""
    failed: Experiment = experiment(1, status="failed", error="no")
    for n in (1, 2):
        run.note(failed, None, n, 101.0)
    run.note(experiment(2, 0.5), None, 3, 101.0)
    assert run.failed_text() == "2 failed"


def test_the_baseline_has_a_name_of_its_own() -> None:
    assert (experiment_label(experiment(0)), experiment_label(experiment(7))) == (
        "baseline",
        "no. 7",
    )
