"""Commands: tabular profile and demo. Show what is in a table; write one to try."""

from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.options import argument, option_format, option_json, option_quiet
from reeltune.commands.tabular_options import DATA, analyzer_of, reading_options
from reeltune.reports.profile_tables import print_profile
from reeltune.tabular.demo_tables import DEMO_TABLES, write_demo
from reeltune.tabular.profile import profile_of


@click.command(
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


@click.command(cls=Command, examples=("cars", "audit --rows 2000", "cars --out other.csv --seed 2"))
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
