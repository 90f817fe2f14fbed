"""Asks the process that works on a run to end, and waits until it has."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from reeltune.db.connection import Connection, transaction
from reeltune.db.experiments import release_running
from reeltune.db.tuning_runs import load_run, load_run_process, set_run_process, set_run_status
from reeltune.domain.clock import stamp
from reeltune.domain.errors import BusyError, InputError
from reeltune.storage.run_lock import lock_holder

PAUSE_SECONDS = 0.05


def stop_run(conn: Connection, database: Path, run_id: str, wait_seconds: float) -> bool:
    """End the run, so that it can be resumed; False if its process was dead already.

    Raises:
        NotFoundError: there is no such run.
        InputError: it is not running.
        BusyError: its process has not ended after `wait_seconds`.
    """
    status = load_run(conn, run_id).status
    if status != "running":
        raise InputError(f"run {run_id} is not running, it is {status}: there is nothing to stop")
    asked = False
    until = time.monotonic() + wait_seconds
    while load_run(conn, run_id).status == "running":
        process = load_run_process(conn, run_id)
        if process is None or lock_holder(database) != process:
            _mark_interrupted(conn, run_id)
            break
        if not asked:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
            asked = True
        if time.monotonic() > until:
            raise BusyError(f"process {process} was asked to end run {run_id}, but still runs")
        time.sleep(PAUSE_SECONDS)
    return asked


def _mark_interrupted(conn: Connection, run_id: str) -> None:
    """Say of a run that its process is gone, unless it ended just now by itself."""
    with transaction(conn):
        if load_run(conn, run_id).status != "running":
            return
        release_running(conn, run_id)
        set_run_process(conn, run_id, None)
        set_run_status(
            conn, run_id, "interrupted", finished_at=stamp(), stop_reason="its process died"
        )
