from reeltune.db.connection import Connection
from reeltune.tasks.registry import subject_of
from reeltune.views.stored import Stored, describe_stored
from tests.views.stored_runs import StoredRun


def stored(conn: Connection) -> Stored:
    return describe_stored(conn, subject_of=subject_of)


def test_experiments_are_counted_by_status_per_run_and_over_all(conn: Connection) -> None:
    run = StoredRun(conn, "random_1", "interrupted")
    run.completed(0.6)
    run.completed(0.61)
    run.failed("broken")
    run.pending()
    StoredRun(conn, "grid_1").completed(0.5)
    found = stored(conn)
    assert found.runs[0].experiments_by_status == {"completed": 2, "failed": 1, "pending": 1}
    assert found.experiments_by_status == {"completed": 3, "failed": 1, "pending": 1}
    assert found.runs_by_method == {"grid": 1, "random": 1}
    assert found.n_waiting == 0  # what an interrupted run left is resumed, not planned


def test_the_improvement_is_the_best_value_minus_the_baselines(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6)
    run.completed(0.75)
    line = stored(conn).runs[0]
    assert (line.best_value, line.improvement) == (0.75, 0.75 - 0.6)


def test_a_run_without_a_measured_baseline_has_no_improvement(conn: Connection) -> None:
    run = StoredRun(conn)
    run.failed("broken")
    run.completed(0.75)
    assert stored(conn).runs[0].improvement is None


def test_a_pause_before_a_resume_is_not_time_at_work(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.6, at="2026-11-20T21:00:02Z")
    run.completed(0.6, at="2026-11-20T21:00:04Z")
    run.completed(0.6, at="2026-11-22T21:00:00Z")
    run.pending()
    line = stored(conn).runs[0]
    assert line.seconds == 2 + 2 + 1.5 + 60
    assert line.experiments_per_second == 3 / line.seconds


def test_a_run_that_took_no_second_has_no_rate(conn: Connection) -> None:
    StoredRun(conn).completed(0.6, at="2026-11-20T21:00:00Z", seconds=0.1)
    line = stored(conn).runs[0]
    assert line.seconds is not None
    assert line.seconds < 1
    assert line.experiments_per_second is None


def test_a_run_without_results_has_neither_time_nor_values(conn: Connection) -> None:
    StoredRun(conn, status="planned", stop_reason=None)
    line = stored(conn).runs[0]
    assert (line.seconds, line.best_value, line.experiments_by_status) == (None, None, {})
