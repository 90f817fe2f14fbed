"""Stop request: asks the process that works on a run to end, and waits until it has."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from reeltune.db.connection import Connection
from reeltune.db.dead_runs import close_run
from reeltune.db.tuning_runs import load_run, load_run_process
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
            close_run(conn, run_id, only_running=True)
            break
        if not asked:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
            asked = True
        if time.monotonic() > until:
            raise BusyError(f"process {process} was asked to end run {run_id}, but still runs")
        time.sleep(PAUSE_SECONDS)
    return asked
