"""Savepoints: parts of a transaction that are undone by themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

from reeltune.db.connection import Connection


@contextmanager
def savepoint(conn: Connection) -> Iterator[None]:
    """Undo what the `with` block wrote if it raises, within a transaction that goes on."""
    conn.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        if conn.in_transaction:  # a full disk has undone all of it
            conn.execute("ROLLBACK TO part")
            conn.execute("RELEASE part")
        raise
    conn.execute("RELEASE part")
