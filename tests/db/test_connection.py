import threading
from pathlib import Path

import pysqlite3 as sqlite
import pytest

from reeltune.db.connection import (
    APPLICATION_ID,
    Connection,
    connect,
    connection,
    schema_version,
    transaction,
)
from reeltune.db.data_version import ensure_data_version
from reeltune.domain.errors import BusyError, NotFoundError, StorageError

MIGRATIONS = sorted((Path(__file__).parents[2] / "reeltune" / "db" / "migrations").glob("*.sql"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "movies.db"


def raw(path: Path, *statements: str) -> None:
    """Run statements on a file that `connect` knows nothing of."""
    conn = sqlite.connect(str(path), isolation_level=None)
    for statement in statements:
        conn.execute(statement)
    conn.close()


def one(conn: Connection, sql: str) -> object:
    return conn.execute(sql).fetchone()[0]


def test_every_migration_is_recorded_with_its_hash(path: Path) -> None:
    conn = connect(path, create=True)
    rows = conn.execute("SELECT number, name, length(sha256) FROM migrations ORDER BY number")
    expected = [(n, file.stem, 64) for n, file in enumerate(MIGRATIONS, start=1)]
    assert [tuple(row) for row in rows] == expected
    assert schema_version(conn) == len(MIGRATIONS) >= 3


def test_a_new_database_says_whose_it_is_and_keeps_what_is_written(path: Path) -> None:
    conn = connect(path, create=True)
    assert one(conn, "PRAGMA application_id") == APPLICATION_ID
    assert one(conn, "PRAGMA journal_mode") == "wal"
    assert one(conn, "PRAGMA synchronous") == 2
    assert one(conn, "PRAGMA foreign_keys") == 1
    assert one(conn, "PRAGMA integrity_check") == "ok"


def test_opening_again_applies_nothing(path: Path) -> None:
    with connection(path, create=True) as conn:
        before = one(conn, "SELECT group_concat(applied_at) FROM migrations")
        conn.execute("UPDATE migrations SET applied_at = 'long ago'")
    with connection(path) as conn:
        assert one(conn, "SELECT DISTINCT applied_at FROM migrations") == "long ago" != before


def test_a_missing_database_is_not_made_by_chance(path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no database at .*make one with"):
        connect(path)
    assert not path.exists()


def test_a_database_from_the_future_is_refused_and_unwritten(path: Path) -> None:
    connect(path, create=True).close()
    raw(path, "PRAGMA user_version = 999")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="has schema 999, this program knows up to"):
        connect(path)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused_and_unwritten(path: Path) -> None:
    raw(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="of another program: name another file"):
        connect(path, create=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"userId,movieId\n" * 500, b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_database_is_refused_and_unwritten(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StorageError, match="is not a usable database"):
        connect(path, create=True)
    assert path.read_bytes() == content


def test_a_directory_that_does_not_exist_is_an_expected_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be used: unable to open"):
        connect(tmp_path / "nowhere" / "movies.db", create=True)


def test_what_fails_within_a_transaction_leaves_nothing(path: Path) -> None:
    conn = connect(path, create=True)
    with pytest.raises(sqlite.IntegrityError), transaction(conn):
        conn.executemany("INSERT INTO movies (movie_id, title) VALUES (?, 'Heat')", [(1,), (0,)])
    assert one(conn, "SELECT count(*) FROM movies") == 0
    assert not conn.in_transaction


def test_what_a_transaction_wrote_is_there_for_others_at_its_end_and_not_before(path: Path) -> None:
    conn, other = connect(path, create=True), connect(path)
    with transaction(conn):
        conn.execute("INSERT INTO movies (movie_id, title) VALUES (1, 'Heat')")
        assert one(other, "SELECT count(*) FROM movies") == 0
    assert one(other, "SELECT count(*) FROM movies") == 1


@pytest.mark.parametrize(
    "row",
    [
        "INSERT INTO ratings VALUES (1, 1, 5.5, 0)",
        "INSERT INTO ratings VALUES (1, 1, 'good', 0)",
        "INSERT INTO ratings VALUES (1, 1, 4.0, -1)",
        "INSERT INTO ratings VALUES (1, 99, 4.0, 0)",
        "INSERT INTO movies (movie_id, title) VALUES (0, 'Heat')",
        "INSERT INTO movies (movie_id, title) VALUES (2, '')",
    ],
)
def test_what_must_not_be_is_refused_where_it_would_be_stored(path: Path, row: str) -> None:
    conn = connect(path, create=True)
    conn.execute("INSERT INTO movies (movie_id, title) VALUES (1, 'Heat')")
    with pytest.raises(sqlite.IntegrityError):
        conn.execute(row)


def test_a_lock_that_is_not_released_is_an_expected_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "movies.db"
    monkeypatch.setattr("reeltune.db.connection.BUSY_SECONDS", 0.1)
    with connection(path, create=True) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError, match="locked by another"), connection(path) as conn:
            conn.execute("BEGIN IMMEDIATE")
        holder.execute("ROLLBACK")


def hold_for(path: Path, seconds: float) -> threading.Timer:
    """Another program's lock, which goes after a while."""
    other = sqlite.connect(str(path), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(seconds, other.close)
    timer.start()
    return timer


def test_another_programs_lock_is_waited_for_as_long_as_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "movies.db"
    monkeypatch.setattr("reeltune.db.connection.BUSY_SECONDS", 0.1)
    connect(path, create=True).close()
    timer = hold_for(path, 1.5)
    with pytest.raises(BusyError, match="give --wait SECONDS"), connection(path) as conn:
        nothing_written(conn)
    with connection(path, wait_seconds=60) as conn:
        ensure_data_version(conn)  # does not wait itself, and leaves the waiting of others
        nothing_written(conn)
    timer.join()


def nothing_written(conn: Connection) -> None:
    with transaction(conn):
        pass
