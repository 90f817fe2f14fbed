"""Command: tabular. Profiles, tunes and packages models of tables."""

from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, Group, option, options
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.options import argument, option_format, option_json, option_quiet
from reeltune.reports.profile_tables import print_profile
from reeltune.tabular.analyzer import DatasetAnalyzer
from reeltune.tabular.demo_tables import DEMO_TABLES, write_demo
from reeltune.tabular.profile import profile_of
from reeltune.tabular.reading import ReadOptions
from reeltune.tabular.target import Prediction

DATA, READING = "Data", "Format if not recognised"


@click.group(
    cls=Group,
    examples=("demo cars", "profile cars.csv", "profile cars.csv --target price_eur --json"),
)
def tabular() -> None:
    """Tune, package and apply models of tables.

    Of any CSV, Parquet or SQLite: profile a table, find a model of it, predict by it.
    """


def _kinds(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Return the kinds of columns that were given as COLUMN=KIND."""
    wrong = [value for value in values if "=" not in value]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not like COLUMN=KIND")
    return {name: kind for name, _, kind in (value.rpartition("=") for value in values)}


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
"""The options by which a table is read, for `analyzer_of`."""


def analyzer_of(source: Path, given: dict[str, Any]) -> DatasetAnalyzer:
    """Return the analyzer that the values of `reading_options` describe."""
    read = ("separator", "encoding", "decimal", "header", "table", "kinds", "target")
    return DatasetAnalyzer(
        source,
        given["target"],
        prediction=given["prediction"],
        options=ReadOptions(**{name: given[name] for name in read}),
    )


@tabular.command(
    cls=Command,
    examples=(
        "cars.csv",
        "cars.csv --target price_eur --json",
        "old.csv --separator ';' --decimal ,",
    ),
)
@argument("source", "File, archive or database.", type=click.Path(path_type=Path))
@reading_options
@option_json
@option_format
def profile(source: Path, as_json: bool, **given: Any) -> None:
    """Show what is in a table: columns, target, and nineteen figures.

    Kinds of columns, dates, ids and the target are inferred; options say otherwise.
    """
    found = profile_of(analyzer_of(source, given))
    if as_json:
        print_json(found.as_dict())
    else:
        print_profile(result_console(), found)


@tabular.command(
    cls=Command, examples=("cars", "audit --rows 2000", "cars --out other.csv --seed 2")
)
@argument("name", f"One of {', '.join(DEMO_TABLES)}.", type=click.Choice(list(DEMO_TABLES)))
@option(
    DATA,
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Written CSV.  [default: NAME.csv]",
)
@option(DATA, "--rows", type=int, metavar="N", help="Number of rows.")
@option(DATA, "--seed", type=int, default=0, show_default=True, metavar="N", help="Random seed.")
@option_json
@option_quiet
def demo(
    name: str, out: Path | None, rows: int | None, seed: int, as_json: bool, quiet: bool
) -> None:
    """Write a table to try: cars for sale, or an audit of accounts.

    The cars have the structure of a market; the audit has missing values, outliers, a rare class,
    many levels, empty and constant columns, and texts among numbers.
    """
    path = out or Path(f"{name}.csv")
    n_rows = write_demo(path, name, rows, seed)
    target = DEMO_TABLES[name][2]
    if as_json:
        print_json({"file": str(path), "rows": n_rows, "target": target})
        return
    result_console().print(f"{path}: {n_rows:,} rows, target {target}", markup=False)
    remark_console(quiet=quiet).print(f"next: reeltune tabular profile {path}", markup=False)
