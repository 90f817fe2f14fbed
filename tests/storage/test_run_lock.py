import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reeltune.domain.errors import BusyError, StorageError
from reeltune.storage.run_lock import holder_path, lock_holder, run_lock


def test_who_only_looks_never_keeps_a_run_from_starting(tmp_path: Path) -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            lock_holder(tmp_path / "movies.db")

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(100):
            with run_lock(tmp_path / "movies.db"):
                pass
    finally:
        stop.set()
        looking.join()


def test_a_second_run_is_told_who_holds_the_database(tmp_path: Path) -> None:
    with (
        run_lock(tmp_path / "movies.db"),
        pytest.raises(BusyError, match="is in use by process"),
        run_lock(tmp_path / "movies.db"),
    ):
        pass
    with run_lock(tmp_path / "movies.db"):
        pass


def test_a_directory_in_which_nothing_can_be_made_is_an_expected_error(tmp_path: Path) -> None:
    (tmp_path / "movies.db.lock").mkdir()
    with pytest.raises(StorageError, match="cannot be locked"), run_lock(tmp_path / "movies.db"):
        pass


def test_a_lock_that_a_dead_process_leaves_behind_for_a_moment_is_waited_for(
    tmp_path: Path,
) -> None:
    """Between the fork and the exec of a worker, the worker too has its parent's lock."""
    path, dead = tmp_path / "movies.db", subprocess.Popen(["true"])
    dead.wait()
    hold = "import fcntl, sys, time; file = open(sys.argv[1], 'w'); fcntl.flock(file, 2); "
    hold += "print('held', flush=True); time.sleep(1.0)"
    lock = path.with_name("movies.db.lock")
    with subprocess.Popen(
        [sys.executable, "-c", hold, lock], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        holder_path(path).write_text(json.dumps({"pid": os.getpid()}))
        with pytest.raises(BusyError), run_lock(path):
            pass
        holder_path(path).write_text(json.dumps({"pid": dead.pid}))
        with run_lock(path):
            assert json.loads(holder_path(path).read_text())["pid"] == os.getpid()
