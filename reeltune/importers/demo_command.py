"""Command: import demo. Makes a synthetic world to try things in."""

from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import click

from reeltune.cli.command import Command, Decorator, option
from reeltune.cli.console import print_json, progress_bar, remark_console, result_console
from reeltune.cli.options import option_db, option_format, option_json, option_quiet
from reeltune.cli.tables import plain_table, print_table
from reeltune.db.connection import connection
from reeltune.importers.demo import DemoReport, import_demo, write_truth
from reeltune.importers.demo_settings import DemoSettings

_DEFAULTS = DemoSettings()


_DATA = "Data"


def _option_number(name: str, default: int, text: str) -> Decorator:
    return option(_DATA, name, default=default, show_default=True, metavar="N", help=text)


@click.command(
    cls=Command,
    examples=(
        "",
        "--users 100 --movies 300 --ratings 6000",
        "--db other.db --seed 2 --ratings 20000 --quiet",
    ),
)
@_option_number("--users", _DEFAULTS.users, "Number of users.")
@_option_number("--movies", _DEFAULTS.movies, "Number of movies.")
@_option_number("--ratings", _DEFAULTS.ratings, "Number of ratings.")
@_option_number("--seed", _DEFAULTS.seed, "Random seed.")
@option_db
@option_json
@option_format
@option_quiet
def demo(
    users: int, movies: int, ratings: int, seed: int, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Make a synthetic world to try things in.

    The same options make the same world on every machine. The weights by which its users rate are
    written beside the database, so that one can see whether tuning finds them.
    """
    began = perf_counter()
    settings = DemoSettings(users=users, movies=movies, ratings=ratings, seed=seed)
    bar = progress_bar(remark_console(quiet=quiet or as_json), "ratings")
    with connection(db_path, create=True) as conn, bar:
        report = import_demo(conn, settings, bar)
    truth_file = write_truth(db_path, settings)
    seconds = perf_counter() - began
    if as_json:
        print_json(
            {"db": str(db_path), **asdict(report), "seconds": seconds, "truth": str(truth_file)}
        )
    else:
        _print_summary(report, db_path, truth_file, seconds)


def _print_summary(report: DemoReport, db_path: Path, truth_file: Path, seconds: float) -> None:
    did = f"made in {seconds:.1f} s" if report.changed else "is there already: nothing changed"
    names = ("users", "movies", "ratings", "people", "franchises", "mean rating")
    table = plain_table(*(f">{name}" for name in names))
    counts = (report.users, report.movies, report.ratings, report.people, report.franchises)
    table.add_row(*(f"{count:,}" for count in counts), f"{report.mean_rating:.2f}")
    console = result_console()
    print_table(console, f"The demo world, {did}", table)
    console.print(f"Database: {db_path}", markup=False, soft_wrap=True)
    console.print(f"True weights of its users: {truth_file}", markup=False, soft_wrap=True)
