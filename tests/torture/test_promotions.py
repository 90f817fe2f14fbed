"""Promotions that are read, killed and repeated meanwhile."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db.connection import Connection, connect, connection
from db.versions import load_versions
from model_versioning import load_model, promote, rollback, verify
from tests.commands import ROOT
from tests.torture.scale import note, times
from tests.torture.workload import HALVES
from tests.versions import exported, in_production, produced, registered


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


@pytest.fixture
def conn(db: Path) -> Connection:
    return connect(db, create=True)


def run_python(code: str, *args: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", f"from tests.torture.test_promotions import *; {code}", *args]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def promote_many(db: str, n: str) -> None:
    """In another process: promote new versions, and now and then roll back."""
    with connection(Path(db)) as conn:
        for k in range(int(n)):
            produced(conn)
            if k % 5 == 4:
                rollback(conn, reason="bad")


def test_a_reader_sees_the_old_version_or_the_new_and_never_a_mixture(
    db: Path, conn: Connection
) -> None:
    produced(conn)
    n = times(40, 1000)
    writer = run_python("promote_many(sys.argv[1], sys.argv[2])", str(db), str(n))
    seen: set[int] = set()
    with writer:
        while writer.poll() is None:
            loaded = load_model(conn)
            level = loaded.version.training.hyperparameters["level"]
            assert loaded.version.status == "production"
            assert float(loaded.model.score(np.array([0]))[0, 0]) == level == loaded.version.version
            said = exported(conn)
            assert said["hyperparameters"]["level"] == said["version"]
            seen.add(loaded.version.version)
    assert writer.returncode == 0
    assert len(seen) > 5
    assert verify(conn) == []
    note(fault="promotions under a reader", tried=n, wrong=0)


WRITES = {"execute", "fsync", "mkdir", "open", "rename", "replace", "rmdir", "unlink", "write"}


def at_call(number: int, act: Callable[[], None]) -> list[int]:
    """From now on, `act` before each call of WRITES from `number` on; how many there were."""
    seen = [0]

    def count(frame: object, event: str, arg: object) -> None:
        if event == "c_call" and getattr(arg, "__name__", "") in WRITES:
            seen[0] += 1
            if seen[0] > number:
                act()

    sys.setprofile(count)
    return seen


def kill_at_every_write(db: str) -> None:
    """In another process: kill one that promotes, at each of its writes; look at what is left."""
    with connection(Path(db)) as conn:
        produced(conn, 2)  # imports are done only once
        calls = at_call(0, lambda: None)
        produced(conn)
        sys.setprofile(None)
    for number in range(calls[0] + 1):
        reader, writer = os.pipe()
        if os.fork() == 0:
            produce_and_die(Path(db), writer, number)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            acknowledged = [int(line) for line in pipe]  # until it is dead
        assert os.WTERMSIG(os.wait()[1]) == signal.SIGKILL
        print(json.dumps(left_after(Path(db), acknowledged)), flush=True)


def produce_and_die(db: Path, acknowledge: int, number: int) -> None:
    """Promote two new versions, the second no further than to its write `number`."""
    with connection(db) as conn:
        os.write(acknowledge, f"{produced(conn)}\n".encode())
        at_call(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
        produced(conn)
    os.kill(os.getpid(), signal.SIGKILL)


def left_after(db: Path, acknowledged: list[int]) -> dict[str, Any]:
    """What is in the database after a kill, and after the next promotion."""
    with connection(db) as conn:
        known = {version.version for version in load_versions(conn)}
        before = [fault.subject for fault in verify(conn)]
        (halves,) = conn.execute(HALVES).fetchone()
        production = in_production(conn)
        if production is not None:
            promote(conn, production, "again")
        after = [fault.subject for fault in verify(conn)]
    lost = [v for v in acknowledged if v not in known or production is None or v > production]
    return {
        "done": len(acknowledged),
        "lost": lost,
        "halves": halves,
        "before": before,
        "after": after,
    }


def test_a_kill_at_any_write_leaves_no_more_than_an_orphan_or_an_old_export(db: Path) -> None:
    connect(db, create=True).close()
    with run_python("kill_at_every_write(sys.argv[1])", str(db)) as killer:
        assert killer.stdout is not None
        found = [json.loads(line) for line in killer.stdout]
    assert killer.returncode == 0
    assert len(found) > 30
    assert all(each["done"] == 1 for each in found)
    for each in found:
        assert each["lost"] == []
        assert each["halves"] == 0
        assert all(is_orphan(s) or s == "hyperparameters.json" for s in each["before"])
        assert all(is_orphan(subject) for subject in each["after"])
    before = {subject for each in found for subject in each["before"]}
    assert any(map(is_orphan, before))  # registrations were hit in the middle,
    assert "hyperparameters.json" in before  # and promotions
    assert found[-1]["after"] == []  # registering the same again took each orphan up


def is_orphan(subject: str) -> bool:
    return subject.startswith("movies.versions/")


def test_a_second_process_that_promotes_at_the_same_time_is_waited_for(
    db: Path, conn: Connection
) -> None:
    first, second = registered(conn, 1), registered(conn, 2)
    code = (
        f"c = connect(Path(sys.argv[1])); [promote(c, k, 'mine') for k in [{first}, {second}] * 9]"
    )
    writers = [run_python(code, str(db)) for _ in range(2)]
    for writer in writers:
        with writer:
            writer.wait(60)
        assert writer.returncode == 0
    assert verify(conn) == []
