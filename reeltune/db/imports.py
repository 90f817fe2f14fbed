"""Tables of imported files: which, when, how many rows, and what was wrong with the others."""

from collections.abc import Iterable
from dataclasses import dataclass

from reeltune.db.connection import Connection
from reeltune.db.erasures import load_tombstones
from reeltune.domain.erasure import HIDDEN


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """Row that was not taken, and why."""

    line: int  # physical line of the unpacked file on which the row starts, from 1
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """Import of a file: what the last one found."""

    batch_id: int
    source: str
    file: str
    sha256: str
    imported_at: str
    rows_read: int
    rows_kept: int


def start_batch(conn: Connection, source: str, file: str, sha256: str) -> int:
    """Return the number of the batch for `file`; of a known file the earlier batch, begun anew.

    The time of import stays as long as the content does, so that a second import of the same
    files leaves the database as it was.
    """
    row = conn.execute(
        """
        INSERT INTO import_batches (source, file, sha256, imported_at, rows_read, rows_kept)
        VALUES (:source, :file, :sha256, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0, 0)
            ON CONFLICT (source, file) DO UPDATE
           SET sha256 = excluded.sha256,
               imported_at = iif(sha256 = excluded.sha256, imported_at, excluded.imported_at)
        RETURNING batch_id
        """,
        {"source": source, "file": file, "sha256": sha256},
    ).fetchone()
    batch_id = int(row["batch_id"])
    conn.execute("DELETE FROM rejected_rows WHERE batch_id = :batch_id", {"batch_id": batch_id})
    return batch_id


def known_digest(conn: Connection, source: str, file: str) -> str | None:
    """Return the hash of what was imported of `file` last; None where nothing was."""
    row = conn.execute(
        "SELECT sha256 FROM import_batches WHERE source = :source AND file = :file",
        {"source": source, "file": file},
    ).fetchone()
    return None if row is None else str(row["sha256"])


def set_digest(conn: Connection, batch_id: int, sha256: str) -> None:
    """Record the hash of a batch; its time of import stays as long as the content does."""
    conn.execute(
        """
        UPDATE import_batches
           SET sha256 = :sha256,
               imported_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
         WHERE batch_id = :batch_id AND sha256 <> :sha256
        """,
        {"batch_id": batch_id, "sha256": sha256},
    )


def finish_batch(conn: Connection, batch_id: int, rows_read: int, rows_kept: int) -> None:
    """Record how many rows the file had and how many were taken."""
    conn.execute(
        """
        UPDATE import_batches
           SET rows_read = :rows_read, rows_kept = :rows_kept
         WHERE batch_id = :batch_id
        """,
        {"batch_id": batch_id, "rows_read": rows_read, "rows_kept": rows_kept},
    )


def save_rejected_rows(conn: Connection, batch_id: int, rows: Iterable[RejectedRow]) -> None:
    """Add rows that a batch did not take; not what is said of users who were erased."""
    tombstones = load_tombstones(conn)
    conn.executemany(
        """
        INSERT INTO rejected_rows (batch_id, line, reason, detail)
        VALUES (:batch_id, :line, :reason, :detail)
        """,
        (
            {
                "batch_id": batch_id,
                "line": r.line,
                "reason": r.reason,
                "detail": HIDDEN if tombstones and tombstones.is_named_in(r.detail) else r.detail,
            }
            for r in rows
        ),
    )


def load_batches(conn: Connection) -> list[ImportBatch]:
    """Return every file imported, in order of its first import."""
    rows = conn.execute(
        """
        SELECT batch_id, source, file, sha256, imported_at, rows_read, rows_kept
          FROM import_batches
         ORDER BY batch_id
        """
    )
    return [ImportBatch(*row) for row in rows]


def load_rejected_rows(conn: Connection, file: str) -> list[RejectedRow]:
    """Return what the last import of `file` did not take, by line."""
    rows = conn.execute(
        """
        SELECT line, reason, detail
          FROM rejected_rows
          JOIN import_batches USING (batch_id)
         WHERE file = :file
         ORDER BY line, reason, detail
        """,
        {"file": file},
    )
    return [RejectedRow(*row) for row in rows]
