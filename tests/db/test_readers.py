"""An account that may read a database and its directory, and write to neither."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reeltune.commands.database import db
from reeltune.commands.retrain import main as retrain_model
from reeltune.commands.tune import main as tune_orchestrator
from reeltune.commands.versions import model_versioning
from reeltune.db.connection import connect, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.readers import may_write
from reeltune.db.restore import load_backup
from reeltune.domain.errors import BusyError, StorageError
from reeltune.domain.study import StudyConfig
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain
from tests.commands.test_tune import tuned
from tests.torture.schemas import make_at
from tests.versioning.versions import produced

NOBODY = 65534
READS: tuple[tuple[click.Command, str], ...] = (
    (db, "check"),
    (db, "doctor"),
    (model_versioning, "list"),
    (model_versioning, "show"),
    (model_versioning, "diff 1 2"),
    (model_versioning, "verify"),
    (model_versioning, "status"),
    (model_versioning, "at 2099-01-01"),
    (model_versioning, "gc --keep 0 --dry-run"),
    (tune_orchestrator, "--summary"),
    (tune_orchestrator, "--patterns"),
    (tune_orchestrator, "list"),
    (retrain_model, "--tune-report"),
)
WRITES: tuple[tuple[click.Command, str], ...] = (
    (db, "doctor --fix"),
    (model_versioning, "rollback"),
    (model_versioning, "gc"),
    (retrain_model, "--force"),
    (tune_orchestrator, "--method random --configs 1"),
)


@pytest.fixture
def path(small_world: Path) -> Iterator[Path]:
    """A database with two versions and a run, where another account can get at it."""
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        path = Path(shutil.copy(small_world, directory))
        tuned(path, "random", 1)
        with connection(path) as conn:
            produced(conn, 2)
        yield path


@contextmanager
def reading_only(path: Path) -> Iterator[None]:
    """Take the right to write from this account, or become one that never had it."""
    places = [path.parent, *path.parent.rglob("*")]
    before = {place: stat.S_IMODE(place.stat().st_mode) for place in places}
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        assert not may_write(path)
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for place, mode in before.items():
            if place.exists():
                place.chmod(mode)


def left(command: click.Command, words: str, path: Path) -> tuple[int, str]:
    result = CliRunner().invoke(command, [*words.split(), "--db", str(path)])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("is_open", [False, True])
def test_every_reading_command_says_what_it_says_to_others(path: Path, is_open: bool) -> None:
    expected = [left(command, words, path) for command, words in READS]
    writer = connect(path) if is_open else None
    with reading_only(path):
        found = [left(command, words, path) for command, words in READS]
    notes = "note: "
    said = [(code, [x for x in text.splitlines() if notes not in x]) for code, text in found]
    assert said == [(code, text.splitlines()) for code, text in expected]
    if writer is not None:
        writer.close()


def test_a_reader_reproduces_watches_and_saves_elsewhere(path: Path, tmp_path: Path) -> None:
    with connection(path) as conn:
        made = retrain(
            conn, load_dataset(conn), RetrainingRequest(study=StudyConfig(), accuracy_threshold=0.0)
        )
        assert made.version is not None
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o777)
        with reading_only(path):
            for command, words in (
                (model_versioning, f"reproduce {made.version}"),
                (model_versioning, "monitor"),
                (db, f"backup {directory}/saved"),
            ):
                code, text = left(command, words, path)
                assert code == 0, text
        assert len(load_backup(Path(directory) / "saved").files) == 7


def test_what_writes_is_refused_in_one_line(path: Path) -> None:
    with reading_only(path):
        for command, words in WRITES:
            code, text = left(command, words, path)
            assert (code, text.count("\n")) == (1, 1), (words, text)
            assert "cannot be locked" in text or "not written to" in text, text


def test_what_was_read_while_somebody_wrote_is_not_believed(path: Path) -> None:
    with pytest.raises(BusyError, match="run this again"), reading_only(path), connection(path):
        os.utime(path, ns=(0, 0)) if os.geteuid() != NOBODY else _touch_as_root(path)


def _touch_as_root(path: Path) -> None:
    os.seteuid(0)
    os.utime(path, ns=(0, 0))
    os.seteuid(NOBODY)


def test_an_older_schema_and_a_log_of_somebody_elses_are_told_in_one_line(path: Path) -> None:
    old = path.with_name("old.db")
    make_at(old, 5)
    with connect(path) as writer:
        writer.execute("UPDATE people SET name = name || '!'")
        shutil.copy(path, path.with_name("copied.db"))
        shutil.copy(f"{path}-wal", path.with_name("copied.db-wal"))
    with reading_only(path):
        with pytest.raises(StorageError, match="has schema 5, this program needs"):
            connect(old)
        with pytest.raises(StorageError, match="has a log"):
            connect(path.with_name("copied.db"))
