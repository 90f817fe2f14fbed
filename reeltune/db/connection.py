"""Opens the database: pragmas, migrations, and the one way to write."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pysqlite3 as sqlite

from reeltune.db.readers import check_unwritten, is_denied, may_write, open_reader
from reeltune.domain.errors import BusyError, NotFoundError, ReelTuneError, StorageError
from reeltune.storage.identity import check_one_name

Connection = sqlite.Connection
Cursor = sqlite.Cursor
Row = sqlite.Row

BUSY_SECONDS = 30.0
_BUSY_STEP_SECONDS = 0.5  # between them Ctrl-C is heard
APPLICATION_ID = 0x5265546E  # "ReTn" in the file header says whose database it is
_MIGRATIONS = Path(__file__).parent / "migrations"


def connect(path: Path, *, create: bool = False, wait_seconds: float = 0.0) -> Connection:
    """Open `path` at the newest schema, migrating an older one.

    For an account that may not write to it, it is opened to be read. Another program's lock is
    waited for `wait_seconds`, and at least `BUSY_SECONDS`.

    Raises:
        NotFoundError: there is no such file and `create` is false.
        StorageError: it is not a database of ours, is damaged, or is from a newer version.
    """
    if not create and not path.is_file():
        raise NotFoundError(
            f"no database at {str(path)!r}: make one with `reeltune import demo --db {path}`"
            " or import your own ratings"
        )
    check_one_name(path)
    busy_seconds = max(BUSY_SECONDS, wait_seconds)
    with expected(path):
        conn = _open(path, busy_seconds)
        try:
            _migrate(conn, path, may_be_empty=create)
        except sqlite.OperationalError as error:
            conn.close()
            if not is_denied(error) or not path.is_file() or may_write(path):
                raise
            conn = _open_to_read(path, busy_seconds)
        except BaseException:
            conn.close()
            raise
    return conn


@contextmanager
def connection(
    path: Path, *, create: bool = False, wait_seconds: float = 0.0
) -> Iterator[Connection]:
    """Yield what `connect` returns, closed at the end of the `with` block.

    Within the block what SQLite cannot do becomes an expected error.

    Raises:
        BusyError: another program kept the database locked for too long.
        StorageError: the disk is full or read-only, or the file is damaged.
    """
    conn = connect(path, create=create, wait_seconds=wait_seconds)
    try:
        with expected(path):
            yield conn
        check_unwritten(conn, path)
    except ReelTuneError:
        raise
    except Exception as error:
        if _is_damaged(conn):  # then it is no wonder that something failed
            raise StorageError(
                f"{str(path)!r} is damaged ({type(error).__name__} came of it): `python -m db"
                " check` says where; restore it from a backup"
            ) from error
        raise
    finally:
        conn.close()


@contextmanager
def transaction(conn: Connection) -> Iterator[None]:
    """Write all of the `with` block or nothing: BEGIN IMMEDIATE, then COMMIT or ROLLBACK.

    Raises:
        BusyError: another program holds the database for longer than the connection waits.
    """
    _begin(conn)
    try:
        yield
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def busy_seconds(conn: Connection) -> float:
    """Return how long a connection waits for another program's lock."""
    return float(conn.execute("PRAGMA busy_timeout").fetchone()[0]) / 1000


def inserted_id(cursor: Cursor) -> int:
    """Return the id of the row that the cursor's INSERT has added."""
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def open_unchanged(path: Path) -> Connection:
    """Open a database to look at it: nothing is migrated, and nothing can be written.

    Raises:
        NotFoundError: there is no such file.
        StorageError: it cannot be opened.
    """
    if not path.is_file():
        raise NotFoundError(f"no database at {str(path)!r}: name another file with --db")
    with expected(path):
        return open_reader(path, BUSY_SECONDS)


def check_migrations(conn: Connection) -> list[str]:
    """Return what differs in the recorded migrations from this program's, one sentence each."""
    known = enumerate(_read_migrations(), 1)
    ours = {number: (name, _sha256(sql)) for number, (name, sql) in known}
    rows = conn.execute("SELECT number, name, sha256 FROM migrations ORDER BY number")
    found = {row["number"]: (row["name"], row["sha256"]) for row in rows}
    wrong = [f"migration {n} is not the program's" for n in found if found[n] != ours.get(n)]
    applied = set(range(1, schema_version(conn) + 1))
    wrong += [f"migration {n} is not recorded" for n in sorted(applied - found.keys())]
    return wrong + ([] if _has_our_schema(conn) else ["tables differ from the migrations'"])


def check_owner(conn: Connection, path: Path) -> None:
    """Refuse a database of another program or from the future.

    Raises:
        StorageError: it is one.
    """
    with expected(path):
        _check_ours(conn, path, newest_schema(), may_be_empty=False)


def newest_schema() -> int:
    """Return the number of the last migration that this program knows."""
    return len(_read_migrations())


@contextmanager
def expected(path: Path) -> Iterator[None]:
    """Raise SQLite's errors as expected ones; a broken constraint stays what it is: a bug."""
    try:
        yield
    except sqlite.IntegrityError:
        raise
    except sqlite.OperationalError as error:
        if "locked" in str(error):
            raise BusyError(_locked(path)) from error
        if is_denied(error) and path.is_file() and not may_write(path):
            raise StorageError(
                f"{str(path)!r} may be read by this account, but not written to: {error}"
            ) from error
        raise StorageError(f"{str(path)!r} cannot be used: {error}") from error
    except sqlite.DatabaseError as error:
        raise StorageError(f"{str(path)!r} is not a usable database: {error}") from error
    except UnicodeDecodeError as error:  # in the text of an error of SQLite's: of a damaged name
        raise StorageError(f"{str(path)!r} is not a usable database: {error.reason}") from error


def schema_version(conn: Connection) -> int:
    """Return the number of the last migration applied; 0 for an empty file."""
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def is_ours(conn: Connection) -> bool:
    """Tell whether a database says that it is this program's."""
    return int(conn.execute("PRAGMA application_id").fetchone()[0]) == APPLICATION_ID


def _has_our_schema(conn: Connection) -> bool:
    """Return if the tables, indices and triggers of the migrations are there, to the letter."""
    model = sqlite.connect(":memory:", isolation_level=None)
    try:
        for _, sql in _read_migrations()[: schema_version(conn)]:
            model.executescript(sql)
        return _schema(model) <= _schema(conn)  # what users add is theirs
    finally:
        model.close()


def _schema(conn: Connection) -> set[tuple[str, ...]]:
    rows = conn.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")
    return {tuple(row) for row in rows if not row[1].startswith("sqlite_")}


def _is_damaged(conn: Connection) -> bool:
    try:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        if not _has_our_schema(conn):
            return True
        if conn.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            return True
        return conn.execute("PRAGMA foreign_key_check").fetchone() is not None
    except (sqlite.DatabaseError, UnicodeDecodeError):
        return True


def _open(path: Path, busy_seconds: float) -> Connection:
    conn = sqlite.connect(str(path), timeout=busy_seconds, isolation_level=None)
    conn.row_factory = sqlite.Row
    return conn


def _open_to_read(path: Path, busy_seconds: float) -> Connection:
    conn = open_reader(path, busy_seconds)
    try:
        newest = newest_schema()
        _check_ours(conn, path, newest, may_be_empty=False)
        if schema_version(conn) < newest:
            raise StorageError(
                f"{str(path)!r} has schema {schema_version(conn)}, this program needs {newest}:"
                " run any command once from an account that may write to it"
            )
    except BaseException:
        conn.close()
        raise
    return conn


def _begin(conn: Connection) -> None:
    """Begin to write, after other programs; in short waits, so that Ctrl-C is heard between."""
    patience = busy_seconds(conn)
    until = monotonic() + patience
    conn.set_busy_timeout(min(patience, _BUSY_STEP_SECONDS))
    try:
        while True:
            try:
                conn.execute("BEGIN IMMEDIATE")
            except sqlite.OperationalError as error:
                if "locked" not in str(error):
                    raise
                if monotonic() >= until:
                    raise BusyError(_locked(_path(conn))) from error
            else:
                return
    finally:
        conn.set_busy_timeout(patience)


def _locked(path: Path) -> str:
    return (
        f"{str(path)!r} is locked by another program: save or close what it has open there, "
        "or give --wait SECONDS"
    )


def _path(conn: Connection) -> Path:
    return Path(conn.execute("PRAGMA database_list").fetchone()["file"])


def _set_pragmas(conn: Connection) -> None:
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("PRAGMA recursive_triggers = ON")  # or REPLACE would delete past a trigger


def _migrate(conn: Connection, path: Path, *, may_be_empty: bool) -> None:
    migrations = _read_migrations()
    _check_ours(conn, path, newest=len(migrations), may_be_empty=may_be_empty)
    _set_pragmas(conn)
    for number in range(schema_version(conn) + 1, len(migrations) + 1):
        _apply(conn, number, *migrations[number - 1])


def _read_migrations() -> list[tuple[str, str]]:
    """Return (name, SQL) of each migration, in order; numbered 1, 2, 3 without a gap."""
    files = sorted(_MIGRATIONS.glob("*.sql"))
    assert [int(re.sub(r"_.*", "", f.name)) for f in files] == list(range(1, len(files) + 1))
    return [(file.stem, file.read_text(encoding="utf-8")) for file in files]


def _check_ours(conn: Connection, path: Path, newest: int, *, may_be_empty: bool) -> None:
    """Refuse a database of another program or from the future, before anything is written.

    An empty file is where a new database may be made, or what is left of one that was cut off.
    """
    found = schema_version(conn)
    owner = int(conn.execute("PRAGMA application_id").fetchone()[0])
    n_tables = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    _check_whole(conn, path)
    if owner != APPLICATION_ID and (owner != 0 or n_tables > 0):
        raise StorageError(f"{str(path)!r} is a database of another program: name another file")
    if owner != APPLICATION_ID and not may_be_empty:
        raise StorageError(
            f"{str(path)!r} is empty: import ratings into it, or restore it from a backup"
        )
    if found > newest:
        raise StorageError(
            f"{str(path)!r} has schema {found}, this program knows up to {newest}:"
            " update the program; nothing was written"
        )


def _check_whole(conn: Connection, path: Path) -> None:
    """Refuse a file whose last page is cut short: SQLite would read the rest of it as zeros.

    As long as there is a log, the page may be in it.
    """
    page_size = int(conn.execute("PRAGMA page_size").fetchone()[0])
    log = path.with_name(path.name + "-wal")
    if path.stat().st_size % page_size and not (log.exists() and log.stat().st_size):
        raise StorageError(f"{str(path)!r} is cut short: restore it from a backup")


def _apply(conn: Connection, number: int, name: str, sql: str) -> None:
    """Run one migration in one transaction, recorded; harmless if another process was first."""
    with transaction(conn):
        if schema_version(conn) >= number:
            return
        for statement in statements(sql):
            conn.execute(statement)
        conn.execute(
            "INSERT INTO migrations (number, name, sha256, applied_at)"
            " VALUES (:number, :name, :sha256, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))",
            {"number": number, "name": name, "sha256": _sha256(sql)},
        )
        assert schema_version(conn) == number  # each migration sets its own number


def _sha256(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()


def statements(sql: str) -> Iterator[str]:
    """Return the statements of a migration; `executescript` would commit the open transaction."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite.complete_statement(pending):
            yield pending
            pending = ""
    assert not pending.strip()
