"""The sub-commands of `tune_orchestrator.py` that are about stored runs, and the quick one."""

from dataclasses import asdict
from pathlib import Path

import click

from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import Command
from reeltune.cli.options import option_db, option_json
from reeltune.commands.study_options import option_study
from reeltune.commands.tuning_session import Sitting, option_sitting
from reeltune.db.connection import connection
from reeltune.db.tuning_runs import load_run
from reeltune.db.warm_starts import load_warm_starts
from reeltune.domain.study import StudyConfig
from reeltune.reports.stored_tables import render_stored
from reeltune.reports.tuning_tables import render_summary
from reeltune.tasks.registry import subject_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.stop_request import stop_run
from reeltune.tuning.stopping import StopRules
from reeltune.views.next_step import resume_line
from reeltune.views.stored import describe_stored
from reeltune.views.summary import summarise

QUICK = Plan(name="quick", method="random", n_configs=12, stop=StopRules(timeout_seconds=60.0))


@click.command("list", cls=Command)
@option_db
@option_json
def list_command(db_path: Path, as_json: bool) -> None:
    """List the runs there are."""
    with connection(db_path) as conn:
        stored = describe_stored(conn, subject_of=subject_of)
    if as_json:
        print_json(stored.as_dict()["runs"])
    elif stored.runs:
        render_stored(result_console(), stored)
    else:
        click.echo("there are no tuning runs yet")


@click.command("show", cls=Command)
@click.argument("run_id", metavar="RUN")
@option_db
@option_json
def show_command(run_id: str, db_path: Path, as_json: bool) -> None:
    """Show what RUN found, and how it was set up."""
    with connection(db_path) as conn:
        run = load_run(conn, run_id)
        summary = summarise(conn, run_id=run_id, subject_of=subject_of)
        starts = load_warm_starts(conn, run_id)
    if as_json:
        more = {"settings": dict(run.settings), "warm_starts": [asdict(s) for s in starts]}
        print_json(summary.as_dict() | more)
        return
    console = result_console()
    render_summary(console, summary)
    rules = Plan.of(run).told()
    console.print(f"set up with: {', '.join(rules) or 'nothing special'}", style="dim")
    if starts:
        n_helped = sum(bool(start.helped) for start in starts)
        console.print(f"begun with {len(starts)} of earlier runs; {n_helped} helped", style="dim")


@click.command("resume", cls=Command)
@click.argument("run_id", metavar="RUN")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="Work on it for so long.  [default: what its own time limit leaves]",
)
@option_sitting
def resume_command(run_id: str, timeout: float | None, sitting: Sitting) -> None:
    """Go on with RUN, which was interrupted; it keeps all its settings."""
    sitting.resume(run_id, timeout)


@click.command("quick", cls=Command)
@option_study
@option_sitting
def quick_command(study: StudyConfig, sitting: Sitting) -> None:
    """Try 12 random configurations, for a minute at most: does everything work?"""
    sitting.tune(study, QUICK)


@click.command("stop", cls=Command)
@click.argument("run_id", metavar="RUN")
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="For how long to wait until it has ended.",
)
@option_db
@option_json
def stop_command(run_id: str, wait: float, db_path: Path, as_json: bool) -> None:
    """Ask the process that works on RUN to end; it can be resumed."""
    with connection(db_path) as conn:
        asked = stop_run(conn, db_path, run_id, wait)
        run = load_run(conn, run_id)
    if as_json:
        said = {"tuning_run_id": run_id, "status": run.status, "stop_reason": run.stop_reason}
        print_json(said | {"was_alive": asked})
        return
    click.echo(
        f"run {run_id} is {run.status}: {run.stop_reason}; "
        f"go on with: {resume_line(run_id, db_path, run.task)}"
    )


RUN_COMMANDS = (list_command, show_command, resume_command, stop_command, quick_command)
