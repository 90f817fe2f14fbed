"""Version of the data: a word that stands for all that training sees until it changes.

Whoever wants to keep a copy of the data gives them a version first. Triggers take the version away
with any change, in the transaction of that change, whoever makes it. So a copy made under a version
is right wherever the same version is found: also in a backup, and in a copy of the database. A
version is drawn at random, so that no other data ever have it. The tables call it a seal.
"""

import secrets

import pysqlite3 as sqlite

from reeltune.db.changes import save_mark
from reeltune.db.connection import Connection, busy_seconds, transaction
from reeltune.domain.errors import BusyError

VERSIONED_TABLES = (
    "ratings",
    "movies",
    "genres",
    "movie_genres",
    "cast_members",
)  # what training sees
_EVENTS = ("insert", "update", "delete")
_TRIGGERS = {f"{table}_{event}_breaks_the_seal" for table in VERSIONED_TABLES for event in _EVENTS}


def load_data_version(conn: Connection) -> str | None:
    """Return the version of the data as `conn` sees them; None where they have none."""
    if not _is_guarded(conn):
        return None
    row = conn.execute("SELECT seal FROM data_seal").fetchone()
    return None if row is None else str(row["seal"])


def ensure_data_version(conn: Connection) -> None:
    """Give the data a version if they have none, and have logged what changes from here on.

    If another process is writing, or nobody can, let it be.
    """
    if conn.in_transaction or load_data_version(conn) is not None:
        return
    patience = busy_seconds(conn)
    conn.set_busy_timeout(0)
    try:
        with transaction(conn):
            word = secrets.token_hex(16)
            made = conn.execute(
                "INSERT INTO data_seal (only_row, seal) VALUES (1, :seal) ON CONFLICT DO NOTHING",
                {"seal": word},
            )
            if made.rowcount:
                save_mark(conn, word)
    except (BusyError, sqlite.OperationalError):  # or read-only, or the disk is full
        pass  # as good without
    finally:
        conn.set_busy_timeout(patience)


def _is_guarded(conn: Connection) -> bool:
    """Return if all triggers are there: whoever rebuilds a table may have lost them."""
    rows = conn.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    return {row["name"] for row in rows} >= _TRIGGERS
