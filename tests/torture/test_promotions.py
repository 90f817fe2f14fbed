"""Promotions that are read, killed and repeated meanwhile."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reeltune.db.connection import Connection, connect, connection
from reeltune.db.versions import load_versions
from reeltune.versioning.registry import load_model, promote, rollback
from reeltune.versioning.verification import verify
from tests.torture.nursery import Nursery
from tests.torture.scale import note, times
from tests.torture.workload import HALVES
from tests.versioning.versions import exported, in_production, produced, registered


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


@pytest.fixture
def conn(db: Path) -> Connection:
    return connect(db, create=True)


ALL = "import sys; from tests.torture.test_promotions import *; "


def promote_many(db: str, n: str) -> None:
    """In another process: promote new versions, and now and then roll back."""
    with connection(Path(db)) as conn:
        for k in range(int(n)):
            produced(conn)
            if k % 5 == 4:
                rollback(conn, reason="bad")


def test_a_reader_sees_the_old_version_or_the_new_and_never_a_mixture(
    nursery: Nursery, db: Path, conn: Connection
) -> None:
    produced(conn)
    n = times(40, 1000)
    code = ALL + "promote_many(sys.argv[1], sys.argv[2])"
    writer = nursery.start("-c", code, db, str(n), said=db.with_name("said"))
    seen: set[int] = set()
    while writer.poll() is None:
        loaded = load_model(conn)
        level = loaded.version.training.hyperparameters["level"]
        assert loaded.version.status == "production"
        assert float(loaded.model.score(np.array([0]))[0, 0]) == level == loaded.version.version
        said = exported(conn)
        assert said["hyperparameters"]["level"] == said["version"]
        seen.add(loaded.version.version)
    assert writer.returncode == 0, writer.stderr
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


def kill_at_writes(db: str, stride: str) -> None:
    """In another process: kill one that promotes, at each of its writes or at every second, ..."""
    with connection(Path(db)) as conn:
        produced(conn, 2)  # imports are done only once
        calls = at_call(0, lambda: None)
        produced(conn)
        sys.setprofile(None)
    for number in range(calls[0] % int(stride), calls[0] + 1, int(stride)):
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


def test_a_kill_at_any_write_leaves_no_more_than_an_orphan_or_an_old_export(
    nursery: Nursery, db: Path
) -> None:
    connect(db, create=True).close()
    code = ALL + "kill_at_writes(sys.argv[1], sys.argv[2])"
    killer = nursery.run("-c", code, db, str(times(3, 1)), said=db.with_name("said"))
    assert killer.returncode == 0, killer.stderr
    found = [json.loads(line) for line in killer.stdout.splitlines()]
    assert len(found) > times(10, 30)
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
    nursery: Nursery, db: Path, conn: Connection
) -> None:
    first, second = registered(conn, 1), registered(conn, 2)
    code = f"{ALL} conn = connect(Path(sys.argv[1]))\n"
    code += f"for k in [{first}, {second}] * 9: promote(conn, k, 'mine')"
    writers = [nursery.start("-c", code, db, said=db.with_name(f"said{k}")) for k in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert verify(conn) == []
