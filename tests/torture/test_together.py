"""Many processes at one database at once."""

import json
import os
import time
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.tuning_runs import load_runs
from reeltune.storage.run_lock import holder_path, run_lock
from tests.torture.nursery import Nursery
from tests.torture.scale import note, times
from tests.torture.slow_model import PACE

pytestmark = pytest.mark.slow
SLOW = ("--model", "tests.torture.slow_model:Slow", "--method", "random", "--configs", "5")
TUNE = ("tune_orchestrator.py", *SLOW, "--jobs", "1", "--quiet", "--db")


@pytest.mark.parametrize("n", [2, times(3, 20)])
def test_of_runs_at_once_one_runs_and_the_others_leave_with_4(
    nursery: Nursery, world: Path, tmp_path: Path, n: int
) -> None:
    env = {PACE: "0.5"}
    many = [nursery.start(*TUNE, world, said=tmp_path / str(k), env=env) for k in range(n)]
    codes = [each.wait() for each in many]
    said = [each.stderr for each in many]
    assert set(codes) <= {0, 4}
    assert 0 in codes
    assert codes.count(4) >= n - 2  # one may begin once the first is through
    assert all("is in use by" in text and text.count("\n") == 1 for text in said if text)
    assert not any("database is locked" in text for text in said)
    with connection(world) as conn:
        runs = load_runs(conn)
    assert [each.status for each in runs] == ["completed"] * codes.count(0)
    note(fault="runs at once", tried=n, wrong=0)


def test_the_lock_of_a_dead_process_holds_nobody_up(
    nursery: Nursery, world: Path, tmp_path: Path
) -> None:
    hold = "import sys, time; from pathlib import Path\n"
    hold += "from reeltune.storage.run_lock import run_lock\n"
    hold += "with run_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    holder = nursery.start("-c", hold, world, said=tmp_path / "holder")
    while holder.stdout != "held\n":
        time.sleep(0.01)
    second = nursery.run(*TUNE, world, said=tmp_path / "second")
    assert second.returncode == 4
    assert second.stderr.startswith("error: ")
    holder.kill()
    holder.wait()
    assert holder_path(world).exists()  # it had no time to tidy up
    with run_lock(world):
        assert json.loads(holder_path(world).read_text())["pid"] == os.getpid()
    assert not holder_path(world).exists()


WRITE = """
import sys
from pathlib import Path
from reeltune.db.connection import connection, transaction
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
from reeltune.db.columns import snapshot
from reeltune.db.connection import connection
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


def test_eight_writers_and_two_readers_get_along(
    nursery: Nursery, world: Path, tmp_path: Path
) -> None:
    n = times(25, 12_500)
    with connection(world) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    readers = [nursery.start("-c", READ, world, said=tmp_path / f"reader{k}") for k in range(2)]
    writers = [
        nursery.start("-c", WRITE, world, str(me), str(n), said=tmp_path / f"writer{me}")
        for me in range(8)
    ]
    codes = [each.wait(3000) for each in writers]
    world.with_name("stop").touch()
    codes += [each.wait(60) for each in readers]
    assert [each.stderr for each in (*writers, *readers)] == [""] * 10
    assert codes == [0] * 10
    assert all(int(each.stdout) > 0 for each in readers)
    with connection(world) as conn:
        (count,) = conn.execute("SELECT count(*) FROM people WHERE person_id >= 1000000").fetchone()
    assert count == 8 * n
    note(fault="eight writers", tried=8 * n, wrong=0)
