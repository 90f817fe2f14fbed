from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest

from reeltune.db.connection import Connection, connection
from reeltune.db.versions import load_version, load_versions
from reeltune.domain.errors import StorageError
from reeltune.versioning.registry import promote, rollback
from reeltune.versioning.retention import protected, remove_old
from tests.versioning.versions import artifact, produced, registered


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    with connection(tmp_path / "movies.db", create=True) as found:
        yield found


def safe(conn: Connection, keep: int) -> set[int]:
    return protected(conn, load_versions(conn), keep)


def test_the_newest_stay_and_production_and_what_it_replaced(conn: Connection) -> None:
    produced(conn, 3)
    for level in range(4, 8):
        registered(conn, level)
    assert safe(conn, 0) == {2, 3}
    assert safe(conn, 2) == {2, 3, 6, 7}
    assert safe(conn, 99) == set(range(1, 8))


def test_after_a_rollback_what_one_could_go_back_to_stays(conn: Connection) -> None:
    produced(conn, 4)
    rollback(conn, reason="bad")
    assert safe(conn, 0) == {2, 3}
    promote(conn, 1, "again")
    assert safe(conn, 0) == {1, 3}


def test_production_stays_also_where_the_events_do_not_say_that_it_is(conn: Connection) -> None:
    for level in (1, 2, 3):
        registered(conn, level)
    conn.execute("UPDATE model_versions SET status = 'production' WHERE version = 1")
    assert safe(conn, 1) == {1, 3}


def test_without_anything_in_production_only_the_newest_stay(conn: Connection) -> None:
    for level in (1, 2, 3):
        registered(conn, level)
    assert safe(conn, 1) == {3}
    assert safe(conn, 0) == set()


def test_what_is_removed_is_said_marked_and_gone(conn: Connection) -> None:
    produced(conn, 5)
    places = {v: artifact(conn, v) for v in range(1, 6)}
    size = sum(f.stat().st_size for v in (1, 2, 3) for f in places[v].iterdir())
    found = remove_old(conn, keep=1)
    assert (found.versions, found.kept, found.n_bytes) == ((1, 2, 3), (4, 5), size)
    assert [v for v, place in places.items() if place.exists()] == [4, 5]
    assert [v.version for v in load_versions(conn) if v.removed_at] == [1, 2, 3]
    again = remove_old(conn, keep=1)
    assert (again.versions, again.kept, again.n_bytes) == ((), (4, 5), 0)


def test_a_dry_run_says_the_same_and_removes_nothing(conn: Connection) -> None:
    produced(conn, 5)
    dry = remove_old(conn, keep=1, dry_run=True)
    assert all(artifact(conn, v).is_dir() for v in range(1, 6))
    assert load_version(conn, 1).removed_at is None
    assert remove_old(conn, keep=1) == dry
    figures = {"versions": (1, 2, 3), "kept": (4, 5), "n_bytes": dry.n_bytes}
    assert dry.as_dict() == figures | {"stays_for": ()}


def test_ten_are_kept_by_default(conn: Connection) -> None:
    produced(conn, 12)
    assert remove_old(conn).versions == (1, 2)


def test_what_two_versions_share_stays_while_one_of_them_does(conn: Connection) -> None:
    produced(conn, 3)
    shared = artifact(conn, 3)
    conn.execute(
        """UPDATE model_versions SET (artifact, artifact_sha256) =
               (SELECT artifact, artifact_sha256 FROM model_versions WHERE version = 3)
            WHERE version = 1"""
    )
    assert remove_old(conn, keep=0).versions == (1,)
    assert shared.is_dir()


def test_what_a_copy_beside_the_database_names_stays(conn: Connection, tmp_path: Path) -> None:
    produced(conn, 3)
    with connection(tmp_path / "copy.db", create=True) as target:
        conn.backup(target)
    found = remove_old(conn, keep=0)
    assert (found.versions, found.n_bytes) == ((1,), 0)
    assert artifact(conn, 1).is_dir()


def test_a_copy_never_removes_models_of_the_original(conn: Connection, tmp_path: Path) -> None:
    produced(conn, 3)
    (tmp_path / "elsewhere").mkdir()
    with connection(tmp_path / "elsewhere" / "copy.db", create=True) as copy:
        conn.backup(copy)
        rows = "UPDATE model_versions SET artifact = '../' || artifact"
        copy.execute(rows)
        with pytest.raises(StorageError, match="is not the name of an artifact"):
            remove_old(copy, keep=0)
    assert artifact(conn, 1).is_dir()


def test_a_model_that_is_missing_already_is_marked_too(conn: Connection) -> None:
    produced(conn, 3)
    rmtree(artifact(conn, 1))
    assert remove_old(conn, keep=0).versions == (1,)
    assert load_version(conn, 1).removed_at is not None
