"""Options by which commands read tables."""

from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import OUTPUT, option, options
from reeltune.tabular.analyzer import DatasetAnalyzer
from reeltune.tabular.reading import ReadOptions
from reeltune.tabular.target import Prediction

DATA, READING = "Data", "Format if not recognised"


def _kinds(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return the kinds of columns that were given as COLUMN=KIND."""
    wrong = [value for value in values if "=" not in value]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not like COLUMN=KIND")
    return {name: kind for name, _, kind in (value.rpartition("=") for value in values)}


option_tables_db = option(
    OUTPUT,
    "--db",
    "db_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="tables.db",
    show_default=True,
    metavar="FILE",
    help="Keeps the runs.",
)
"""`--db`, of commands that keep what they find of tables."""

format_options = options(
    option(READING, "--separator", metavar="TEXT", help="Between the fields of a text file."),
    option(READING, "--encoding", metavar="NAME", help="utf-8, utf-16, cp1252 or latin-1."),
    option(
        READING,
        "--decimal",
        type=click.Choice([".", ","]),
        metavar="SIGN",
        help="Decimal point or comma.",
    ),
    option(READING, "--header/--no-header", default=None, help="Whether the first row has names."),
    option(READING, "--table", metavar="NAME", help="Table of a database, or file of a directory."),
)
"""The options by which the text of a table is read."""

reading_options = options(
    option(DATA, "--target", metavar="COLUMN", help="Predicted column.  [default: recognised]"),
    option(
        DATA,
        "--task",
        "prediction",
        type=click.Choice(list(Prediction)),
        metavar="KIND",
        help="classification or regression.",
    ),
    option(
        DATA,
        "--kind",
        "kinds",
        multiple=True,
        callback=_kinds,
        metavar="COLUMN=KIND",
        help="number, category, date, text, id.",
    ),
    format_options,
)
"""The options by which a table and its target are read, for `analyzer_of`."""


def analyzer_of(source: Path, given: dict[str, Any]) -> DatasetAnalyzer:
    """Return the analyzer that the values of `reading_options` describe."""
    read = ("separator", "encoding", "decimal", "header", "table", "kinds", "target")
    return DatasetAnalyzer(
        source,
        given["target"],
        prediction=given["prediction"],
        options=ReadOptions(**{name: given[name] for name in read}),
    )
