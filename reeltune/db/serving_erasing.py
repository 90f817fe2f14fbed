"""Takes one user out of the service's store: every table of it that names users."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pysqlite3 as sqlite

from reeltune.db.connection import Connection, expected, transaction
from reeltune.db.serving_file import check_serving_owner, read_serving_file, serving_path

_BUSY_SECONDS = 30.0


def count_served_rows(database: Path, user: str) -> int:
    """Return how many rows of the store name a user, as the source writes the id.

    Raises:
        BusyError: another program kept the store locked for too long.
        StorageError: it cannot be used.
    """
    path = serving_path(database)
    if not path.is_file():
        return 0
    with expected(path):
        conn = read_serving_file(path)
        try:
            return sum(_count(conn, table, user) for table in _tables_with_users(conn))
        finally:
            conn.close()


def erase_served_rows(database: Path, user: str) -> int:
    """Delete all rows of the store that name a user, and overwrite their bytes; return how many.

    Raises:
        BusyError: another program kept the store locked for too long.
        StorageError: it cannot be used.
    """
    path = serving_path(database)
    if not path.is_file():
        return 0
    with _opened(path) as conn:
        conn.execute("PRAGMA secure_delete = ON")
        with transaction(conn):
            n_rows = sum(_delete(conn, table, user) for table in _tables_with_users(conn))
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # the log has the bytes too
    return n_rows


@contextmanager
def _opened(path: Path) -> Iterator[Connection]:
    with expected(path):
        conn = sqlite.connect(str(path), timeout=_BUSY_SECONDS, isolation_level=None)
        conn.row_factory = sqlite.Row
        try:
            check_serving_owner(conn, path)
            yield conn
        finally:
            conn.close()


def _tables_with_users(conn: Connection) -> list[str]:
    """Return the tables that have a column of that name, whichever room declared them."""
    rows = conn.execute(
        """
        SELECT s.name
          FROM sqlite_schema AS s, pragma_table_info(s.name) AS c
         WHERE s.type = 'table' AND c.name = 'user'
         ORDER BY s.name
        """
    )
    return [row["name"] for row in rows]


def _count(conn: Connection, table: str, user: str) -> int:
    sql = f'SELECT count(*) FROM "{table}" WHERE user = ?'  # noqa: S608 - a name that the schema has
    return int(conn.execute(sql, (user,)).fetchone()[0])


def _delete(conn: Connection, table: str, user: str) -> int:
    sql = f'DELETE FROM "{table}" WHERE user = ?'  # noqa: S608 - as above
    return int(conn.execute(sql, (user,)).rowcount)
