import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.commands import watch
from reeltune.commands.main import main
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.tuning_runs import load_runs, set_run_process, set_run_status
from reeltune.tuning.plan import Plan
from tests.running import ROOT, command, environment
from tests.tuning.runs import tuned
from tests.views.stored_runs import StoredRun


def said(*words: str | Path, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == expect, done.output
    return done


def test_a_run_that_has_ended_is_told_from_its_first_experiment_on(world: Path) -> None:
    run_id = tuned(world, Plan(method="random", n_configs=3)).tuning_run_id
    for words in (["runs", "watch", run_id], ["tune", "--watch", run_id]):
        done = said(*words, "--db", world)
        assert done.stdout == f"run {run_id} is completed\n"
        assert "4 of 4 experiments" in done.stderr.splitlines()[-1]
        assert "baseline  completed" in done.stderr


def test_what_is_done_meanwhile_is_shown_too(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(conn):
        run = StoredRun(conn, status="running", stop_reason=None)
        run.completed(0.6, [0.5, 0.7])
    monkeypatch.setattr(watch, "_has_process", lambda *_: True)

    def later(_: float) -> None:
        with connection(Path("movies.db")) as other, transaction(other):
            run.conn = other
            if run.number < 4:
                run.completed(0.6 + run.number / 100, [0.6, 0.8])
            else:
                set_run_status(other, run.run_id, "completed", stop_reason="all are tried")

    monkeypatch.setattr("reeltune.commands.watch.time.sleep", later)
    done = said("runs", "watch", run.run_id)
    assert "all are tried; 4 of 6 experiments, best 0.6300 +0.0300 (no. 3)" in done.stderr


def test_a_run_whose_process_died_is_not_watched_for_ever(conn: Connection) -> None:
    with transaction(conn):
        run = StoredRun(conn, status="running", stop_reason=None)
        run.completed(0.6)
        set_run_process(conn, run.run_id, 999_999_999)
    assert "its process died; resume it" in said("runs", "watch", run.run_id).stderr


def test_interrupting_ends_the_watching_alone(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(conn):
        run = StoredRun(conn, status="running", stop_reason=None)
    monkeypatch.setattr(watch, "_has_process", lambda *_: True)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reeltune.commands.watch.time.sleep", interrupted)
    done = said("runs", "watch", run.run_id)
    assert "no longer watched; the run goes on" in done.stderr
    assert done.stdout.endswith("is running\n")


def test_a_planned_run_and_an_unknown_one_are_refused(conn: Connection) -> None:
    with transaction(conn):
        run = StoredRun(conn, status="planned", stop_reason=None)
    assert "is only planned" in said("runs", "watch", run.run_id, expect=1).stderr
    assert "there is no tuning run 'x'" in said("runs", "watch", "x", expect=1).stderr


@pytest.mark.slow
def test_a_run_of_another_process_is_followed_to_its_end(world: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(world, tmp_path / "other.db"))
    words = ("tune_orchestrator.py", "--method", "sobol", "--configs", "30", "--jobs", "1")
    with subprocess.Popen(
        command(*words, "--quiet", "--db", path), cwd=ROOT, env=environment(), stdout=sys.stderr
    ) as tuning:
        run_id = None
        while run_id is None and tuning.poll() is None:
            with connection(path) as conn:
                started = [run for run in load_runs(conn) if run.status != "planned"]
                run_id = started[0].tuning_run_id if started else None
        assert run_id is not None
        done = said("runs", "watch", run_id, "--interval", "0.1", "--db", path)
        assert tuning.wait() == 0
    assert "31 of 31 experiments" in done.stderr
    assert done.stdout == f"run {run_id} is completed\n"
