"""Many processes at one database, and processes that are told to stop or killed."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest

from db.connection import connection
from db.experiments import load_experiments
from db.lock import holder_path, run_lock
from db.tuning_runs import load_runs
from tests.commands import ROOT, command, environment, run
from tests.test_tune_orchestrator import found, history, only_run, tuned
from tests.torture.scale import note, times

pytestmark = pytest.mark.slow
TUNE = ("tune_orchestrator.py", "--jobs", "2", "--quiet", "--db")
NEW = ("--method", "random", "--configs", "12", "--seed", "7")
BAYESIAN = ("--method", "bayesian", "--configs", "20", "--seed", "7")


def start(*words: str | Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(*words),
        cwd=ROOT,
        env=environment() | {"OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("n", [2, times(3, 20)])
def test_of_runs_at_once_one_runs_and_the_others_leave_with_4(world: Path, n: int) -> None:
    many = [start(*TUNE, world, "--method", "random", "--configs", "150") for _ in range(n)]
    said = [each.communicate(timeout=600)[1] for each in many]
    codes = [each.returncode for each in many]
    assert set(codes) <= {0, 4}
    assert 0 in codes
    assert codes.count(4) >= n - 2  # one may begin once the first is through
    assert all("is in use by" in text and text.count("\n") == 1 for text in said if text)
    assert not any("database is locked" in text for text in said)
    with connection(world) as conn:
        runs = load_runs(conn)
    assert [each.status for each in runs] == ["completed"] * codes.count(0)
    note(fault="runs at once", tried=n, wrong=0)


def test_the_lock_of_a_dead_process_holds_nobody_up(world: Path) -> None:
    hold = "import sys, time; from pathlib import Path; from db.lock import run_lock\n"
    hold += "with run_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(world)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert run(*TUNE, world, *NEW, expect=4).stderr.startswith("error: ")
        holder.kill()
    assert holder_path(world).exists()  # it had no time to tidy up
    with run_lock(world):
        assert json.loads(holder_path(world).read_text())["pid"] == os.getpid()
    assert not holder_path(world).exists()


WRITE = """
import sys
from pathlib import Path
from db.connection import connection, transaction
path, me, n = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with connection(path) as conn:
    for k in range(n):
        with transaction(conn):
            one = {"id": 10**6 * (me + 1) + k}
            conn.execute("INSERT INTO people VALUES (:id, 'x')", one)
            conn.execute("INSERT INTO cast_members VALUES (1, :id, 1)", one)
"""
READ = """
import sys
from pathlib import Path
from db.columns import snapshot
from db.connection import connection
n = 0
with connection(Path(sys.argv[1])) as conn:
    while not Path(sys.argv[1]).with_name("stop").exists():
        with snapshot(conn):
            people = conn.execute("SELECT count(*) FROM people WHERE person_id > 999999")
            cast = conn.execute("SELECT count(*) FROM cast_members WHERE person_id > 999999")
            assert people.fetchone()[0] == cast.fetchone()[0]
        n += 1
print(n)
"""


def test_eight_writers_and_two_readers_get_along(world: Path) -> None:
    n = times(25, 12_500)
    with connection(world) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    readers = [start("-c", READ, world) for _ in range(2)]
    writers = [start("-c", WRITE, world, str(me), str(n)) for me in range(8)]
    errors = [each.communicate(timeout=3000)[1] for each in writers]
    world.with_name("stop").touch()
    errors += [each.communicate(timeout=60)[1] for each in readers]
    assert errors == [""] * 10
    with connection(world) as conn:
        (count,) = conn.execute("SELECT count(*) FROM people WHERE person_id >= 1000000").fetchone()
    assert count == 8 * n
    note(fault="eight writers", tried=8 * n, wrong=0)


SLOW = ("--model", "tests.torture.slow_model:Slow")


@pytest.mark.parametrize(("how", "jobs"), [(signal.SIGINT, "2"), (signal.SIGTERM, "1")])
def test_a_run_told_to_stop_amid_an_experiment_is_gone_in_5_seconds_and_resumable(
    world: Path, how: signal.Signals, jobs: str
) -> None:
    process = start(*TUNE, world, *NEW, *SLOW, "--jobs", jobs)
    while not is_running(world):
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(how)
    began = time.monotonic()
    said = process.communicate(timeout=60)[1]
    assert time.monotonic() - began < 5
    assert process.returncode == 130
    assert "--resume" in said
    assert said.count("\n") == 1
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


def test_kills_of_a_run_and_of_its_workers_change_nothing(
    world: Path, tmp_path: Path, small_world: Path
) -> None:
    """kill -9 at random moments, of the orchestrator or of a worker, each followed by a resume."""
    unbroken = tmp_path / "unbroken.db"
    unbroken.write_bytes(small_world.read_bytes())
    expected = tuned(unbroken, "bayesian", 20)
    dice, kills = random.Random(), 0
    words: tuple[str, ...] = BAYESIAN
    while kills < times(2, 60):
        process = start(*TUNE, world, *words)
        try:
            process.wait(dice.uniform(1.0, 5.0))
        except subprocess.TimeoutExpired:
            victims = children_of(process.pid) if kills % 2 else [process.pid]
            for victim in victims[:1]:
                os.kill(victim, signal.SIGKILL)
                kills += 1
            if victims != [process.pid] and process.poll() is None:
                process.kill()
        process.communicate()
        with connection(world) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            runs = load_runs(conn)
        if runs and runs[0].status == "completed":
            check_same(world, unbroken, expected.tuning_run_id)
            world.write_bytes(small_world.read_bytes())
            for ending in ("-wal", "-shm"):
                world.with_name(world.name + ending).unlink(missing_ok=True)
            runs = []
        words = ("--resume", runs[0].tuning_run_id) if runs else BAYESIAN
    run(*TUNE, world, *words)
    check_same(world, unbroken, expected.tuning_run_id)
    note(fault="kill of processes", tried=kills, wrong=0)


def check_same(path: Path, unbroken: Path, run_id: str) -> None:
    assert found(path, only_run(path)) == found(unbroken, run_id)
    assert history(path, only_run(path)) == history(unbroken, run_id)


@pytest.mark.parametrize("days", [10, -10])
def test_a_clock_that_jumps_changes_neither_order_nor_results(
    world: Path, tmp_path: Path, small_world: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    unbroken = tmp_path / "unbroken.db"
    unbroken.write_bytes(small_world.read_bytes())
    expected = tuned(unbroken, "random", 6)
    jump_at_each_call(monkeypatch, days)
    got = tuned(world, "random", 6)
    assert got.status == "completed"
    check_same(world, unbroken, expected.tuning_run_id)
    with connection(world) as conn:
        numbers = [e.completion_number for e in load_experiments(conn, got.tuning_run_id)]
        assert all(
            (e.duration_seconds or 0) < 60 for e in load_experiments(conn, got.tuning_run_id)
        )
    assert numbers == sorted(numbers, key=lambda n: n or 0)


def jump_at_each_call(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Every look at the clock finds it `days` later than the last."""
    real, calls = time.time, itertools.count(1)

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(real() + days * 86_400 * next(calls), tz)

    monkeypatch.setattr("domain.clock.datetime", Jumping)
    monkeypatch.setattr("time.time", lambda: real() + days * 86_400 * next(calls))
