"""Closes runs: those that end, and those whose process is dead though they are "running"."""

from reeltune.db.connection import Connection, transaction
from reeltune.db.experiments import load_running, release_running
from reeltune.db.tuning_runs import load_run, load_runs, set_run_process, set_run_status
from reeltune.domain.clock import stamp
from reeltune.domain.experiment import RunStatus, TuningRun
from reeltune.domain.study import STUDY

DIED = "its process died"


def load_dead_runs(conn: Connection) -> list[TuningRun]:
    """Return runs that are running by their own row, or have experiments that are.

    The caller holds the database's lock, so that no run but its own can be alive.
    """
    return [
        run
        for run in load_runs(conn)
        if run.task != STUDY  # which no process works on: its clients come and go
        and (run.status == "running" or load_running(conn, run.tuning_run_id))
    ]


def close_run(
    conn: Connection,
    run_id: str,
    status: RunStatus = "interrupted",
    reason: str = DIED,
    *,
    only_running: bool = False,
) -> None:
    """Record that no process works on a run any more; what it was trying is pending again.

    With `only_running`, a run that ended just now by itself is left as it is.
    """
    with transaction(conn):
        if only_running and load_run(conn, run_id).status != "running":
            return
        release_running(conn, run_id)
        set_run_status(conn, run_id, status, finished_at=stamp(), stop_reason=reason)
        set_run_process(conn, run_id, None)


def close_dead_runs(conn: Connection) -> None:
    """Close them all, so that nobody waits for what will never end."""
    for run in load_dead_runs(conn):
        close_run(conn, run.tuning_run_id)
