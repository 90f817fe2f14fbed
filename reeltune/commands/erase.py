"""Command: erase. Erases a user, or a user's ratings, and reports it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import click

from reeltune.cli.command import Group, option, options
from reeltune.cli.console import print_json, result_console
from reeltune.cli.options import (
    argument,
    option_db,
    option_format,
    option_json,
    option_quiet,
    option_version,
    option_wait,
)
from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import connection
from reeltune.db.erasures import load_erasures
from reeltune.domain.erasure import ErasureKind, removed_json
from reeltune.domain.errors import NotFoundError, StorageError
from reeltune.reports.version_tables import plain
from reeltune.storage.artifacts import write_synced
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.erasure import Proof, erase_again, foresee, readmit
from reeltune.versioning.erasure import erase as erase_user

_ERASURE = "Erasure"
_argument_user = argument("user", "Id of the user, as in its source.", metavar="ID")
_settings = options(
    option(
        _ERASURE,
        "--models",
        type=click.Choice(["refit", "drop"]),
        default="refit",
        show_default=True,
        help="Models kept for rollback.",
    ),
    option(
        _ERASURE,
        "--backups",
        "places",
        type=click.Path(path_type=Path, exists=True),
        multiple=True,
        metavar="PATH",
        help="Look for the user in these too, and name them.",
    ),
    option(
        _ERASURE,
        "--proof",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Report to write.  [default: beside the database]",
    ),
    option(_ERASURE, "--dry-run", is_flag=True, help="Only show what would be removed."),
    option_wait,
    option_db,
    option_json,
    option_quiet,
)


@click.group(
    cls=Group,
    examples=("user 1 --dry-run", "ratings 1 --dry-run", "list"),
    paragraphs={
        "Models": "The model in production is fitted again without the user, whatever --models says"
        " of the others. No version that held the user can be reproduced to the bit any more."
    },
)
@option_version
def erase() -> None:
    """Erase users from the database, the models and the caches."""


@erase.command(
    "user", examples=("1 --dry-run", "1 --models drop --proof erased.json", "1 --backups kept")
)
@_argument_user
@_settings
def erase_user_command(
    user: str,
    models: Literal["refit", "drop"],
    places: tuple[Path, ...],
    proof: Path | None,
    dry_run: bool,
    wait: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Erase a user, and keep later imports from bringing the user back.

    Backups and other databases that hold the user are named, not changed. Where it was cut off,
    run it again.
    """
    found = _run("user", user, models, places, proof, dry_run, wait, db_path)
    _show(found, db_path, proof, as_json=as_json, quiet=quiet)


@erase.command(
    "ratings", examples=("1 --dry-run", "1 --models drop", "1 --json --proof erased.json")
)
@_argument_user
@_settings
def erase_ratings_command(
    user: str,
    models: Literal["refit", "drop"],
    places: tuple[Path, ...],
    proof: Path | None,
    dry_run: bool,
    wait: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Erase all ratings of a user that were given until now.

    Later imports leave these out and take newer ones. All else is as with `user`.
    """
    found = _run("ratings", user, models, places, proof, dry_run, wait, db_path)
    _show(found, db_path, proof, as_json=as_json, quiet=quiet)


@erase.command(
    "readmit", examples=("u-0001 --db a.db", "u-0001 --db a.db --json", "u-0001 --db a.db --quiet")
)
@_argument_user
@option_db
@option_json
@option_quiet
def readmit_command(user: str, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Let imports bring in again a user who was erased."""
    with connection(db_path) as conn:
        if not readmit(conn, user):
            raise NotFoundError(f"imports do not exclude a user {user!r}: nothing to do")
    if as_json:
        print_json({"readmitted": True})
    elif not quiet:
        click.echo("imports and `sync` take this user's ratings again")


@erase.command("again", examples=("", "--json", "--db movies.db --quiet"))
@option_wait
@option_db
@option_json
@option_quiet
def again_command(wait: float, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Erase again whom the data hold though they were erased.

    That is so after a `db restore` that was cut off; one that ends well does it by itself.
    """
    held = run_lock(db_path, wait, "reeltune erase")
    with connection(db_path, wait_seconds=wait) as conn, held:
        found = erase_again(conn)
    if as_json:
        print_json([each.as_dict() for each in found])
    elif not quiet:
        click.echo(f"erased again: {len(found):,} users")


@erase.command("list", examples=("", "--json", "--db movies.db"))
@option_db
@option_json
@option_format
def list_command(db_path: Path, as_json: bool) -> None:
    """List all erasures, the earliest first."""
    with connection(db_path) as conn:
        found = load_erasures(conn)
    if as_json:
        print_json([asdict(each) for each in found])
        return
    table = plain_table(">erasure", "of", "!user (hash)", "erased", "finished", ">ratings")
    for each in found:
        table.add_row(
            str(each.erasure_id),
            each.kind,
            each.user_hash[:12],
            each.erased_at,
            each.finished_at or "no: run it again",
            f"{each.removed.get('ratings', 0):,}",
        )
    print_table(result_console(), "Erasures", table, empty="Nobody was erased.")


def proof_path(database: Path, erasure_id: int) -> Path:
    """Return where the report of an erasure is written.

    >>> proof_path(Path("data/movies.db"), 3).name
    'movies.erasure-3.json'
    """
    return database.with_name(f"{database.stem}.erasure-{erasure_id}.json")


def _run(
    kind: ErasureKind,
    user: str,
    models: Literal["refit", "drop"],
    places: tuple[Path, ...],
    proof: Path | None,
    dry_run: bool,
    wait: float,
    db_path: Path,
) -> Proof:
    held = run_lock(db_path, wait, "reeltune erase")  # others are not told whom
    with connection(db_path, wait_seconds=wait) as conn, held:
        if dry_run:
            return foresee(conn, user, kind=kind, models=models, places=places)
        found = erase_user(conn, user, kind=kind, models=models, places=places)
    path = proof or proof_path(db_path, found.erasure.erasure_id)
    try:
        write_synced(path, (json.dumps(found.as_dict(), indent=2) + "\n").encode())
    except OSError as error:
        raise StorageError(
            f"all is erased, but {str(path)!r} cannot be written: {error}; run this again with"
            " --proof FILE"
        ) from error
    return found


def _show(found: Proof, db_path: Path, proof: Path | None, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json(found.as_dict())
        return
    console = result_console()
    if not quiet:
        removed = removed_json(found.erasure.removed)
        what = ", ".join(f"{name} {n:,}" for name, n in removed.items()) or "nothing"
        done = "would be removed or changed" if found.dry_run else "removed or changed"
        console.print(plain(f"{done}: {what}"), soft_wrap=True)
        for each in found.versions:
            action = f"would be {each.action}" if found.dry_run else each.action
            console.print(f"version {each.version}: its model {action}")
        if not found.dry_run:
            path = proof or proof_path(db_path, found.erasure.erasure_id)
            console.print(plain(f"the report is in {str(path)!r}"), soft_wrap=True)
    for holder in found.left:
        what = f"{holder.kind} {holder.path!r}, {holder.holds}"
        text = f"note: not changed, and still holds the user: {what}"
        click.echo(plain(text).plain, err=True)
