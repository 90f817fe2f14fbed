from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reeltune.db.connection import Connection, connection
from reeltune.db.dead_runs import DIED, close_dead_runs, load_dead_runs
from reeltune.db.experiments import load_experiments, mark_running
from reeltune.db.tuning_runs import (
    IDLE_SECONDS,
    count_runs_like,
    load_planned_run,
    load_progress,
    load_run,
    load_run_process,
    load_run_totals,
    load_runs,
    save_progress,
    save_run,
    set_run_process,
    set_run_status,
    start_run,
)
from reeltune.domain.errors import NotFoundError
from reeltune.domain.experiment import Progress, TuningRun
from tests.tuning.experiments import run_of
from tests.views.stored_runs import StoredRun

KIND = {
    "method": "random",
    "model": "hand-weighted",
    "split": "user-time",
    "objective": "accuracy",
}


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    with connection(tmp_path / "movies.db", create=True) as found:
        yield found


def planned(run_id: str, **values: Any) -> TuningRun:
    return run_of(tuning_run_id=run_id, status="planned", **values)


def test_a_run_comes_back_as_it_was_saved(conn: Connection) -> None:
    run = run_of(
        started_at="2026-11-20T21:00:01Z",
        finished_at="2026-11-20T21:09:00Z",
        settings={"further_objectives": ["mrr"], "panel": None},
        data_fingerprint="d",
        code_version="c",
        history_cutoff=4,
        stop_reason="patience",
        status="completed",
    )
    save_run(conn, run)
    assert load_run(conn, run.tuning_run_id) == run
    assert load_run(conn, run.tuning_run_id).objectives == ("accuracy", "mrr")
    with pytest.raises(NotFoundError, match="no tuning run 'other'"):
        load_run(conn, "other")


def test_runs_are_in_the_order_in_which_they_were_saved(conn: Connection) -> None:
    for run_id in ("z", "a", "m"):
        save_run(conn, planned(run_id))
    assert [run.tuning_run_id for run in load_runs(conn)] == ["z", "a", "m"]


def test_a_planned_run_is_started_with_what_is_known_only_then(conn: Connection) -> None:
    save_run(conn, planned("one"))
    save_run(conn, planned("other"))
    started = replace(
        load_run(conn, "one"),
        started_at="2026-11-21T00:00:00Z",
        n_configs=9,
        settings={"panel": 500},
        data_fingerprint="d",
        code_version="c",
        history_cutoff=2,
        seed=11,
        status="running",
    )
    start_run(conn, started)
    assert load_run(conn, "one") == started
    assert load_run(conn, "other").status == "planned"


def test_the_earliest_planned_run_of_the_same_kind_is_found(conn: Connection) -> None:
    assert load_planned_run(conn, **KIND) is None
    save_run(conn, run_of(tuning_run_id="begun", data_fingerprint="d", history_cutoff=0))
    for name in KIND:
        save_run(conn, planned(f"other {name}", **{name: "calendar"}))
    save_run(conn, planned("first"))
    save_run(conn, planned("second"))
    found = load_planned_run(conn, **KIND)
    assert found is not None
    assert found.tuning_run_id == "first"


def test_a_status_has_an_end_and_a_reason_only_if_it_is_given_one(conn: Connection) -> None:
    save_run(conn, run_of(data_fingerprint="d", history_cutoff=0))
    id_ = run_of().tuning_run_id
    set_run_status(conn, id_, "failed", finished_at="2026-11-20T22:00:00Z", stop_reason="no")
    run = load_run(conn, id_)
    assert (run.status, run.finished_at, run.stop_reason) == (
        "failed",
        "2026-11-20T22:00:00Z",
        "no",
    )
    set_run_status(conn, id_, "running")
    run = load_run(conn, id_)
    assert (run.status, run.finished_at, run.stop_reason) == ("running", None, None)


def test_which_process_works_is_known_while_it_does(conn: Connection) -> None:
    save_run(conn, planned("one"))
    assert load_run_process(conn, "one") is None
    set_run_process(conn, "one", 4242)
    assert load_run_process(conn, "one") == 4242
    set_run_process(conn, "one", None)
    assert (load_run_process(conn, "one"), load_run_process(conn, "other")) == (None, None)


def test_runs_are_counted_by_the_letters_their_names_begin_with(conn: Connection) -> None:
    for run_id in ("random_1", "random_12", "randomX1", "RANDOM_1", "a_random_1"):
        save_run(conn, planned(run_id))
    assert count_runs_like(conn, "random_1") == 2
    assert count_runs_like(conn, "random%") == 0


def test_a_line_of_history_again_replaces_the_one_before(conn: Connection) -> None:
    save_run(conn, planned("one"))
    lines = [
        Progress(
            tuning_run_id="one",
            iteration=iteration,
            timestamp=f"2026-11-20T21:00:0{k}Z",
            best_accuracy=0.5 + k / 10,
            best_experiment_id=None,
            exploration_phase="explore",
        )
        for k, iteration in enumerate((1, 0, 1))
    ]
    for line in lines:
        save_progress(conn, line)
    assert load_progress(conn, "one") == [lines[1], lines[2]]


def test_totals_are_of_each_run_alone(conn: Connection) -> None:
    one, other = StoredRun(conn, "random_1"), StoredRun(conn, "random_2")
    one.completed(0.5)
    best = one.completed(0.7)
    one.completed(0.7)
    one.failed("no")
    one.pending()
    other.completed(0.9)
    totals = load_run_totals(conn)
    assert totals["random_1"].n_by_status == {"completed": 3, "failed": 1, "pending": 1}
    assert totals["random_1"].baseline_value == 0.5
    assert (totals["random_1"].best_value, totals["random_1"].best_experiment_id) == (0.7, best)
    assert totals["random_2"].n_by_status == {"completed": 1}
    assert load_run_totals(conn).keys() == {"random_1", "random_2"}


def test_a_long_pause_is_no_work(conn: Connection) -> None:
    run = StoredRun(conn)
    run.completed(0.5, at="2026-11-20T21:00:10Z", seconds=4.0)
    run.completed(0.6, at="2026-11-20T21:00:15Z", seconds=4.0)  # 5 s later
    run.completed(0.7, at="2026-11-21T09:00:00Z", seconds=4.0)  # after a night
    seconds = load_run_totals(conn)[run.run_id].seconds
    first = min(10.0, 4.0 + IDLE_SECONDS)
    assert seconds == pytest.approx(first + 5.0 + 4.0 + IDLE_SECONDS)


def test_what_died_is_interrupted_and_what_it_was_trying_is_pending_again(
    conn: Connection,
) -> None:
    dead, half, done = (
        StoredRun(conn, "random_1", status="running"),
        StoredRun(conn, "random_2", status="interrupted"),
        StoredRun(conn, "random_3"),
    )
    for run in (dead, half, done):
        run.completed(0.5)
    for run in (dead, half):
        mark_running(conn, run.pending())
    set_run_process(conn, "random_1", 1)
    assert [run.tuning_run_id for run in load_dead_runs(conn)] == ["random_1", "random_2"]
    close_dead_runs(conn)
    assert load_dead_runs(conn) == []
    for run_id in ("random_1", "random_2"):
        assert (load_run(conn, run_id).status, load_run(conn, run_id).stop_reason) == (
            "interrupted",
            DIED,
        )
        statuses = [e.status for e in load_experiments(conn, run_id)]
        assert statuses == ["completed", "pending"]
    assert load_run_process(conn, "random_1") is None
    assert load_run(conn, "random_3").status == "completed"
