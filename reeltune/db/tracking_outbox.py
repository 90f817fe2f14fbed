"""Table of what trackers outside were told, and of what waits to be told."""

from dataclasses import dataclass

from reeltune.db.connection import Connection
from reeltune.domain.clock import stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """Entry that waits to be told to a tracker."""

    outbox_id: int
    kind: str  # 'run', 'experiment', 'version' or 'promotion'
    subject: str  # its id
    state: str
    remote_id: str | None
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxCount:
    """State of the outbox of one tracker."""

    tracker: str
    n_delivered: int
    n_waiting: int
    last_delivered_at: str | None
    last_error: str | None  # of what waits


def queue_all(conn: Connection, tracker: str) -> int:
    """Queue for a tracker all that it was not told in its present state; return how much that is.

    A run comes before its experiments, an experiment before the version that was made of it.
    """
    queued_at = stamp()
    statements = (
        """
        INSERT OR IGNORE INTO tracking_outbox (tracker, kind, subject, state, queued_at, remote_id)
        SELECT :tracker, 'run', r.tuning_run_id,
               r.status || ' ' || ifnull(r.finished_at, ''), :queued_at,
               (SELECT max(o.remote_id) FROM tracking_outbox AS o
                 WHERE o.tracker = :tracker AND o.kind = 'run' AND o.subject = r.tuning_run_id)
          FROM hp_tuning_runs AS r
         WHERE r.status <> 'planned'
         ORDER BY r.rowid
        """,
        """
        INSERT OR IGNORE INTO tracking_outbox (tracker, kind, subject, state, queued_at)
        SELECT :tracker, 'experiment', experiment_id, status, :queued_at
          FROM hp_experiments
         WHERE status IN ('completed', 'failed', 'pruned')
         ORDER BY completion_number
        """,
        """
        INSERT OR IGNORE INTO tracking_outbox (tracker, kind, subject, state, queued_at)
        SELECT :tracker, 'version', CAST(version AS TEXT), '', :queued_at
          FROM model_versions
         ORDER BY version
        """,
        """
        INSERT OR IGNORE INTO tracking_outbox (tracker, kind, subject, state, queued_at)
        SELECT :tracker, 'promotion', CAST(event_id AS TEXT), '', :queued_at
          FROM version_events
         WHERE event = 'promoted'
         ORDER BY event_id
        """,
    )
    values = {"tracker": tracker, "queued_at": queued_at}
    return sum(conn.execute(statement, values).rowcount for statement in statements)


def load_waiting(conn: Connection, tracker: str) -> list[OutboxRow]:
    """Return what waits to be told to a tracker, in order."""
    rows = conn.execute(
        """
        SELECT outbox_id, kind, subject, state, remote_id, attempts
          FROM tracking_outbox
         WHERE tracker = :tracker AND delivered_at IS NULL
         ORDER BY CASE kind WHEN 'run' THEN 0 WHEN 'experiment' THEN 1
                            WHEN 'version' THEN 2 ELSE 3 END, outbox_id
        """,
        {"tracker": tracker},
    )
    return [OutboxRow(**dict(row)) for row in rows]


def load_remote_id(conn: Connection, tracker: str, kind: str, subject: str) -> str | None:
    """Return the tracker's own id of something it was told; None where it has none."""
    row = conn.execute(
        """
        SELECT remote_id
          FROM tracking_outbox
         WHERE tracker = :tracker AND kind = :kind AND subject = :subject
           AND remote_id IS NOT NULL
         ORDER BY outbox_id DESC
         LIMIT 1
        """,
        {"tracker": tracker, "kind": kind, "subject": subject},
    ).fetchone()
    return None if row is None else str(row["remote_id"])


def begin_attempt(conn: Connection, outbox_id: int) -> None:
    """Record that a tracker is about to be told: after a crash it may have been."""
    conn.execute(
        "UPDATE tracking_outbox SET attempts = attempts + 1 WHERE outbox_id = :id",
        {"id": outbox_id},
    )


def set_remote_id(conn: Connection, outbox_id: int, remote_id: str) -> None:
    """Keep the tracker's own id, before all is told: a repeat goes on with it."""
    conn.execute(
        "UPDATE tracking_outbox SET remote_id = :remote_id WHERE outbox_id = :id",
        {"id": outbox_id, "remote_id": remote_id},
    )


def mark_delivered(conn: Connection, outbox_id: int) -> None:
    """Record that a tracker has been told."""
    conn.execute(
        """
        UPDATE tracking_outbox
           SET delivered_at = :now, error = NULL
         WHERE outbox_id = :id
        """,
        {"id": outbox_id, "now": stamp()},
    )


def mark_failed(conn: Connection, outbox_id: int, error: str) -> None:
    """Record that a tracker could not be told."""
    conn.execute(
        "UPDATE tracking_outbox SET error = :error WHERE outbox_id = :id",
        {"id": outbox_id, "error": error[:500]},
    )


def load_outbox_counts(conn: Connection) -> list[OutboxCount]:
    """Return the state of each tracker's outbox, by its name."""
    rows = conn.execute(
        """
        SELECT tracker,
               count(delivered_at) AS n_delivered,
               count(*) - count(delivered_at) AS n_waiting,
               max(delivered_at) AS last_delivered_at,
               max(error) AS last_error
          FROM tracking_outbox
         GROUP BY tracker
         ORDER BY tracker
        """
    )
    return [OutboxCount(**dict(row)) for row in rows]
