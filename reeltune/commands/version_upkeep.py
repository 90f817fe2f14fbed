"""The commands `reproduce`, `at`, `gc` and `status` of model_versioning.py."""

import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import click

from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_ERROR, EXIT_LATE, EXIT_UNSOUND, Command
from reeltune.cli.notify import alarmed, option_notify
from reeltune.cli.options import option_db, option_json, option_quiet, option_wait
from reeltune.db.connection import connection
from reeltune.monitoring.health import MAX_AGE_HOURS, health
from reeltune.reports.version_tables import plain
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.history import production_at
from reeltune.versioning.retention import KEEP, remove_old


@click.command("reproduce", cls=Command)
@click.argument("version", type=click.IntRange(1, 2**63 - 1))
@click.option("--restore", is_flag=True, help="Put the model back if it was removed.")
@option_db
@option_json
@option_quiet
def reproduce_command(
    version: int, restore: bool, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Fit VERSION again from what it came from; exit code 1 unless it is the same to the bit."""
    from reeltune.versioning.reproduction import (
        reproduce,  # here: a rollback need not wait for models
    )

    with connection(db_path) as conn:
        found = reproduce(conn, version, restore=restore)
    if as_json:
        print_json(found.as_dict())
    elif found.identical and not quiet:
        put_back = ", and put back" if found.restored else ""
        click.echo(f"version {version} is reproduced to the last bit{put_back}")
    elif not found.identical:
        result_console().print(f"version {version} is not reproduced; what has changed:")
        for text in found.changed or ("nothing that is recorded",):
            result_console().print(plain(f"  {text}"), soft_wrap=True)
    if not found.identical:
        sys.exit(EXIT_ERROR)


@click.command("at", cls=Command)
@click.argument("moment")
@option_db
@option_json
def at_command(moment: str, db_path: Path, as_json: bool) -> None:
    """Say what was in production at MOMENT, a date (its end) or date and time, in UTC."""
    with connection(db_path) as conn:
        found = production_at(conn, moment)
    event = found.promoted
    if as_json:
        print_json({"at": found.at, **asdict(event)})
    else:
        text = f"at {found.at}: version {event.version}, since {event.happened_at} ({event.reason})"
        result_console().print(plain(text), soft_wrap=True)


@click.command("gc", cls=Command)
@click.option(
    "--keep",
    type=click.IntRange(0),
    default=KEEP,
    show_default=True,
    metavar="N",
    help="So many of the newest models stay.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@option_wait
@option_db
@option_json
@option_quiet
def gc_command(
    keep: int, dry_run: bool, wait: float, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Remove old models; never the one in production or the one before it.

    Their lineage and figures stay, from which `reproduce --restore` can make them again.
    """
    held = nullcontext() if dry_run else run_lock(db_path, wait)
    with connection(db_path, wait_seconds=wait) as conn, held:
        found = remove_old(conn, keep, dry_run=dry_run)
    for text in found.stays_for:
        click.echo(f"note: nothing is removed, which may be needed: {plain(text)}", err=True)
    if as_json:
        print_json(found.as_dict())
    elif not quiet:
        done = "would be removed" if dry_run else "removed"
        click.echo(f"{done}: {len(found.versions)} models, {found.n_bytes:,} bytes")


@click.command("status", cls=Command)
@click.option(
    "--max-age",
    type=click.FloatRange(0, min_open=True),
    default=MAX_AGE_HOURS,
    show_default=True,
    metavar="HOURS",
    help="A tuning or retraining must have ended well within so long.",
)
@option_notify("if all is not well")
@option_db
@option_json
@option_quiet
def status_command(
    max_age: float, notify: str | None, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Say for monitoring how things stand.

    Exit code 0: production is sound, and the last run recent; 6: production is missing or
    damaged; 7: no recent run ended well.
    """
    with alarmed("status", db_path, notify) as told:
        with connection(db_path) as conn:
            found = health(conn, max_age)
        about = "; ".join(found.wrong) or f"version {found.production}, last run {found.last_run}"
        told |= found.as_dict() | {"said": f"{found.verdict}: {about}"}
        if as_json:
            print_json(found.as_dict())
        elif found.verdict != "healthy" or not quiet:
            result_console().print(plain(told["said"]), soft_wrap=True)
        if found.verdict != "healthy":
            sys.exit(EXIT_LATE if found.verdict == "no recent run" else EXIT_UNSOUND)


VERSION_COMMANDS = (reproduce_command, at_command, gc_command, status_command)
