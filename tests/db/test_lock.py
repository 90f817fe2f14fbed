import threading
from pathlib import Path

import pytest

from db.lock import lock_holder, run_lock
from domain.errors import BusyError, StorageError


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
