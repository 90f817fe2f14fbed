"""Command: runs. Lists, shows, resumes, stops and compares stored tuning runs."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, Group, option
from reeltune.cli.console import print_json, result_console
from reeltune.cli.options import (
    RESOURCES,
    argument,
    option_db,
    option_format,
    option_json,
    option_log_format,
)
from reeltune.commands.compare import show_compared
from reeltune.commands.guardrail_options import option_guardrails
from reeltune.commands.plan_options import STOP
from reeltune.commands.study_options import STUDY_PARAGRAPHS, study_from_click, study_options
from reeltune.commands.tuning_session import TuningSession, session_options
from reeltune.commands.watch import watch_run
from reeltune.db.connection import connection
from reeltune.db.tuning_runs import load_run
from reeltune.db.warm_starts import load_warm_starts
from reeltune.reports.stored_tables import render_stored
from reeltune.reports.tuning_tables import render_found, render_next
from reeltune.tasks.registry import subject_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.stop_request import stop_run
from reeltune.views.next_step import resume_line
from reeltune.views.stored import describe_stored
from reeltune.views.summary import summarise

RUN = "random_20260102_030405"  # as examples name a run

_run_argument = argument("run_id", "Id of the run, as `runs list` shows it.", metavar="RUN")


@click.group(
    cls=Group, examples=("list", f"show {RUN}", f"resume {RUN} --jobs 2", "compare v1 v2 --json")
)
def runs() -> None:
    """List, show, watch, resume, stop and compare tuning runs."""


@click.command("list", cls=Command, examples=("", "--json", "--db movies.db"))
@option_db
@option_json
@option_format
def list_command(db_path: Path, as_json: bool) -> None:
    """List all tuning runs."""
    with connection(db_path) as conn:
        stored = describe_stored(conn, subject_of=subject_of)
    if as_json:
        print_json(stored.as_dict()["runs"])
    elif stored.runs:
        render_stored(result_console(), stored)
    else:
        result_console().print("There are no tuning runs yet.")


@click.command("show", cls=Command, examples=("", RUN, f"{RUN} --json"))
@argument(
    "run_id",
    "Id of the run; default: the latest with results.",
    metavar="[RUN]",
    required=False,
)
@option_db
@option_json
@option_format
def show_command(run_id: str | None, db_path: Path, as_json: bool) -> None:
    """Show what a run found and how it was set up."""
    show_run(db_path, run_id, as_json=as_json)


@click.command(
    "resume",
    cls=Command,
    examples=(RUN, f"{RUN} --timeout 60 --jobs 2", f"{RUN} --promote --quiet"),
)
@_run_argument
@option(
    STOP,
    "--timeout",
    metavar="SEC",
    type=click.FloatRange(0, min_open=True),
    help="Stop after this long.  [default: what is left]",
)
@session_options
def resume_command(run_id: str, timeout: float | None, **given: Any) -> None:
    """Resume a run that was interrupted; it keeps its settings."""
    TuningSession.from_click(given).resume(run_id, timeout)


@click.command("stop", cls=Command, examples=(RUN, f"{RUN} --wait 120", f"{RUN} --json"))
@_run_argument
@option(
    RESOURCES,
    "--wait",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SEC",
    help="Wait this long for it to end.",
)
@option_db
@option_json
def stop_command(run_id: str, wait: float, db_path: Path, as_json: bool) -> None:
    """Stop a run that is at work; it can be resumed."""
    with connection(db_path) as conn:
        was_alive = stop_run(conn, db_path, run_id, wait)
        run = load_run(conn, run_id)
    if as_json:
        found = {"tuning_run_id": run_id, "status": run.status, "stop_reason": run.stop_reason}
        print_json(found | {"was_alive": was_alive})
        return
    click.echo(
        f"run {run_id} is {run.status}: {run.stop_reason}; "
        f"resume it with: {resume_line(run_id, db_path)}"
    )


@click.command("watch", cls=Command, examples=(RUN, f"{RUN} --interval 5", f"{RUN} --db movies.db"))
@_run_argument
@option(
    RESOURCES,
    "--interval",
    type=click.FloatRange(0.1),
    default=1.0,
    show_default=True,
    metavar="SEC",
    help="Look every so often.",
)
@option_db
@option_log_format
def watch_command(run_id: str, interval: float, db_path: Path) -> None:
    """Watch a run of another process until it ends."""
    watch_run(db_path, run_id, interval)


@click.command(
    "compare",
    cls=Command,
    paragraphs=STUDY_PARAGRAPHS,
    examples=("v1 v2", f"v1 {RUN}_001", "v1 v2 --split calendar --json"),
)
@argument("a", "Experiment by its id, or version as v3.")
@argument("b", "What is compared with it.")
@study_options()
@option_guardrails("Gate")
@option_db
@option_json
@option_format
def compare_command(
    a: str, b: str, db_path: Path, as_json: bool, margins: Mapping[str, float], **given: Any
) -> None:
    """Compare two experiments or versions on the validation set."""
    show_compared(db_path, study_from_click(given), a, b, margins, as_json=as_json)


def show_run(db_path: Path, run_id: str | None = None, *, as_json: bool) -> None:
    """Print what a run found and how it was set up; by default the latest with results."""
    with connection(db_path) as conn:
        summary = summarise(conn, run_id=run_id, subject_of=subject_of)
        shown = summary.findings.run.tuning_run_id if summary.findings is not None else None
        run = None if shown is None else load_run(conn, shown)
        starts = [] if shown is None else load_warm_starts(conn, shown)
    if as_json:
        settings = {} if run is None else dict(run.settings)
        more = {"settings": settings, "warm_starts": [asdict(start) for start in starts]}
        print_json(summary.as_dict() | more)
        return
    console = result_console()
    render_found(console, summary)
    if run is not None:
        settings_text = ", ".join(Plan.of(run).differences()) or "defaults"
        console.print(f"Settings: {settings_text}", style="dim")
    if starts:
        n_helped = sum(bool(start.helped) for start in starts)
        console.print(
            f"Warm starts from earlier runs: {len(starts)}, of which {n_helped} helped", style="dim"
        )
    render_next(console, summary)


RUN_COMMANDS = (list_command, show_command, watch_command, resume_command, stop_command)
"""Commands that `tune` has as well, as in earlier versions."""

for _command in (*RUN_COMMANDS, compare_command):
    runs.add_command(_command)
