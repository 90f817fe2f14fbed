"""Writes lists of recommendations into a SQLite file of their own, for other programs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pysqlite3 as sqlite

from reeltune.db.connection import Connection

ListRow = Sequence[object]  # user id, rank, movie id, title, score


@contextmanager
def list_database(path: Path, *, text_users: bool, text_movies: bool) -> Iterator[Connection]:
    """Make a SQLite file with an empty table `recommendations`; it is whole after the block.

    Ids are whole numbers, or texts where the data name users or movies by texts. There is no log
    beside the file, and nothing is synced: the caller does that, once.
    """
    conn = sqlite.connect(str(path), isolation_level=None)
    try:
        conn.execute("PRAGMA journal_mode = OFF")
        conn.execute("PRAGMA synchronous = OFF")
        conn.execute(
            f"""
            CREATE TABLE recommendations (
                user_id {_kind(text_users)} NOT NULL,
                rank INTEGER NOT NULL,
                movie_id {_kind(text_movies)} NOT NULL,
                title TEXT NOT NULL,
                score REAL NOT NULL,
                PRIMARY KEY (user_id, rank)
            ) STRICT, WITHOUT ROWID
            """
        )
        yield conn
    finally:
        conn.close()


def add_lists(conn: Connection, rows: Iterable[ListRow]) -> None:
    """Add rows: user id, rank, movie id, title, score."""
    conn.execute("BEGIN")
    conn.executemany(
        """
        INSERT INTO recommendations (user_id, rank, movie_id, title, score)
        VALUES (?, ?, ?, ?, ?)
        """,
        rows,
    )
    conn.execute("COMMIT")


def _kind(is_text: bool) -> str:
    return "TEXT" if is_text else "INTEGER"
