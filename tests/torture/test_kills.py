"""Commands and workers that are killed, or told to stop, amid their work."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from tests.commands.test_tune import found, history, only_run, tuned
from tests.torture import workloads
from tests.torture.nursery import Child, Nursery
from tests.torture.scale import new_seed, note, times

pytestmark = pytest.mark.slow
TUNE = ("tune_orchestrator.py", "--quiet", "--db")
SLOW = ("--model", "tests.torture.slow_model:Slow", "--method", "random", "--configs", "12")
BAYESIAN = ("--method", "bayesian", "--configs", "20", "--seed", "7")
MODEL = ("--model", workloads.MODEL)


@pytest.mark.parametrize(("how", "jobs"), [(signal.SIGINT, "2"), (signal.SIGTERM, "1")])
def test_a_run_told_to_stop_amid_an_experiment_is_gone_in_5_seconds_and_resumable(
    nursery: Nursery, world: Path, tmp_path: Path, how: signal.Signals, jobs: str
) -> None:
    process = nursery.start(*TUNE, world, *SLOW, "--jobs", jobs, said=tmp_path / "said")
    while not is_running(world):
        time.sleep(0.05)
        assert process.poll() is None
    process.kill(how)
    began = time.monotonic()
    assert process.wait(60) == 130
    assert time.monotonic() - began < 5
    assert "--resume" in process.stderr
    assert process.stderr.count("\n") == 1
    with connection(world) as conn:
        (only,) = load_runs(conn)
        statuses = {e.status for e in load_experiments(conn, only.tuning_run_id)}
    assert only.status == "interrupted"
    assert statuses <= {"pending", "completed"}


def is_running(world: Path) -> bool:
    with connection(world) as conn:
        return any(
            e.status == "running"
            for r in load_runs(conn)
            for e in load_experiments(conn, r.tuning_run_id)
        )


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def n_completed(world: Path) -> int:
    with connection(world) as conn:
        return sum(
            e.status == "completed"
            for each in load_runs(conn)
            for e in load_experiments(conn, each.tuning_run_id)
        )


def killed_amid(process: Child, world: Path, at_least: int, victim: str) -> bool:
    """Kill a run, or a worker of it, once so many experiments are completed; false if it ended."""
    while n_completed(world) < at_least:
        if process.poll() is not None:
            return False
        time.sleep(0.005)
    workers = children_of(process.pid) if victim == "worker" else []
    if workers:
        with suppress(ProcessLookupError):
            os.kill(workers[0], signal.SIGKILL)
        time.sleep(0.05)  # it may be noticed, or not
    process.kill()
    return process.wait() == -signal.SIGKILL


def test_kills_of_a_run_and_of_its_workers_change_nothing(
    nursery: Nursery, small_world: Path, tmp_path: Path
) -> None:
    """Two jobs; kill -9 of the orchestrator or of a worker, each followed by going on."""
    unbroken = Path(shutil.copy(small_world, tmp_path / "unbroken.db"))
    expected = tuned(unbroken, "bayesian", 20).tuning_run_id
    dice, world, kills = random.Random(new_seed()), tmp_path / "movies.db", 0
    while kills < times(2, 100):
        for file in tmp_path.glob("movies.db*"):
            file.unlink()
        shutil.copy(small_world, world)
        words: tuple[str, ...] = BAYESIAN
        for _ in range(dice.randint(1, 3)):
            process = nursery.start(*TUNE, world, *words, "--jobs", "2", said=tmp_path / "said")
            victim = "worker" if kills % 2 else "run"
            kills += killed_amid(process, world, n_completed(world) + dice.randint(0, 7), victim)
            with connection(world) as conn:
                assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
                runs = load_runs(conn)
            words = ("--resume", runs[0].tuning_run_id) if runs else BAYESIAN
        last = nursery.run(*TUNE, world, *words, "--jobs", "1", said=tmp_path / "said")
        assert last.returncode == 0, last.stderr
        check_same(world, unbroken, expected)
    note(fault="kill of runs with workers, and of workers", tried=kills, wrong=0)


def check_same(path: Path, unbroken: Path, run_id: str) -> None:
    assert found(path, only_run(path)) == found(unbroken, run_id)
    assert history(path, only_run(path)) == history(unbroken, run_id)


N_CONFIGS = str(workloads.N_CONFIGS)
# the command that does what a workload does
COMMANDS: dict[str, Callable[[Path], tuple[str | Path, ...]]] = {
    "tune": lambda _: (
        *("tune_orchestrator.py", "--method", "random", "--configs", N_CONFIGS, *MODEL),
        *("--seed", "7", "--jobs", "1", "--quiet"),
    ),
    "retrain": lambda _: ("retrain_model.py", "--force", "--accuracy-threshold", "0", *MODEL),
    "deploy": lambda _: ("model_versioning.py", "promote", "3"),
    "import": lambda at: ("-m", "reeltune", "import", "movielens", at / "files"),
    "migrate": lambda _: ("model_versioning.py", "list"),
    "backup": lambda at: ("-m", "db", "backup", at / "saved"),
    "restore": lambda at: ("-m", "db", "restore", at / "saved", "--force"),
    "remove": lambda _: ("model_versioning.py", "gc", "--keep", "0"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_killed_at_any_moment_can_be_given_again(
    nursery: Nursery, tmp_path: Path, name: str
) -> None:
    workload = workloads.WORKLOADS[name](tmp_path / name)
    dice, longest, n_killed = random.Random(new_seed()), 0.0, 0
    n = times(2, 25)
    for trial in range(n + 1):
        directory = workload.copy("struck")
        began = time.monotonic()
        process = nursery.start(
            *COMMANDS[name](directory), "--db", directory / "movies.db", said=tmp_path / "said"
        )
        if trial == 0:  # to its end, for its duration
            assert process.wait() == 0, process.stderr
            longest = time.monotonic() - began
        else:
            process.wait(dice.uniform(0, longest))
            process.kill()
        n_killed += process.wait() == -signal.SIGKILL
        assert workload.faults(directory, []) == []
    note(fault="kill of commands", workload=name, tried=n, struck=n_killed, wrong=0)
