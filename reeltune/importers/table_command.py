"""Command: import table. Imports tables of any source."""

from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option, options
from reeltune.cli.console import print_json, progress_bar, remark_console, result_console
from reeltune.cli.options import (
    argument,
    option_db,
    option_format,
    option_json,
    option_log_format,
    option_quiet,
    option_wait,
)
from reeltune.db.connection import Connection, connection
from reeltune.db.ratings import count_ratings
from reeltune.domain.errors import InputError
from reeltune.importers.guess import guess_mapping, write_mapping
from reeltune.importers.mapping import MoviesMap, RatingsMap, SourceMap, read_mapping
from reeltune.importers.options import DATA, option_max_rejected
from reeltune.importers.ready import READY, ready_mapping
from reeltune.importers.report import LEGEND, describe_database, print_report, render_json
from reeltune.importers.sources import opened
from reeltune.importers.sync import remember
from reeltune.importers.table import import_table

_COLUMNS = {  # option, and what the column holds
    "user": "who rated",
    "movie": "which movie",
    "rating": "how; none: rows are events",
    "time": "when",
    "weight": "how much an event counts",
    "title": "the movie's title",
    "year": "its year",
    "genres": "its genres",
    "cast": "who plays in it",
    "collection": "its franchise",
}
_SETTINGS = {
    "relevant_from": ("VALUE", "On the scale: from here on liked."),
    "scale": ("SCALE", "stars, thumbs, percent or LOW-HIGH."),
    "time_format": ("FORMAT", "seconds, milliseconds, iso, or %d/%m/%Y."),
    "time_zone": ("ZONE", "Of times that name none, as Europe/Berlin."),
    "separator": ("TEXT", "Between the fields of a text file."),
    "encoding": ("NAME", "utf-8, utf-16, cp1252 or latin-1."),
    "one_user": ("NAME", "Whose ratings they are, if all one's."),
}
_COLUMN_TOPIC, _FORMAT_TOPIC = "Columns", "Format if not recognised"
_NAMES = (*_COLUMNS, *_SETTINGS, "file_table", "select")

column_options = options(
    *(
        option(_COLUMN_TOPIC, f"--{name}", metavar="COLUMN", help=f"{text[0].upper()}{text[1:]}.")
        for name, text in _COLUMNS.items()
    ),
    option(
        _FORMAT_TOPIC,
        "--table",
        "file_table",
        metavar="NAME",
        help="Table of a database, or file of a directory.",
    ),
    option(_FORMAT_TOPIC, "--select", metavar="SQL", help="Query of a database."),
    *(
        option(
            _FORMAT_TOPIC,
            f"--{name.replace('_', '-')}",
            name,
            metavar=kind,
            type=float if name == "relevant_from" else str,
            help=text,
        )
        for name, (kind, text) in _SETTINGS.items()
    ),
)
"""The options that name the columns and the format of a source."""


@click.command(
    cls=Command,
    paragraphs={"Mappings": f"a file, or {', '.join(READY)}."},
    examples=(
        "app.db --guess",
        "app.db --map app.toml --db app-movies.db",
        "app.db --map app.toml --remember app --db a.db",
    ),
)
@argument("source", "File, directory, archive or database.", type=click.Path(path_type=Path))
@option(DATA, "--map", "map_name", metavar="FILE", help="Mapping of the columns.")
@option(DATA, "--guess", is_flag=True, help="Print a mapping to edit; import nothing.")
@option(DATA, "--remember", "name", metavar="NAME", help="Let `import sync` read it again.")
@option_max_rejected
@column_options
@option_wait
@option_db
@option_log_format
@option_json
@option_format
@option_quiet
def table(
    source: Path,
    map_name: str | None,
    guess: bool,
    name: str | None,
    max_rejected: float,
    wait: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Import ratings, events and movies from any table.

    The source is a CSV or similar file, JSON or Parquet, a directory or a zip archive of such
    files, or another program's SQLite database, which is only read. A mapping says which column is
    what, or options do; --guess writes a mapping to begin with.
    """
    _check_not_ours(source, db_path)
    if guess:
        click.echo(_guessed(source), nl=False)
        return
    mapping = _mapping(map_name, {n: given[n] for n in _NAMES if given[n] is not None})
    with connection(db_path, create=True, wait_seconds=wait) as conn:
        before = count_ratings(conn)
        with progress_bar(remark_console(quiet=quiet or as_json), "KiB") as bar:
            task = bar.add_task(f"reading {source.name}", total=_size(source) // 1024)
            reports = import_table(
                conn,
                source,
                mapping,
                max_rejected=max_rejected,
                moved=lambda n: bar.update(task, completed=n // 1024),
            )
        if name is not None:
            remember(conn, name, source, mapping, max_rejected)
        _show(conn, db_path, reports, before, as_json=as_json, quiet=quiet)


def _show(
    conn: Connection, db_path: Path, reports: list[Any], before: int, *, as_json: bool, quiet: bool
) -> None:
    database = describe_database(conn, before)
    if as_json:
        print_json(render_json(db_path, reports, database))
        return
    print_report(result_console(), db_path, reports, database)
    if any(file.kept < file.read for file in reports):
        remark_console(quiet=quiet).print(LEGEND, style="dim")


def _guessed(source: Path) -> str:
    with opened(source) as found:
        return write_mapping(*guess_mapping(found))


def _mapping(map_name: str | None, named: dict[str, Any]) -> SourceMap:
    if map_name is not None:
        if named:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in named)
            raise click.UsageError(f"--map says which column is what: leave out {options}")
        if map_name in READY and not Path(map_name).exists():
            return ready_mapping(map_name)
        return read_mapping(Path(map_name))
    if "movie" not in named:
        raise click.UsageError("say which column is what: --map FILE, or --user --movie --rating")
    if "file_table" in named:
        named["table"] = named.pop("file_table")
    return _of_options(named)


def _of_options(named: dict[str, Any]) -> SourceMap:
    """Return the mapping of one table: of ratings where a user is named, of movies with a title."""
    parts: dict[str, dict[str, Any]] = {}
    if "user" in named or "one_user" in named:
        parts["ratings"] = {n: v for n, v in named.items() if n in RatingsMap.__slots__ + _PLACE}
    if "title" in named:
        parts["movies"] = {n: v for n, v in named.items() if n in MoviesMap.__slots__ + _PLACE}
    return SourceMap.from_dict(parts, "what the options say")


_PLACE = ("table", "select", "separator", "encoding")


def _check_not_ours(source: Path, db_path: Path) -> None:
    if db_path.exists() and source.exists() and source.samefile(db_path):
        raise InputError(
            f"{str(source)!r} is the database itself: name its source, or another --db"
        )


def _size(source: Path) -> int:
    return source.stat().st_size if source.is_file() else 0
