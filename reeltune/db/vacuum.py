"""Rewrites the database file, so that nothing of what was deleted is in it or in its log."""

import time

from reeltune.db.connection import Connection, busy_seconds
from reeltune.domain.errors import BusyError

_STEP_SECONDS = 0.5  # between them Ctrl-C is heard


def overwrite_deleted(conn: Connection) -> None:
    """Overwrite what `conn` deletes from here on with zeros."""
    conn.execute("PRAGMA secure_delete = ON")


def wait_for_readers(conn: Connection) -> None:
    """Return when the log is empty, and nobody reads the database as it was before now.

    Raises:
        BusyError: somebody does for longer than the connection waits.
    """
    patience = busy_seconds(conn)
    until = time.monotonic() + patience
    conn.set_busy_timeout(min(patience, _STEP_SECONDS))
    try:
        while conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() >= until:
                raise BusyError(
                    "another program still reads the database as it was: the rows are erased, the"
                    " files not yet; let it end, then run this again"
                )
    finally:
        conn.set_busy_timeout(patience)


def rewrite(conn: Connection) -> None:
    """Write the file anew from what is in it; what was deleted before is in no page of it."""
    wait_for_readers(conn)
    conn.execute("VACUUM")
    wait_for_readers(conn)
