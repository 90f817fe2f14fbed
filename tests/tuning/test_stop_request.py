import subprocess
import time
from pathlib import Path

import pytest

from reeltune.db.connection import connection, transaction
from reeltune.db.tuning_runs import load_run, load_runs, set_run_process, set_run_status
from reeltune.domain.errors import InputError
from reeltune.storage.run_lock import run_lock
from reeltune.tuning.plan import Plan
from reeltune.tuning.stop_request import stop_run
from tests.running import ROOT, command, environment
from tests.tuning.runs import resumed, tuned


def test_a_run_that_is_over_is_not_stopped(world: Path) -> None:
    run_id = tuned(world, Plan(method="random", n_configs=1)).tuning_run_id
    with connection(world) as conn, pytest.raises(InputError, match="is not running, it is comp"):
        stop_run(conn, world, run_id, 1.0)


def test_a_run_whose_process_is_gone_is_marked_and_nobody_else_is_signalled(world: Path) -> None:
    run_id = tuned(world, Plan(method="random", n_configs=1)).tuning_run_id
    with connection(world) as conn:
        with transaction(conn):
            set_run_status(conn, run_id, "running")
            set_run_process(conn, run_id, 1)  # as a killed one would leave it; 1 is not ours
        with run_lock(world):  # held by another run
            assert stop_run(conn, world, run_id, 1.0) is False
        assert load_run(conn, run_id).status == "interrupted"
    assert resumed(world, run_id).stopped_by == "configs"


@pytest.mark.slow
def test_a_running_process_is_ended_and_its_run_can_go_on(world: Path) -> None:
    words = ("--method", "random", "--configs", "5000", "--jobs", "1", "--quiet", "--db", world)
    process = subprocess.Popen(
        command("tune_orchestrator.py", *words),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with connection(world) as conn:
        while not (runs := load_runs(conn)) or runs[0].status != "running":
            assert process.poll() is None
            time.sleep(0.05)
        assert stop_run(conn, world, runs[0].tuning_run_id, 60.0) is True
        assert load_run(conn, runs[0].tuning_run_id).status == "interrupted"
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"--resume" in said
