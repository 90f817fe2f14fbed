"""Command: tracking. Tells trackers outside what was tried and deployed."""

import sys
from pathlib import Path

import click

from reeltune.cli.command import Command, Group, option
from reeltune.cli.console import print_json, progress_bar, remark_console, result_console
from reeltune.cli.exits import EXIT_ERROR
from reeltune.cli.options import option_db, option_format, option_json, option_quiet
from reeltune.cli.tables import plain_table, print_table
from reeltune.commands.tracking_sync import Delivery, deliver, trackers
from reeltune.db.connection import connection
from reeltune.db.tracking_outbox import load_outbox_counts
from reeltune.domain.errors import InputError
from reeltune.reports.cells import NONE, count_cell, outside_text
from reeltune.views.json_ready import json_ready

TRACKERS = "Trackers"
EXPERIMENT = "reeltune"


@click.group(cls=Group, examples=("sync --mlflow http://127.0.0.1:5000", "sync", "status --json"))
def tracking() -> None:
    """Tell MLflow, OpenTelemetry or a file of what was done."""


@click.command(
    "sync",
    cls=Command,
    examples=(
        "--mlflow http://127.0.0.1:5000",
        "--otlp http://127.0.0.1:4318",
        "--jsonl tracked.jsonl --quiet",
    ),
)
@option(
    TRACKERS,
    "--mlflow",
    setting="tracking.mlflow",
    metavar="URL",
    help="A server of MLflow, by its REST API.",
)
@option(
    TRACKERS,
    "--otlp",
    setting="tracking.otlp",
    metavar="URL",
    help="An OpenTelemetry collector: OTLP/HTTP.",
)
@option(
    TRACKERS,
    "--jsonl",
    setting="tracking.jsonl",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A file that gets a JSON line each.",
)
@option(
    TRACKERS,
    "--experiment",
    setting="tracking.experiment",
    default=EXPERIMENT,
    show_default=True,
    metavar="NAME",
    help="Of MLflow.",
)
@option_db
@option_json
@option_quiet
def sync_command(
    mlflow: str | None,
    otlp: str | None,
    jsonl: Path | None,
    experiment: str,
    db_path: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Deliver what trackers have not been told yet, once.

    What cannot be delivered waits: nothing is lost, and the next sync delivers it.
    """
    targets = trackers(mlflow, otlp, jsonl, experiment)
    if not targets:
        raise InputError(
            "name a tracker: --mlflow URL, --otlp URL or --jsonl FILE, or `tracking` in movies.toml"
        )
    console = remark_console(quiet=quiet or as_json)
    with connection(db_path) as conn, progress_bar(console, "told") as bar:
        task = bar.add_task("telling")
        found = deliver(conn, targets, lambda _, done, n: bar.update(task, completed=done, total=n))
    if as_json:
        print_json([json_ready(each) for each in found])
    elif not quiet:
        for each in found:
            click.echo(_line(each))
    failed = [each for each in found if each.error is not None]
    if failed:
        for each in failed:
            click.echo(f"error: {each.tracker}: {each.error}", err=True)
        sys.exit(EXIT_ERROR)


@click.command("status", cls=Command, examples=("", "--json", "--db movies.db"))
@option_db
@option_json
@option_format
def status_command(db_path: Path, as_json: bool) -> None:
    """Show what each tracker was told, and what waits."""
    with connection(db_path) as conn:
        counts = load_outbox_counts(conn)
    if as_json:
        print_json([json_ready(each) for each in counts])
        return
    console = result_console()
    table = plain_table("!tracker", ">told", ">waiting", "last told", "last error")
    for each in counts:
        table.add_row(
            outside_text(console, each.tracker),
            count_cell(each.n_delivered),
            count_cell(each.n_waiting),
            each.last_delivered_at or NONE,
            outside_text(console, each.last_error) if each.last_error else NONE,
        )
    print_table(console, "Trackers", table, empty="No tracker has been told anything yet.")


def _line(found: Delivery) -> str:
    waits = f", {found.n_waiting:,} wait" if found.n_waiting else ""
    return f"{found.tracker}: {found.n_delivered:,} told{waits}"


tracking.add_command(sync_command)
tracking.add_command(status_command)
