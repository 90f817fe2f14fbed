"""Reads databases of other programs: SQLite files, opened so that nothing can be written.

They are opened with the same SQLite library as ours, in a transaction, so that all rows are as of
one moment, also while their own program writes.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pysqlite3 as sqlite

from reeltune.db.connection import Connection
from reeltune.domain.errors import BusyError, InputError, NotFoundError

_BUSY_SECONDS = 30.0
_CHUNK_ROWS = 50_000
_QUERY = re.compile(r"\s*(SELECT|WITH|VALUES)\b", re.IGNORECASE)


@contextmanager
def outside_database(path: Path) -> Iterator[Connection]:
    """Open another program's database for reading, as of one moment.

    Raises:
        InputError: it is no database, or cannot be read.
        NotFoundError: there is no such file.
    """
    if not path.is_file():
        raise NotFoundError(f"no database at {str(path)!r}")
    with _expected(path):
        conn = sqlite.connect(
            f"file:{quote(str(path.absolute()))}?mode=ro",
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            uri=True,
        )
        try:
            conn.text_factory = lambda content: content.decode("utf-8", "replace")
            conn.execute("PRAGMA query_only = ON")
            conn.execute("PRAGMA trusted_schema = OFF")
            conn.execute("BEGIN")
            conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            yield conn
        finally:
            conn.close()


def list_tables(conn: Connection) -> list[str]:
    """Return the names of the tables and views, in their order."""
    rows = conn.execute(
        """
        SELECT name
          FROM sqlite_schema
         WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY rowid
        """
    )
    return [row[0] for row in rows]


def select_all(table: str) -> str:
    """Return the query for all rows of a table.

    >>> select_all('my "own" films')
    'SELECT * FROM "my ""own"" films"'
    """
    quoted = table.replace('"', '""')
    return f'SELECT * FROM "{quoted}"'  # noqa: S608 - a name cannot be a parameter; it is quoted


def newer_than(query: str, column: str) -> str:
    """Return the query for the rows of `query` whose `column` is at least the parameter `:seen`."""
    quoted = column.replace('"', '""')
    return f'SELECT * FROM ({query}) WHERE "{quoted}" >= :seen'  # noqa: S608 - as above


def largest(conn: Connection, query: str, column: str) -> object:
    """Return the largest value of a column of what `query` gives; None where there is none."""
    check_query(query)
    quoted = column.replace('"', '""')
    return conn.execute(f'SELECT max("{quoted}") FROM ({query})').fetchone()[0]  # noqa: S608


def check_query(query: str) -> None:
    """Raise InputError unless `query` is one that reads."""
    if not _QUERY.match(query):
        raise InputError(f"select must begin with SELECT or WITH, got {query[:60]!r}")


def read_rows(
    conn: Connection, query: str, seen: object = None
) -> Iterator[tuple[Sequence[str], list[tuple[Any, ...]]]]:
    """Yield the names of the columns and some rows, until all are read; at least once."""
    check_query(query)
    cursor = conn.execute(query, {} if seen is None else {"seen": seen})
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchmany(_CHUNK_ROWS)
    yield names, rows
    while rows:
        rows = cursor.fetchmany(_CHUNK_ROWS)
        yield names, rows


@contextmanager
def _expected(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite.OperationalError as error:
        if "locked" in str(error):
            raise BusyError(f"{str(path)!r} is locked by its program: {error}") from error
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error
    except (sqlite.Error, UnicodeDecodeError) as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error
