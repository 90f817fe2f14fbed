"""Command: db. Backs a database up, restores it, checks and repairs it."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from reeltune.cli.command import Group, option
from reeltune.cli.console import print_json
from reeltune.cli.exits import EXIT_ERROR
from reeltune.cli.options import (
    argument,
    option_db,
    option_json,
    option_quiet,
    option_version,
    option_wait,
)
from reeltune.db.aside import Aside, put_back, size_of
from reeltune.db.backup import Backup, save_backup
from reeltune.db.carried_erasures import check_held_again
from reeltune.db.connection import connection
from reeltune.db.doctor import Diagnosis, check_file, examine
from reeltune.db.readers import may_write
from reeltune.db.restore import load_backup, restore_backup
from reeltune.db.versions import Fault, database_path
from reeltune.domain.clock import stamp
from reeltune.domain.errors import BusyError, StorageError
from reeltune.storage.run_lock import run_lock
from reeltune.versioning.erasure import erase_again

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


_DATABASE = "Database"


@click.group(cls=Group, examples=("backup kept", "restore kept --dry-run", "doctor"))
@option_version
def db() -> None:
    """Back up, restore, check and repair the database."""


@db.command(examples=("", "kept", "kept --json"))
@argument("directory", "Default: beside the database.", type=_DIRECTORY, required=False)
@option_db
@option_json
@option_quiet
def backup(directory: Path | None, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Copy the database and its models into a directory.

    By default its name has the date. Others may read and write meanwhile.
    """
    moment = stamp().translate({ord(c): None for c in "-:"})
    made = save_backup(db_path, directory or db_path.with_name(f"{db_path.stem}.backup-{moment}"))
    _tell(made, "saved in", as_json, quiet)
    for text in made.left_out:
        click.echo(f"note: incomplete before it was copied: {_printable(text)}", err=True)


@db.command(examples=("kept --dry-run", "kept --force", "kept --db restored.db"))
@argument("directory", "Directory of the backup.", type=_DIRECTORY)
@option(_DATABASE, "--force", is_flag=True, help="Replace the database that is there.")
@option(_DATABASE, "--dry-run", is_flag=True, help="Only check the backup.")
@option_db
@option_json
@option_quiet
def restore(
    directory: Path, force: bool, dry_run: bool, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Restore the database and its models from a backup.

    Every file of the backup is checked before anything is written. Users who were erased since it
    was made are erased again.
    """
    if dry_run:
        _tell(load_backup(directory), "whole:", as_json, quiet)
    else:
        made = restore_backup(directory, db_path, force=force)
        with connection(db_path) as conn, run_lock(db_path):
            again = len(erase_again(conn))
            unknown = check_held_again(conn)
        _tell(made, "restored from", as_json, quiet)
        if again:
            click.echo(f"note: {again:,} users were erased again: the backup held them", err=True)
        for fault in unknown:
            click.echo(_printable(f"note: {fault.subject}: {fault.what}; {fault.remedy}"), err=True)


@db.command(examples=("", "--json", "--db movies.db --quiet"))
@option_db
@option_json
@option_quiet
def check(db_path: Path, as_json: bool, quiet: bool) -> None:
    """Check the file: pages, references and migrations.

    The exit status is 1 if anything is wrong.
    """
    faults = check_file(db_path)
    if as_json:
        print_json({"ok": not faults, "faults": _faults_json(faults)})
    elif not faults and not quiet:
        click.echo(f"nothing is wrong with {str(db_path)!r}")
    if not as_json:
        for fault in faults:
            click.echo(_printable(f"{fault.subject}: {fault.what}; {fault.remedy}"))
    if faults:
        sys.exit(EXIT_ERROR)


@db.command(examples=("", "--fix", "--json --wait 60"))
@option(_DATABASE, "--fix", is_flag=True, help="Repair; what is removed is moved aside.")
@option_wait
@option_db
@option_json
@option_quiet
def doctor(fix: bool, wait: float, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Find what dead runs left behind and what is inconsistent.

    The exit status is 1 if anything is left. While a run is alive, only what it cannot be changing
    is checked, and nothing is repaired.
    """
    with connection(db_path, wait_seconds=wait) as conn:
        aside = Aside.of(database_path(conn))
        mended: list[Fault] = []
        try:
            with run_lock(db_path, wait):
                left = examine(conn, idle=True)
                if fix:
                    _show_removals(left, aside, quiet=as_json or quiet)
                    mended = _mend(left, aside)
                    left = examine(conn, idle=True)
        except (BusyError, StorageError) as error:
            if fix or (isinstance(error, StorageError) and may_write(db_path)):
                raise
            click.echo(f"note: {error}", err=True)
            left = examine(conn, idle=False)
    _show_examined([finding.fault for finding in left], mended, aside, as_json, quiet)
    if not fix and not as_json and any(finding.mend for finding in left):
        click.echo("`reeltune db doctor --fix` repairs what can be repaired without loss", err=True)
    if left:
        sys.exit(EXIT_ERROR)


@db.command(examples=("", "--json", "--db movies.db --quiet"))
@argument("directory", "Default: the latest.", type=_DIRECTORY, required=False)
@option_wait
@option_db
@option_json
@option_quiet
def undo(directory: Path | None, wait: float, db_path: Path, as_json: bool, quiet: bool) -> None:
    """Put back what `doctor --fix` moved aside.

    By default what it moved the last time. Nothing that is there now is replaced.
    """
    with connection(db_path, wait_seconds=wait) as conn, run_lock(db_path, wait):
        done, left = put_back(database_path(conn), directory)
    if as_json:
        print_json({"put_back": list(map(str, done)), "left_aside": list(map(str, left))})
    elif not quiet:
        for path in done:
            click.echo(f"put back: {_printable(str(path))}")
    for path in left:
        click.echo(
            f"note: not put back, since there is another file: {_printable(str(path))}", err=True
        )
    if left:
        sys.exit(EXIT_ERROR)


def _show_removals(found: Sequence[Diagnosis], aside: Aside, *, quiet: bool) -> None:
    """Say what is going to be moved, before it is."""
    paths = [finding.removes for finding in found if finding.mend and finding.removes]
    if paths and not quiet:
        click.echo(f"moved aside, into {_printable(str(aside.directory))!r}:")
        for path in paths:
            click.echo(f"  {_printable(str(path))}, {size_of(path):,} bytes")


def _mend(found: Sequence[Diagnosis], aside: Aside) -> list[Fault]:
    mended = []
    for finding in found:
        if finding.mend is not None:
            finding.mend(aside)
            mended.append(finding.fault)
    return mended


def _show_examined(
    faults: Sequence[Fault], mended: Sequence[Fault], aside: Aside, as_json: bool, quiet: bool
) -> None:
    where = str(aside.directory) if aside.came_from else None
    if as_json:
        said = {"ok": not faults, "faults": _faults_json(faults), "mended": _faults_json(mended)}
        print_json(said | {"aside": where})
        return
    for fault in mended:
        click.echo(f"repaired: {_printable(fault.subject)}: {_printable(fault.what)}")
    if where is not None and not quiet:
        click.echo(f"`python -m db undo` puts back what is in {_printable(where)!r}")
    if not faults and not quiet:
        click.echo("nothing is wrong" if not mended else "nothing else is wrong")
    for fault in faults:
        click.echo(_printable(f"{fault.subject}: {fault.what}; {fault.remedy}"))


def _tell(found: Backup, how: str, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json(
            {
                "directory": str(found.directory),
                "database": found.database,
                "schema": found.schema,
                "created_at": found.created_at,
                "files": len(found.files),
                "bytes": found.n_bytes,
                "left_out": list(found.left_out),
            }
        )
    elif not quiet:
        where = _printable(str(found.directory))
        size = f"{len(found.files)} files, {found.n_bytes:,} bytes, of {found.created_at}"
        click.echo(f"{how} {where!r}: {size}")


def _faults_json(faults: Iterable[Fault]) -> list[dict[str, str]]:
    return [{"subject": f.subject, "what": f.what, "remedy": f.remedy} for f in faults]


def _printable(text: str) -> str:
    """Return `text` on one line, control characters made visible."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
