"""Command: versions of the model. Which one is in production, which ones were, and why."""

import sys
from pathlib import Path

import click

from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_ERROR, Group
from reeltune.cli.options import option_db, option_json, option_quiet
from reeltune.commands.version_upkeep import VERSION_COMMANDS
from reeltune.db.catalogue import load_titles
from reeltune.db.columns import snapshot
from reeltune.db.connection import connection
from reeltune.db.deployed import export_path
from reeltune.db.external_ids import load_external_names
from reeltune.db.versions import load_events, load_version, load_versions
from reeltune.monitoring.command import monitor_command
from reeltune.reports.version_tables import (
    diff_json,
    faults_json,
    print_diff,
    print_faults,
    print_recommendations,
    print_version,
    print_versions,
    show_json,
    versions_json,
)
from reeltune.versioning.registry import find_version, load_model, promote, rollback
from reeltune.versioning.verification import verify

_NUMBER = click.IntRange(1, 2**63 - 1)
_option_reason = click.option(
    "--reason", default="by hand", show_default=True, help="Why, kept with the version."
)


@click.group(cls=Group)
def model_versioning() -> None:
    """Which version of the model is in production, which ones were, and why."""


@model_versioning.command("list")
@option_db
@option_json
def list_command(db_path: Path, as_json: bool) -> None:
    """List all versions, the earliest first."""
    with connection(db_path) as conn:
        versions = load_versions(conn)
    if as_json:
        print_json(versions_json(versions))
    else:
        print_versions(result_console(), versions)


@model_versioning.command()
@click.argument("version", type=_NUMBER, required=False)
@click.option("--user", metavar="ID", help="Show also what this user would be recommended.")
@option_db
@option_json
def show(version: int | None, user: str | None, db_path: Path, as_json: bool) -> None:
    """Show what VERSION came from and what happened to it; by default the one in production."""
    from reeltune.versioning.recommendations import recommend_for

    with connection(db_path) as conn, snapshot(conn):
        found = find_version(conn, version)
        events = load_events(conn, found.version)
        best = None if user is None else recommend_for(conn, load_model(conn, found.version), user)
        titles = load_titles(conn) if best else {}
        names = load_external_names(conn, "movie") if best else {}
    if as_json:
        print_json(show_json(found, events, best, titles, names))
        return
    print_version(result_console(), found, events)
    if best is not None and user is not None:
        print_recommendations(result_console(), user, best, titles)


@model_versioning.command()
@click.argument("a", type=_NUMBER)
@click.argument("b", type=_NUMBER)
@option_db
@option_json
def diff(a: int, b: int, db_path: Path, as_json: bool) -> None:
    """Show hyperparameters and metrics of versions A and B side by side, differences marked."""
    with connection(db_path) as conn:
        both = load_version(conn, a), load_version(conn, b)
    if as_json:
        print_json(diff_json(*both))
    else:
        print_diff(result_console(), *both)


@model_versioning.command("promote")
@click.argument("version", type=_NUMBER)
@_option_reason
@option_db
@option_json
@option_quiet
def promote_command(version: int, reason: str, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Put VERSION in production and export its hyperparameters."""
    with connection(db_path) as conn:
        changed = promote(conn, version, reason)
    if as_json:
        print_json({"version": version, "changed": changed})
    elif not quiet:
        click.echo(f"version {version} is in production{'' if changed else ' already'}")


@model_versioning.command("rollback")
@click.option("--to", type=_NUMBER, help="The version to go back to; default: the one before.")
@_option_reason
@option_db
@option_json
@option_quiet
def rollback_command(
    to: int | None, reason: str, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Take production back to the version that was there before; again, to the one before that."""
    with connection(db_path) as conn:
        version = rollback(conn, to, reason=reason)
    if as_json:
        print_json({"version": version, "changed": True})
    elif not quiet:
        click.echo(f"rolled back: version {version} is in production")


@model_versioning.command("verify")
@option_db
@option_json
@option_quiet
def verify_command(db_path: Path, as_json: bool, quiet: bool) -> None:
    """Check artifacts, production, its model and export, the database; exit code 1 if wrong."""
    with connection(db_path) as conn:
        faults = verify(conn)
        n_versions = 0 if faults else len(load_versions(conn))
        export = export_path(conn).name
    if as_json:
        print_json(faults_json(faults))
    elif faults:
        print_faults(result_console(), faults)
    elif not quiet:
        click.echo(
            f"nothing is wrong with {n_versions} versions, their artifacts, what is in production,"
            f" {export} and the database"
        )
    if faults:
        sys.exit(EXIT_ERROR)


for _command in (monitor_command, *VERSION_COMMANDS):
    model_versioning.add_command(_command)
