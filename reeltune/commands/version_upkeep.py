"""Commands: versions reproduce, at and gc."""

import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_ERROR
from reeltune.cli.options import argument, option_db, option_json, option_quiet, option_wait
from reeltune.commands.export import export_command
from reeltune.commands.status import status_command
from reeltune.db.connection import connection
from reeltune.reports.version_tables import plain
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.history import production_at
from reeltune.versioning.retention import KEEP, remove_old


@click.command("reproduce", cls=Command, examples=("1", "1 --restore", "1 --json"))
@argument("version", "Number of the version.", type=click.IntRange(1, 2**63 - 1))
@option("Version", "--restore", is_flag=True, help="Put the model back if it was removed.")
@option_db
@option_json
@option_quiet
def reproduce_command(
    version: int, restore: bool, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Fit a version again from its lineage and compare.

    The exit status is 1 unless the result is the same to the last bit.
    """
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


@click.command(
    "at", cls=Command, examples=("2040-12-31", "2040-12-31T08:00:00Z", "2040-12-31 --json")
)
@argument("moment", "A date (its end), or date and time; in UTC.")
@option_db
@option_json
def at_command(moment: str, db_path: Path, as_json: bool) -> None:
    """Show which version was in production at a moment."""
    with connection(db_path) as conn:
        found = production_at(conn, moment)
    event = found.promoted
    if as_json:
        print_json({"at": found.at, **asdict(event)})
    else:
        text = f"at {found.at}: version {event.version}, since {event.happened_at} ({event.reason})"
        result_console().print(plain(text), soft_wrap=True)


@click.command("gc", cls=Command, examples=("--dry-run", "--keep 5", "--json --wait 60"))
@option(
    "Version",
    "--keep",
    type=click.IntRange(0),
    default=KEEP,
    show_default=True,
    metavar="N",
    help="Number of newest models to keep.",
)
@option("Version", "--dry-run", is_flag=True, help="Only show what would be removed.")
@option_wait
@option_db
@option_json
@option_quiet
def gc_command(
    keep: int, dry_run: bool, wait: float, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Remove old models from the disk.

    Never the one in production or the one before it. Lineage and metrics stay, from
    which `reproduce --restore` can make them again.
    """
    held = nullcontext() if dry_run else run_lock(db_path, wait)
    with connection(db_path, wait_seconds=wait) as conn, held:
        found = remove_old(conn, keep, dry_run=dry_run)
    for text in found.stays_for:
        click.echo(f"note: a model that this may need is not removed: {plain(text)}", err=True)
    if as_json:
        print_json(found.as_dict())
    elif not quiet:
        done = "would be removed" if dry_run else "removed"
        click.echo(f"{done}: {len(found.versions)} models, {found.n_bytes:,} bytes")


VERSION_COMMANDS = (reproduce_command, at_command, export_command, gc_command, status_command)
