"""Command: versions. Lists, shows, promotes, rolls back and verifies versions of the model."""

import sys
from pathlib import Path

import click

from reeltune.cli.command import Group, option
from reeltune.cli.console import print_json, result_console
from reeltune.cli.exits import EXIT_ERROR
from reeltune.cli.options import (
    argument,
    option_db,
    option_format,
    option_json,
    option_quiet,
    option_version,
    option_wait,
)
from reeltune.commands.version_upkeep import VERSION_COMMANDS
from reeltune.db.columns import snapshot
from reeltune.db.connection import connection
from reeltune.db.deployed import export_path
from reeltune.db.erasures import load_version_erasures
from reeltune.db.training_epochs import load_training_epochs
from reeltune.db.versions import load_events, load_version, load_versions
from reeltune.domain.errors import NotFoundError
from reeltune.domain.recommendation import RecommendationList
from reeltune.monitoring.command import monitor_command
from reeltune.reports.recommendation_tables import print_movies
from reeltune.reports.version_tables import (
    diff_json,
    faults_json,
    plain,
    print_diff,
    print_faults,
    print_version,
    print_versions,
    reason_of,
    show_json,
    versions_json,
)
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.registry import find_version, promote, rollback
from reeltune.versioning.verification import verify

_NUMBER = click.IntRange(1, 2**63 - 1)
_option_reason = option(
    "Version",
    "--reason",
    default="by hand",
    show_default=True,
    metavar="TEXT",
    help="Recorded with the change.",
)


@click.group(cls=Group, examples=("list", "show --user 1", "rollback --reason 'users complained'"))
@option_version
def model_versioning() -> None:
    """Show, promote and roll back versions of the model."""


@model_versioning.command("list", examples=("", "--json", "--db movies.db"))
@option_db
@option_json
@option_format
def list_command(db_path: Path, as_json: bool) -> None:
    """List all versions, the earliest first."""
    with connection(db_path) as conn:
        versions = load_versions(conn)
    if as_json:
        print_json(versions_json(versions))
    else:
        print_versions(result_console(), versions)


@model_versioning.command(examples=("", "2 --user 1", "--json"))
@argument("version", "Default: the one in production.", type=_NUMBER, required=False)
@option(
    "Version",
    "--user",
    metavar="ID",
    help="Show also this user's recommendations.",
)
@option_db
@option_json
@option_format
def show(version: int | None, user: str | None, db_path: Path, as_json: bool) -> None:
    """Show the lineage, metrics and events of a version."""
    with connection(db_path) as conn, snapshot(conn):
        found = find_version(conn, version)
        events = load_events(conn, found.version)
        erased = load_version_erasures(conn, found.version)
        epochs = load_training_epochs(conn, found.version)
    best = None if user is None else _recommended(db_path, found.version, user)
    if as_json:
        print_json(show_json(found, events, best, erased, epochs))
        return
    console = result_console()
    print_version(console, found, events, erased, epochs)
    if best is not None and user is not None:
        heading = f"The best {len(best)} for user {plain(user).plain}: {reason_of(best)}"
        print_movies(console, heading, best)


def _recommended(db_path: Path, version: int, user: str) -> RecommendationList:
    """Return what a user is recommended by a version.

    Raises:
        NotFoundError: the user was erased, or has no ratings of movies that the version knows.
    """
    from reeltune.serving.recommendations import Recommendations

    with Recommendations.open(db_path, version) as served:
        if not served.has_ratings(user):
            raise NotFoundError(
                f"user {user} has no ratings of movies that version {version} knows:"
                f" `reeltune recommend {user}` lists what is popular and varied"
            )
        return served.for_user(user, explain=True)


@model_versioning.command(examples=("1 2", "2 1", "1 2 --json"))
@argument("a", "Number of a version.", type=_NUMBER)
@argument("b", "What is compared with it.", type=_NUMBER)
@option_db
@option_json
@option_format
def diff(a: int, b: int, db_path: Path, as_json: bool) -> None:
    """Show hyperparameters and metrics of two versions side by side."""
    with connection(db_path) as conn:
        both = load_version(conn, a), load_version(conn, b)
    if as_json:
        print_json(diff_json(*both))
    else:
        print_diff(result_console(), *both)


@model_versioning.command(
    "promote", examples=("1", "2 --gate --reason 'asked for by editors'", "1 --json")
)
@argument("version", "Number of the version.", type=_NUMBER)
@option("Version", "--gate", "gated", is_flag=True, help="Only if the gate lets it pass.")
@_option_reason
@option_wait
@option_db
@option_json
@option_quiet
def promote_command(
    version: int, gated: bool, reason: str, wait: float, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Put a version into production, by default without the gate.

    With --gate its configuration is measured on the test set beside that in production, as
    `reeltune retrain --apply-hp` does; the exit status is 3 if it is refused.
    """
    if gated:
        changed = _promote_gated(version, reason, db_path, wait)
    else:
        with connection(db_path, wait_seconds=wait) as conn:
            changed = promote(conn, version, reason)
    if as_json:
        print_json({"version": version, "changed": changed})
    elif not quiet:
        click.echo(f"version {version} is in production{'' if changed else ' already'}")


def _promote_gated(version: int, reason: str, db_path: Path, wait: float) -> bool:
    """Promote what passes the gate; false if it is in production already."""
    from reeltune.db.dataset import load_dataset
    from reeltune.versioning.promotion import promote_through_gate

    with connection(db_path, wait_seconds=wait) as conn, run_lock(db_path, wait):
        return promote_through_gate(conn, load_dataset(conn), version, reason) is not None


@model_versioning.command("rollback", examples=("", "--reason 'users complained'", "--to 1 --json"))
@option(
    "Version",
    "--to",
    type=_NUMBER,
    metavar="VERSION",
    help="Go back to this one.  [default: the one before]",
)
@_option_reason
@option_db
@option_json
@option_quiet
def rollback_command(
    to: int | None, reason: str, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Go back to the version that was in production before."""
    with connection(db_path) as conn:
        version = rollback(conn, to, reason=reason)
    if as_json:
        print_json({"version": version, "changed": True})
    elif not quiet:
        click.echo(f"rolled back: version {version} is in production")


@model_versioning.command("verify", examples=("", "--json", "--quiet --db movies.db"))
@option_db
@option_json
@option_quiet
def verify_command(db_path: Path, as_json: bool, quiet: bool) -> None:
    """Check artifacts, what is in production, and the database.

    The exit status is 1 if anything is wrong; each fault is shown with what to do about it.
    """
    with connection(db_path) as conn:
        faults = verify(conn)
        n_versions = 0 if faults else len(load_versions(conn))
        export = export_path(conn).name
        erased = [f"version {each.version}: {each}" for each in load_version_erasures(conn)]
    if as_json:
        print_json(faults_json(faults) | ({"notes": erased} if erased else {}))
    elif faults:
        print_faults(result_console(), faults)
    elif not quiet:
        click.echo(
            f"nothing is wrong with {n_versions} versions, their artifacts, what is in production,"
            f" {export} and the database"
        )
    if not as_json and not quiet:
        for text in erased:
            click.echo(f"note: {text}", err=True)
    if faults:
        sys.exit(EXIT_ERROR)


for _command in (monitor_command, *VERSION_COMMANDS):
    model_versioning.add_command(_command)
