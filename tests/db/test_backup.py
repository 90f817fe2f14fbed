import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from reeltune.commands.database import db as command
from reeltune.db.connection import Connection, connect, connection
from reeltune.db.deployed import export_path
from reeltune.db.versions import load_production, load_versions
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.registry import load_model, promote
from reeltune.versioning.verification import verify
from tests.importers.imports import dump
from tests.versioning.versions import artifact, produced, registered


def run(path: Path, *words: str | Path, expect: int = 0) -> Result:
    result = CliRunner().invoke(command, [*map(str, words), "--db", str(path)])
    assert result.exit_code == expect, result.output
    if expect == 1 and "error: " in result.output:
        assert result.output.count("\n") == 1
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


@pytest.fixture
def conn(path: Path) -> Connection:
    conn = connect(path, create=True)
    produced(conn, 2)
    return conn


def content(path: Path) -> list[str]:
    with connection(path) as conn:
        return dump(conn)


def test_what_is_restored_is_what_was_saved(path: Path, conn: Connection, tmp_path: Path) -> None:
    before, saved = dump(conn), tmp_path / "saved"
    run(path, "backup", saved)
    produced(conn)
    shutil.rmtree(artifact(conn, 1))
    run(path, "restore", saved, "--force")
    assert dump(conn) == before  # a connection that was open all the while sees it
    assert load_production(conn).version == 2  # type: ignore[union-attr]
    assert json.loads(export_path(conn).read_text())["version"] == 2
    assert [fault.subject for fault in verify(conn)] != []  # version 3's model is an orphan now
    run(path, "doctor", "--fix")
    assert verify(conn) == []


@pytest.mark.parametrize("name", ["movies", ".movies", "a b's.db", "m?#%20.db", "new\nline.db"])
def test_whatever_a_database_is_called_it_is_saved_and_restored(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with connection(path, create=True) as conn:
        produced(conn, 2)
        before = dump(conn)
    run(path, "backup", tmp_path / "saved")
    run(path, "restore", tmp_path / "saved", "--force")
    with connection(path) as conn:
        assert dump(conn) == before
        assert verify(conn) == []


def test_a_lost_directory_is_restored_whole(path: Path, conn: Connection, tmp_path: Path) -> None:
    before, saved = dump(conn), tmp_path / "else" / "where"
    run(path, "backup", saved)
    conn.close()
    other = tmp_path / "new" / "movies.db"
    other.parent.mkdir()
    run(other, "restore", saved)
    assert content(other) == before
    with connection(other) as restored:
        assert verify(restored) == []
        assert load_model(restored).version.version == 2


def test_under_another_name_the_models_get_a_directory_of_their_own(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    run(path, "backup", tmp_path / "saved")
    other = path.with_name("other.db")
    run(other, "restore", tmp_path / "saved")
    with connection(other) as restored:
        assert verify(restored) == []
        assert artifact(restored, 2).parent.name == "other.versions"
    assert verify(conn) == []


def test_a_backup_is_made_while_others_write(path: Path, conn: Connection, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with connection(path) as other:
            while not stop.is_set():
                produced(other)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(5):
            run(path, "backup", tmp_path / f"saved{n}")
    finally:
        stop.set()
        writer.join()
    for n in range(5):
        run(tmp_path / f"restored{n}.db", "restore", tmp_path / f"saved{n}")
        with connection(tmp_path / f"restored{n}.db") as restored:
            assert verify(restored) == []
            assert len(load_versions(restored)) >= 2


def test_neither_command_replaces_what_is_there_unasked(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    run(path, "backup", tmp_path / "saved")
    assert "there already" in run(path, "backup", tmp_path / "saved", expect=1).output
    before = dump(conn)
    assert "give --force" in run(path, "restore", tmp_path / "saved", expect=1).output
    assert dump(conn) == before


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def lead_elsewhere(saved: Path) -> None:
    said = json.loads((saved / "backup.json").read_text())
    said["files"]["../../evil"] = said["files"]["movies.db"]
    (saved / "backup.json").write_text(json.dumps(said))


@pytest.mark.parametrize(
    "damage",
    [
        lambda saved: flip(saved / "movies.db"),
        lambda saved: flip(next(saved.rglob("arrays.safetensors"))),
        lambda saved: next(saved.rglob("manifest.json")).unlink(),
        lambda saved: (saved / "backup.json").write_text("{}"),
        lambda saved: (saved / "backup.json").write_bytes(b"\xff"),
        lambda saved: (saved / "backup.json").unlink(),
        lead_elsewhere,
        shutil.rmtree,
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_written(
    path: Path, conn: Connection, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    run(path, "backup", tmp_path / "saved")
    damage(tmp_path / "saved")
    before = dump(conn)
    run(path, "restore", tmp_path / "saved", "--force", expect=1)
    run(path, "restore", tmp_path / "saved", "--dry-run", expect=1)
    assert dump(conn) == before


@pytest.mark.parametrize("size", [0, 100, 5_000])
def test_a_database_that_cannot_be_opened_is_restored(
    path: Path, conn: Connection, tmp_path: Path, size: int
) -> None:
    before = dump(conn)
    run(path, "backup", tmp_path / "saved")
    conn.close()
    path.write_bytes(b"\xa5" * size)
    path.with_name("movies.db-wal").write_bytes(b"what belongs to another file")
    run(path, "restore", tmp_path / "saved", "--force")
    assert content(path) == before


@pytest.mark.parametrize("place", [18, 44])  # the versions of the file's format and the schema's
def test_a_database_of_a_format_of_the_future_is_restored(
    path: Path, conn: Connection, tmp_path: Path, place: int
) -> None:
    before = dump(conn)
    run(path, "backup", tmp_path / "saved")
    conn.close()
    data = bytearray(path.read_bytes())
    data[place : place + 4] = b"\x7f" * 4
    path.write_bytes(data)
    run(path, "restore", tmp_path / "saved", "--force")
    assert content(path) == before


def test_a_model_in_production_that_is_damaged_is_not_passed_over(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    flip(artifact(conn, 2) / "arrays.safetensors")
    assert "was changed" in run(path, "backup", tmp_path / "saved", expect=1).output
    assert [p.name for p in tmp_path.iterdir() if "saved" in p.name] == []


def test_an_older_model_that_is_gone_is_named_and_the_rest_is_saved(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    shutil.rmtree(artifact(conn, 1))
    assert "version 1" in run(path, "backup", tmp_path / "saved").stderr
    run(tmp_path / "new.db", "restore", tmp_path / "saved")


def test_nothing_is_restored_into_a_directory_where_a_run_is_alive(
    path: Path, conn: Connection, tmp_path: Path
) -> None:
    run(path, "backup", tmp_path / "saved")
    registered(conn, 9)
    with run_lock(path):
        run(path, "restore", tmp_path / "saved", "--force", expect=4)
        assert len(load_versions(conn)) == 3
        promote(conn, 3, "still there")
