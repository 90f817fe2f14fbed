"""Command: withdraw. Takes movies out of what is recommended; their ratings stay."""

from dataclasses import asdict
from pathlib import Path

import click

from reeltune.cli.command import Group, option
from reeltune.cli.console import print_json, result_console
from reeltune.cli.options import (
    argument,
    option_db,
    option_format,
    option_json,
    option_quiet,
    option_version,
)
from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import connection, transaction
from reeltune.db.external_ids import find_id, load_external_names
from reeltune.db.withdrawals import load_withdrawn, restore_movie, withdraw_movie
from reeltune.domain.errors import NotFoundError
from reeltune.reports.version_tables import plain


@click.group(cls=Group, examples=("movie 1 --reason 'rights ended'", "movie 1 --undo", "list"))
@option_version
def withdraw() -> None:
    """Withdraw movies: no longer recommended, still learned from."""


@withdraw.command("movie", examples=("1", "1 --reason 'rights ended'", "1 --undo --json"))
@argument("movie", "Id of the movie, as in its source.", metavar="ID")
@option("Movie", "--undo", is_flag=True, help="Let it be recommended again.")
@option(
    "Movie",
    "--reason",
    default="by hand",
    show_default=True,
    metavar="TEXT",
    help="Recorded with the withdrawal.",
)
@option_db
@option_json
@option_quiet
def movie_command(
    movie: str, undo: bool, reason: str, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Recommend a movie no longer, from now on and by every version.

    Its ratings stay: they say what users like.
    """
    with connection(db_path) as conn, transaction(conn):
        movie_id = find_id(conn, "movie", movie)
        if movie_id is None:
            raise NotFoundError(f"there is no movie {movie!r}")
        changed = restore_movie(conn, movie_id) if undo else withdraw_movie(conn, movie_id, reason)
    if as_json:
        print_json({"movie": movie, "withdrawn": not undo, "changed": changed})
    elif not quiet:
        state = "may be recommended again" if undo else "is withdrawn"
        click.echo(f"movie {movie} {state}{'' if changed else ', as before'}")


@withdraw.command("list", examples=("", "--json", "--db movies.db"))
@option_db
@option_json
@option_format
def list_command(db_path: Path, as_json: bool) -> None:
    """List the movies that are withdrawn."""
    with connection(db_path) as conn:
        names = load_external_names(conn, "movie")
        found = [
            asdict(each) | {"movie_id": names.get(number, number)}
            for number, each in load_withdrawn(conn).items()
        ]
    if as_json:
        print_json(found)
        return
    table = plain_table("!movie", "title", "since", "reason")
    for each in found:
        table.add_row(*(plain(str(value)) for value in each.values()))
    print_table(result_console(), "Withdrawn movies", table, empty="No movie is withdrawn.")
