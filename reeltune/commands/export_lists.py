"""Command: export-lists. Writes the lists of all users to a file."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, progress_bar, remark_console
from reeltune.cli.options import option_db, option_json, option_quiet

if TYPE_CHECKING:
    from reeltune.serving.list_export import ListFormat

_FILE = "File"


@click.command(
    cls=Command,
    name="export-lists",
    examples=("", "--k 50 --out lists.csv", "--format sqlite --json"),
)
@option(
    _FILE,
    "--k",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Movies of each list.",
)
@option(
    _FILE,
    "--format",
    "kind",
    type=click.Choice(["csv", "parquet", "sqlite"]),
    default="csv",
    show_default=True,
    help="Kind of file.",
)
@option(
    _FILE,
    "--out",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write.  [default: beside the database]",
)
@option_db
@option_json
@option_quiet
def export_lists(
    k: int, kind: "ListFormat", path: Path | None, db_path: Path, as_json: bool, quiet: bool
) -> None:
    """Write the lists of all users who have ratings to one file.

    A row is user_id, rank, movie_id, title, score. The file takes its name when it is complete.
    """
    from reeltune.serving.list_export import SUFFIXES, export_all
    from reeltune.serving.recommendations import Recommendations

    path = path or db_path.with_name(f"{db_path.stem}.lists.{SUFFIXES[kind]}")
    bar = progress_bar(remark_console(quiet=quiet or as_json), "users")
    with Recommendations.open(db_path) as served, bar:
        task = bar.add_task("making lists", total=None)
        found = export_all(
            served, k, path, kind, lambda n, total: bar.update(task, completed=n, total=total)
        )
    if as_json:
        print_json({"file": str(path), "format": kind, "k": k, **asdict(found)})
    elif not quiet:
        click.echo(
            f"{path}: lists of {found.users:,} users by version {found.version},"
            f" {found.rows:,} rows"
        )
