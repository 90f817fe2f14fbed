"""Tables of removed models, and of how commands that are run at night ended."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from reeltune.db.connection import Connection, Row
from reeltune.domain.clock import stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """Run of a command, and how it ended."""

    command: str  # 'tune' or 'retrain'
    started_at: str
    ended_at: str
    exit_code: int
    said: str  # in one line


def mark_removed(conn: Connection, versions: Iterable[int]) -> None:
    """Say that the models of `versions` are removed on purpose."""
    conn.executemany(
        "INSERT INTO removed_artifacts (version, removed_at) VALUES (:version, :removed_at)",
        [{"version": version, "removed_at": stamp()} for version in versions],
    )


def unmark_removed(conn: Connection, version: int) -> None:
    """Say that the model of a version is there again."""
    conn.execute("DELETE FROM removed_artifacts WHERE version = :version", {"version": version})


def save_command_run(conn: Connection, run: CommandRun) -> None:
    """Add how a command ended."""
    conn.execute(
        """
        INSERT INTO command_runs (command, started_at, ended_at, exit_code, said)
        VALUES (:command, :started_at, :ended_at, :exit_code, :said)
        """,
        asdict(run),
    )


def load_last_command_run(conn: Connection, *, successful: bool = False) -> CommandRun | None:
    """Return how the latest command ended; with `successful`, of those that did what they are for.

    A gate that refuses has done so too.
    """
    row = conn.execute(
        """
        SELECT command, started_at, ended_at, exit_code, said
          FROM command_runs
         WHERE NOT :successful OR exit_code IN (0, 3)
         ORDER BY command_run_id DESC
         LIMIT 1
        """,
        {"successful": successful},
    ).fetchone()
    return None if row is None else _run(row)


def load_command_runs(conn: Connection, since: str) -> list[CommandRun]:
    """Return how the commands ended that began at a moment or later, in order."""
    rows = conn.execute(
        """
        SELECT command, started_at, ended_at, exit_code, said
          FROM command_runs
         WHERE started_at >= :since
         ORDER BY command_run_id
        """,
        {"since": since},
    )
    return [_run(row) for row in rows]


def load_run_starts(conn: Connection, after: str) -> list[str]:
    """Return when the commands began that began after a moment, in order."""
    rows = conn.execute(
        """
        SELECT started_at
          FROM command_runs
         WHERE started_at > :after
         ORDER BY command_run_id
        """,
        {"after": after},
    )
    return [row["started_at"] for row in rows]


def _run(row: Row) -> CommandRun:
    return CommandRun(**dict(row))
