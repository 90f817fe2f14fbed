"""Watching a run of another process, with the display of one's own."""

import math
import time
from pathlib import Path

import click

from reeltune.cli.console import remark_console
from reeltune.db.connection import Connection, connection
from reeltune.db.experiments import load_finished_since
from reeltune.db.tuning_runs import load_run, load_run_process
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import Experiment, TuningRun
from reeltune.domain.study import STUDY
from reeltune.storage.run_lock import lock_holder
from reeltune.tracking.progress import Watcher, watcher

INTERVAL_SECONDS = 1.0


def watch_run(db_path: Path, run_id: str, interval: float = INTERVAL_SECONDS) -> None:
    """Show the progress of a run until it ends; Ctrl-C ends the watching alone.

    Raises:
        InputError: it has not been started.
        NotFoundError: there is no such run.
    """
    with connection(db_path) as conn:
        run = load_run(conn, run_id)
        if run.status == "planned":
            raise InputError(f"run {run_id} is only planned: no process has begun it")
        with watcher(remark_console(), quiet=False) as shown:
            try:
                reason = _follow(conn, run, shown, db_path, interval)
            except KeyboardInterrupt:
                reason = "no longer watched; the run goes on"
            shown.ended(reason)
        status = load_run(conn, run_id).status
    click.echo(f"run {run_id} is {status}")


def _follow(
    conn: Connection, run: TuningRun, shown: Watcher, db_path: Path, interval: float
) -> str:
    """Show what ends, from the first on; return why the run ended."""
    n_total = run.n_configs + (run.task != STUDY)
    shown.started(run, n_total, 0)
    n_done, last, best = 0, -1, None
    while True:
        now = load_run(conn, run.tuning_run_id)  # before its experiments: none is missed
        is_alive = now.status == "running" and _has_process(conn, now, db_path)
        for experiment in load_finished_since(conn, run.tuning_run_id, last):
            n_done, last = n_done + 1, experiment.completion_number or last
            best = _better(best, experiment)
            shown.finished(experiment, best, n_done)
        if not is_alive:
            return _why(now)
        time.sleep(interval)


def _has_process(conn: Connection, run: TuningRun, db_path: Path) -> bool:
    """Return whether a process works on a run that is running by its own row."""
    if run.task == STUDY:  # its clients come and go
        return True
    process = load_run_process(conn, run.tuning_run_id)
    return process is not None and lock_holder(db_path) == process


def _why(run: TuningRun) -> str:
    if run.status == "running":
        return "its process died; resume it"
    return run.stop_reason or run.status


def _better(best: Experiment | None, experiment: Experiment) -> Experiment | None:
    """Return the better of the two by lower bound, within the guardrails; of equals the earlier."""
    if experiment.status != "completed":
        return best
    if best is None:
        return experiment
    before, now = (-math.inf if (w := e.feasible_worth) is None else w for e in (best, experiment))
    if now == before:
        return min(best, experiment, key=lambda each: each.number)
    return experiment if now > before else best
