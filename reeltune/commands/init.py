"""Command: init. Writes a settings file in which every key is explained."""

from pathlib import Path

import click

from reeltune.cli.command import Command, option
from reeltune.cli.options import option_db, option_quiet
from reeltune.cli.settings import settings_path
from reeltune.domain.errors import InputError, StorageError


@click.command(cls=Command, examples=("", "--db movies.db --force", "--db other.db --quiet"))
@option("Settings", "--force", is_flag=True, help="Replace a file that is there.")
@option_db
@option_quiet
def init(force: bool, db_path: Path, quiet: bool) -> None:
    """Write a file of settings for a database, with comments.

    It lies beside the database, movies.toml beside movies.db, and sets nothing until a line in it
    is changed. The database need not be there yet.
    """
    from reeltune.commands.settings_page import settings_text  # here: it imports every command

    path = settings_path(db_path)
    if path.exists() and not force:
        raise InputError(f"{str(path)!r} is there already: change it, or replace it with --force")
    try:
        path.write_text(settings_text(db_path.name), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error}") from error
    if not quiet:
        click.echo(f"written: {path}")
