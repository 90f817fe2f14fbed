"""Command: import. Fills the database from files, or with a synthetic world."""

from pathlib import Path

import click

from reeltune.cli.command import Command, Group, option
from reeltune.cli.console import print_json, progress_bar, remark_console, result_console
from reeltune.cli.options import (
    argument,
    option_db,
    option_format,
    option_json,
    option_log_format,
    option_quiet,
)
from reeltune.commands.import_optuna import optuna_command
from reeltune.db.connection import connection
from reeltune.db.ratings import count_ratings
from reeltune.importers.demo_command import demo
from reeltune.importers.directory import find_files, import_files
from reeltune.importers.options import option_max_rejected
from reeltune.importers.report import LEGEND, describe_database, print_report, render_json
from reeltune.importers.sync_command import sync
from reeltune.importers.table_command import table


@click.group(
    cls=Group,
    examples=("demo", "demo --db other.db --seed 2", "movielens ml-latest-small --db real.db"),
)
def importers() -> None:
    """Fill the database with movies and ratings."""


@importers.command(
    cls=Command,
    examples=(
        "ml-latest-small --db real.db",
        "ml-latest-small --db real.db --json",
        "--db real.db ml-latest-small --tmdb kaggle",
    ),
)
@argument("directory", "Directory of the MovieLens files.", type=click.Path(path_type=Path))
@option(
    "Data",
    "--tmdb",
    "tmdb_directory",
    setting="import.tmdb",
    type=click.Path(path_type=Path),
    metavar="DIRECTORY",
    help="Of movies_metadata.csv and credits.csv.",
)
@option_max_rejected
@option_db
@option_log_format
@option_json
@option_format
@option_quiet
def movielens(
    directory: Path,
    tmdb_directory: Path | None,
    max_rejected: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Import the MovieLens files of a directory.

    They may be plain or compressed by gzip, of any release: movies, ratings and links (.csv),
    movies.dat and ratings.dat of ML-1M and ML-10M, or u.item and u.data of ML-100K. --tmdb adds
    cast and collections from Kaggle's "The Movies Dataset". Bad rows are recorded with file, line
    and reason. Importing again changes nothing; importing newer ratings adds them. "The Movies
    Dataset" alone is taken too: its titles are then those of TMDB.
    """
    files = find_files(directory, tmdb_directory)
    with connection(db_path, create=True) as conn:
        before = count_ratings(conn)
        with progress_bar(remark_console(quiet=quiet or as_json), "KiB") as bar:
            reports = import_files(conn, files, bar, max_rejected)
        database = describe_database(conn, before)
    unread = files.unread
    if as_json:
        print_json(render_json(db_path, reports, database, unread))
    else:
        print_report(result_console(), db_path, reports, database, unread)
        if any(file.kept < file.read for file in reports):
            remark_console(quiet=quiet).print(LEGEND, style="dim")


importers.add_command(demo)
importers.add_command(table)
importers.add_command(sync)
importers.add_command(optuna_command)
