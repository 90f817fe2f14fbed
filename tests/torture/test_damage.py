"""Databases and models that were damaged, replaced, or are another program's."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click
import pysqlite3 as sqlite
import pytest
from click.testing import CliRunner

from reeltune.commands.database import db
from reeltune.commands.retrain import main as retrain_model
from reeltune.commands.tune import main as tune_orchestrator
from reeltune.commands.versions import model_versioning
from reeltune.db.backup import save_backup
from reeltune.db.connection import connection, newest_schema
from tests.commands.test_tune import tuned
from tests.importers.imports import dump
from tests.torture.nursery import Nursery
from tests.torture.scale import new_seed, note, times
from tests.torture.schemas import make_at
from tests.versioning.versions import artifact, produced

LOOKS: tuple[tuple[click.Command, str], ...] = (
    (db, "check"),
    (db, "doctor"),
    (model_versioning, "list"),
    (model_versioning, "verify"),
    (model_versioning, "status"),
    (tune_orchestrator, "--summary"),
    (retrain_model, "--dry-run --force"),
)


@pytest.fixture(scope="session")
def saved(small_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a database in use, and `saved`, a backup of it; not to be changed."""
    directory = tmp_path_factory.mktemp("sound")
    shutil.copy(small_world, directory / "movies.db")
    tuned(directory / "movies.db", "random", 2)
    with connection(directory / "movies.db") as conn:
        produced(conn, 2)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (directory / "content").write_text(repr(dump(conn)))
    save_backup(directory / "movies.db", directory / "saved")
    return directory


@pytest.fixture
def path(saved: Path, tmp_path: Path) -> Path:
    """A copy of that database with its models."""
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    return tmp_path / "movies.db"


def looked_at(path: Path) -> list[str]:
    """What the commands say of a database: each ends with one line, or a list of faults."""
    said = []
    for command, words in LOOKS:
        result = CliRunner().invoke(command, [*words.split(), "--db", str(path)])
        if not isinstance(result.exception, SystemExit | None):
            raise AssertionError(words) from result.exception
        assert result.exit_code in (0, 1, 3, 6, 7), (words, result.output)
        if "error: " in result.output:
            errors = result.output[result.output.index("error: ") :]
            assert errors.count("\n") == 1, errors
            said.append(errors)
    return said


def is_restored(path: Path) -> None:
    """Restoring the backup makes the database what it was."""
    result = CliRunner().invoke(
        db, ["restore", str(path.with_name("saved")), "--force", "--db", str(path)]
    )
    assert result.exit_code == 0, result.output
    with connection(path) as conn:
        assert repr(dump(conn)) == path.with_name("content").read_text()


@pytest.mark.slow
def test_flipped_bits_never_crash_a_command(path: Path) -> None:
    dice, sound, n_told = random.Random(new_seed()), path.read_bytes(), 0
    n = times(8, 1000)
    for trial in range(n):
        data = bytearray(sound)
        size = len(data) if trial % 3 else 4096  # every third one hits the first page
        for _ in range(dice.choice((1, 1, 10, 1000))):
            data[dice.randrange(size)] ^= 1 << dice.randrange(8)
        for file in path.parent.glob("movies.db-*"):
            file.unlink()
        path.write_bytes(data)
        n_told += bool(looked_at(path))
        if trial % 10 == 0:
            is_restored(path)
    note(fault="bits flipped", tried=n, struck=n_told, wrong=0)


@pytest.mark.slow
def test_a_truncated_database_is_told_in_one_line_and_not_written_to(path: Path) -> None:
    sound = path.read_bytes()
    sizes = [1, 99, 100, 512, 4095, 4096, 4097, len(sound) // 2, len(sound) - 1]
    dice = random.Random(new_seed())
    n = times(2, 100)
    for size in [*sizes, *(dice.randrange(1, len(sound)) for _ in range(n))]:
        for file in path.parent.glob("movies.db-*"):
            file.unlink()
        path.write_bytes(sound[:size])
        looked_at(path)
        assert path.read_bytes() == sound[:size]
        if size <= len(sound) - 4096:  # of a page cut short the rest is read as zeros
            assert CliRunner().invoke(db, ["check", "--db", str(path)]).exit_code == 1
    is_restored(path)
    note(fault="truncated", tried=len(sizes) + n, wrong=0)


def replaced(path: Path, *statements: str) -> None:
    conn = sqlite.connect(str(path), isolation_level=None)
    for statement in statements:
        conn.execute(statement)
    conn.close()


FOREIGN: dict[str, Callable[[Path], object]] = {
    "newer": lambda path: replaced(path, f"PRAGMA user_version = {newest_schema() + 1}"),
    "of another program": lambda path: replaced(path, "PRAGMA application_id = 1"),
    "text": lambda path: path.write_text("userId,movieId\n" * 1000),
    "another database": lambda path: replaced(path, "PRAGMA application_id = 0"),
    "empty": lambda path: path.write_bytes(b""),
    "a page of zeros": lambda path: path.write_bytes(bytes(4096)),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_ours_is_told_in_one_line_and_not_written_to(path: Path, kind: str) -> None:
    FOREIGN[kind](path)
    before = path.read_bytes()
    assert len(looked_at(path)) >= len(LOOKS) - 1
    assert path.read_bytes() == before
    is_restored(path)


@pytest.mark.parametrize("schema", range(1, newest_schema() + 1))
def test_a_database_of_each_older_schema_is_brought_up_to_date(tmp_path: Path, schema: int) -> None:
    path = tmp_path / "movies.db"
    make_at(path, schema)
    CliRunner().invoke(model_versioning, ["list", "--db", str(path)])
    with connection(path) as conn:
        assert conn.execute("PRAGMA user_version").fetchone()[0] == newest_schema()
    assert CliRunner().invoke(db, ["check", "--db", str(path)]).exit_code == 0


class Pickled:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize("name", ["arrays.safetensors", "manifest.json"])
@pytest.mark.parametrize("how", ["changed", "missing", "pickle", "directory", "pipe", "link"])
def test_a_model_that_was_changed_is_refused_and_nothing_executed(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str, how: str
) -> None:
    import pickle

    monkeypatch.chdir(path.parent)
    with connection(path) as conn:
        file = artifact(conn, 2) / name
    content = file.read_bytes()
    file.unlink()
    if how == "changed":
        file.write_bytes(content[:-1] + b" ")
    elif how == "pickle":
        file.write_bytes(pickle.dumps(Pickled()))
    elif how == "directory":
        file.mkdir()
    elif how == "pipe":
        os.mkfifo(file)
    elif how == "link":
        file.symlink_to("/dev/zero")
    assert CliRunner().invoke(model_versioning, ["verify", "--db", str(path)]).exit_code == 1
    assert CliRunner().invoke(model_versioning, ["status", "--db", str(path)]).exit_code == 6
    shown = CliRunner().invoke(model_versioning, ["show", "--user", "1", "--db", str(path)])
    assert shown.exit_code == 1
    assert shown.output.count("\n") == 1
    assert not (path.parent / "executed").exists()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True
        ).returncode
    ):
        pytest.skip("needs root, and to be allowed to mount")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


TUNE = (
    "tune_orchestrator.py",
    "--method",
    "random",
    "--configs",
    "6",
    "--seed",
    "7",
    "--jobs",
    "1",
    "--quiet",
)


def one_line(said: str) -> bool:
    return said.startswith("error: ") and said.count("\n") == 1


@pytest.mark.slow
def test_a_disk_that_is_full_is_one_line_and_the_run_goes_on_when_there_is_space(
    nursery: Nursery, small_world: Path, tmp_path: Path, disk: Path
) -> None:
    path = Path(shutil.copy(small_world, disk / "movies.db"))
    with connection(path) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    struck = nursery.run(*TUNE, "--db", path, said=tmp_path / "struck")
    assert (struck.returncode, one_line(struck.stderr)) == (1, True)
    filler.unlink()
    for words in (TUNE, ("-m", "db", "check")):
        assert nursery.run(*words, "--db", path, said=tmp_path / "said").returncode == 0


@pytest.mark.slow
def test_a_disk_that_is_read_only_is_one_line(
    nursery: Nursery, small_world: Path, tmp_path: Path, disk: Path
) -> None:
    path = Path(shutil.copy(small_world, disk / "movies.db"))
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for words in (
        TUNE,
        ("retrain_model.py",),
        ("-m", "reeltune", "import", "demo"),
        ("model_versioning.py", "rollback"),
        ("-m", "db", "doctor", "--fix"),
    ):
        struck = nursery.run(*words, "--db", path, said=tmp_path / "said")
        assert (struck.returncode, one_line(struck.stderr)) == (1, True), words
    struck = nursery.run(*TUNE, "--db", disk / "new.db", said=tmp_path / "said")
    assert (struck.returncode, one_line(struck.stderr)) == (1, True)
