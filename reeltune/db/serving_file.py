"""Opens the file of the HTTP service, `movies.serving.db`: its own schema, beside the database.

Its migrations are numbered files of a folder; numbers may have gaps, for rooms number theirs apart.
"""

import hashlib
from pathlib import Path

import pysqlite3 as sqlite

from reeltune.db.connection import Connection, expected, statements, transaction
from reeltune.db.readers import open_reader
from reeltune.domain.errors import NotFoundError, StorageError
from reeltune.storage.identity import check_one_name

SERVING_APPLICATION_ID = 0x52655376  # "ReSv" in the file header
_BUSY_SECONDS = 10.0


def serving_path(database: Path) -> Path:
    """Return where the store of the service lies: beside the file that links lead to.

    >>> serving_path(Path("/srv/movies.db")).name
    'movies.serving.db'
    """
    real = database.resolve()
    stem = real.stem if real.suffix == ".db" else real.name
    return real.with_name(f"{stem}.serving.db")


def open_serving_file(path: Path, migrations: Path) -> Connection:
    """Open the store to write to it, made where it is not there, at the newest schema.

    Raises:
        BusyError: another program kept it locked for too long.
        StorageError: it is not such a store, is damaged, or is from a newer program.
    """
    check_one_name(path)
    with expected(path):
        conn = sqlite.connect(
            str(path), timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        conn.row_factory = sqlite.Row
        try:
            check_serving_owner(conn, path)
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                conn.execute(f"PRAGMA {pragma}")
            _migrate_serving(conn, path, migrations)
        except BaseException:
            conn.close()
            raise
    return conn


def read_serving_file(path: Path) -> Connection:
    """Open the store to read it, wherever it was made before.

    Raises:
        NotFoundError: there is none.
        StorageError: it cannot be used.
    """
    if not path.is_file():
        raise NotFoundError(f"no store at {str(path)!r}: `reeltune serve` makes it")
    with expected(path):
        conn = open_reader(path, _BUSY_SECONDS)
        try:
            check_serving_owner(conn, path)
        except BaseException:
            conn.close()
            raise
    return conn


def check_serving_owner(conn: Connection, path: Path) -> None:
    """Refuse a file of another program.

    Raises:
        StorageError: it is one.
    """
    owner = int(conn.execute("PRAGMA application_id").fetchone()[0])
    n_tables = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if owner != SERVING_APPLICATION_ID and (owner != 0 or n_tables > 0):
        raise StorageError(
            f"{str(path)!r} is no store of the service: move it away, or name another database"
        )


def _migrate_serving(conn: Connection, path: Path, folder: Path) -> None:
    """Run the migrations that are not recorded, each in a transaction of its own."""
    ours = {int(file.name[:4]): file for file in sorted(folder.glob("[0-9]*.sql"))}
    unknown = sorted(_applied(conn) - ours.keys())
    if unknown:
        raise StorageError(
            f"{str(path)!r} has migration {unknown[-1]}, which this program does not know:"
            " update the program; nothing was written"
        )
    for number in sorted(ours.keys() - _applied(conn)):
        _apply_serving(conn, number, ours[number])


def _applied(conn: Connection) -> set[int]:
    if conn.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchone() is None:
        return set()
    return {row["number"] for row in conn.execute("SELECT number FROM migrations")}


def _apply_serving(conn: Connection, number: int, file: Path) -> None:
    """Run one migration, recorded; harmless if another process was first."""
    sql = file.read_text(encoding="utf-8")
    with transaction(conn):
        if number in _applied(conn):
            return
        for statement in statements(sql):
            conn.execute(statement)
        conn.execute(
            """
            INSERT INTO migrations (number, name, sha256, applied_at)
            VALUES (:number, :name, :sha256, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
            """,
            {
                "number": number,
                "name": file.stem,
                "sha256": hashlib.sha256(sql.encode()).hexdigest(),
            },
        )
        conn.execute(f"PRAGMA application_id = {SERVING_APPLICATION_ID}")
