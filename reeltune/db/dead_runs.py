"""Finds runs that are said to be running though their process is dead, and closes them.

The caller holds the database's lock, so that no run but its own can be alive.
"""

from reeltune.db.connection import Connection, transaction
from reeltune.db.experiments import load_running, release_running
from reeltune.db.tuning_runs import load_runs, set_run_process, set_run_status
from reeltune.domain.clock import stamp
from reeltune.domain.experiment import TuningRun

DIED = "its process died"


def load_dead_runs(conn: Connection) -> list[TuningRun]:
    """Runs that are running by their own row, or have experiments that are."""
    return [
        run
        for run in load_runs(conn)
        if run.status == "running" or load_running(conn, run.tuning_run_id)
    ]


def close_dead_run(conn: Connection, run_id: str) -> None:
    """Say of a run that it was interrupted: what it was trying is pending again."""
    with transaction(conn):
        release_running(conn, run_id)
        set_run_status(conn, run_id, "interrupted", finished_at=stamp(), stop_reason=DIED)
        set_run_process(conn, run_id, None)


def close_dead_runs(conn: Connection) -> None:
    """Close them all, so that nobody waits for what will never end."""
    for run in load_dead_runs(conn):
        close_dead_run(conn, run.tuning_run_id)
