"""Tables of what a search for a table begins with, and of what earlier runs found."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.parameters import as_text
from reeltune.reports.cells import NONE, gain_cell, outside_text, seconds_cell


def print_prescription(console: Console, found: Any) -> None:
    """Print the first trials, their cost, and similar tables."""
    table = plain_table(">trial", "family", "from", ">about", "hyperparameters", drop=("from",))
    for number, each in enumerate(found.trials):
        values = ", ".join(
            f"{name.partition('.')[2]} {as_text(value)}"
            for name, value in each.hyperparameters.items()
        )
        cells = (each.family, outside_text(console, each.origin), seconds_cell(each.seconds))
        table.add_row(str(number), *cells, outside_text(console, values))
    print_table(console, "First trials", table)
    console.print(f"held out: {outside_text(console, found.folds)}", soft_wrap=True)
    if not found.similar:
        console.print("no earlier run on a similar table is known")
        return
    similar = plain_table("!run", "table", ">similarity", ">success")
    for each in found.similar:
        name = outside_text(console, each.model.rpartition("?")[0])
        shown = (f"{each.similarity:.2f}", f"{each.success_rate:.2f}")
        similar.add_row(outside_text(console, each.tuning_run_id), name, *shown)
    print_table(console, "Similar tables", similar)


def print_knowledge(console: Console, records: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each run on a table."""
    headings = ("!run", "table", "target", "objective", ">gain", "family", ">helped")
    table = plain_table(*headings, drop=("objective", "table"))
    for each in records:
        helped = f"{each['n_helped']:,} of {each['n_used']:,}" if each["n_used"] else NONE
        table.add_row(
            outside_text(console, each["tuning_run_id"]),
            outside_text(console, each["table"]),
            each["target"],
            each["objective"],
            gain_cell(each["gain"], "tabular"),
            each["family"] or NONE,
            helped,
        )
    empty = "No run on a table has finished in this database yet."
    print_table(console, "What runs on tables found", table, empty=empty)
