"""Sweeps of a file or folder: runs them one after another, or forecasts them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from reeltune.cli.console import print_json, result_console
from reeltune.cli.tables import plain_table, print_table
from reeltune.commands.tuning_session import TuningSession
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import mean_seconds
from reeltune.domain.errors import BusyError, InputError, InterruptedRunError, ReelTuneError
from reeltune.domain.limits import Limits, restricted
from reeltune.reports.cells import outside_text, seconds_cell
from reeltune.sweeps.sweep import Sweep, read_sweeps
from reeltune.tracking.plain_text import plain_text
from reeltune.tuning.initial_design import whole_grid
from reeltune.tuning.ratings import HyperparameterTuner


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Forecast of a sweep."""

    file: str
    name: str
    method: str
    objectives: tuple[str, ...]
    searched: tuple[str, ...]  # names of what is chosen
    n_experiments: int  # at most; the baseline counted
    seconds_per_experiment: float | None  # measured on this data; None if nothing was
    seconds: float | None  # in all, at most
    promotes: bool


def run_sweeps(path: Path, session: TuningSession, *, own_jobs: bool) -> None:
    """Run all sweeps; one that fails does not keep the next from running.

    Args:
        path: a file or a folder.
        session: how they are run and shown.
        own_jobs: whether a sweep's own number of jobs counts, not the session's.

    Raises:
        InputError: something is wrong in a file; then nothing was run.
        ReelTuneError: the error of the first sweep that failed, after all were run.
    """
    sweeps = _read(path)
    results: list[dict[str, Any]] = []
    failed: list[tuple[Sweep, ReelTuneError]] = []
    for sweep in sweeps:
        try:
            _run(sweep, session, own_jobs, results.append)
        except (BusyError, InterruptedRunError):
            raise
        except ReelTuneError as error:
            if len(sweeps) > 1:
                click.echo(f"error: {sweep.path}: {error}", err=True)
            failed.append((sweep, error))
    if session.as_json and results:
        print_json(results if path.is_dir() else results[0])
    if failed:
        raise failed[0][1]


def _read(path: Path) -> list[Sweep]:
    """Return the sweeps; several faults are printed one to a line.

    Raises:
        InputError: there are faults.
    """
    try:
        return read_sweeps(path)
    except InputError as error:
        faults = str(error).splitlines()
        if len(faults) == 1:
            raise
        for fault in faults:
            click.echo(plain_text(fault), err=True)
        raise InputError(f"{len(faults)} faults in {path}: nothing was run") from error


def _run(
    sweep: Sweep, session: TuningSession, own_jobs: bool, output: Callable[[dict[str, Any]], None]
) -> None:
    jobs = sweep.jobs if own_jobs and sweep.jobs is not None else session.jobs
    threshold = sweep.accuracy_threshold
    promotes = session.promotes or sweep.promotes
    chosen = replace(
        session, jobs=jobs, promotes=promotes, accuracy_threshold=threshold, output=output
    )
    chosen.run(sweep.study, sweep.plan)


def show_forecasts(path: Path, session: TuningSession, *, own_jobs: bool) -> None:
    """Print what would be run, and for how long; nothing is written.

    Raises:
        InputError: something is wrong in a file.
    """
    sweeps = _read(path)
    with connection(session.db_path) as conn:
        found = [_forecast(conn, sweep, session.jobs, own_jobs) for sweep in sweeps]
    if session.as_json:
        print_json([asdict(forecast) for forecast in found])
    else:
        render_forecasts(result_console(), found)


def _forecast(conn: Connection, sweep: Sweep, jobs: int, own_jobs: bool) -> Forecast:
    tuner = HyperparameterTuner(conn, load_dataset(conn), sweep.study)
    current = tuner.get_current_hyperparameters()
    limits, plan = sweep.plan.limits, sweep.plan
    space = tuner.space if limits == Limits() else restricted(tuner.space, limits, current)
    every = None
    if plan.method == "grid":
        every = whole_grid(tuner.space, space, current, plan.n_configs)
    n = 1 + (plan.n_configs if every is None else len(every))
    each = mean_seconds(conn, sweep.study.model, tuner.data.fingerprint)
    at_once = sweep.jobs if own_jobs and sweep.jobs is not None else jobs
    seconds = None if each is None else n * each / min(n, at_once)
    limit = plan.stop.timeout_seconds
    if limit is not None:
        seconds = limit if seconds is None else min(seconds, limit)
    return Forecast(
        file=str(sweep.path),
        name=sweep.name,
        method=plan.method,
        objectives=sweep.study.objectives,
        searched=space.dimensions,
        n_experiments=n,
        seconds_per_experiment=each,
        seconds=seconds,
        promotes=sweep.promotes,
    )


def render_forecasts(console: Console, forecasts: Sequence[Forecast]) -> None:
    """Print one line per sweep."""
    table = plain_table("sweep", "method", "objective", ">experiments", ">at most", "searched")
    for forecast in forecasts:
        table.add_row(
            outside_text(console, forecast.name),
            forecast.method,
            ", ".join(forecast.objectives),
            f"{forecast.n_experiments:,}",
            seconds_cell(forecast.seconds),
            _searched(console, forecast.searched),
        )
    print_table(console, "What would be run", table)
    if any(forecast.seconds_per_experiment is None for forecast in forecasts):
        console.print("No time is shown where no experiment was measured on these data yet.")


def _searched(console: Console, names: Sequence[str], most: int = 2) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return outside_text(console, ", ".join(names[:most])) + more
