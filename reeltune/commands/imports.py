"""Command: import. Fills the database from files, or with a synthetic world."""

from pathlib import Path

import click

from reeltune.cli.command import Command, Group, option
from reeltune.cli.console import print_json, progress_bar, remark_console, result_console
from reeltune.cli.options import argument, option_db, option_format, option_json, option_quiet
from reeltune.db.connection import connection
from reeltune.db.ratings import count_ratings
from reeltune.importers.demo_command import demo
from reeltune.importers.layouts import find_movielens
from reeltune.importers.movielens import import_movielens
from reeltune.importers.movies_dataset import find_alone, import_titles
from reeltune.importers.options import option_max_rejected
from reeltune.importers.report import LEGEND, describe_database, print_report, render_json
from reeltune.importers.sync_command import sync
from reeltune.importers.table_command import table
from reeltune.importers.tmdb import find_tmdb, import_tmdb


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
    type=click.Path(path_type=Path),
    metavar="DIRECTORY",
    help="Of movies_metadata.csv and credits.csv.",
)
@option_max_rejected
@option_db
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
    files = find_movielens(directory)
    alone = find_alone(directory, files)
    tmdb_files = find_tmdb(tmdb_directory) if tmdb_directory else alone
    with connection(db_path, create=True) as conn:
        before = count_ratings(conn)
        with progress_bar(remark_console(quiet=quiet or as_json), "KiB") as bar:
            if alone:
                import_titles(conn, files, alone, bar, max_rejected)
            reports = list(import_movielens(conn, files, bar, max_rejected))
            if tmdb_files:
                reports += import_tmdb(conn, tmdb_files, bar, max_rejected)
        database = describe_database(conn, before)
    read = tmdb_files.paths if tmdb_files else set()
    unread = [name for name in files.unread if (directory / name).resolve() not in read]
    if as_json:
        print_json(render_json(db_path, reports, database, unread))
    else:
        print_report(result_console(), db_path, reports, database, unread)
        if any(file.kept < file.read for file in reports):
            remark_console(quiet=quiet).print(LEGEND, style="dim")


importers.add_command(demo)
importers.add_command(table)
importers.add_command(sync)
