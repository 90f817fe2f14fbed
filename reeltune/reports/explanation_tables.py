"""Tables of what is in a package of a table's model."""

from rich.console import Console

from reeltune.cli.tables import plain_table, print_table
from reeltune.domain.parameters import as_text
from reeltune.reports.cells import outside_text
from reeltune.table_models.explaining import Explanation

_MAX_COLUMNS = 30


def print_explanation(console: Console, found: Explanation) -> None:
    """Print the members of a blend, and what each column is worth to it."""
    members = plain_table(
        "family", ">weight", ">size", "hyperparameters", drop=("hyperparameters",)
    )
    for each in found.members:
        values = ", ".join(
            f"{name.partition('.')[2]} {as_text(value)}"
            for name, value in each.hyperparameters.items()
        )
        members.add_row(each.family, f"{each.weight:.2f}", each.size, outside_text(console, values))
    print_table(console, f"Model of {outside_text(console, found.target)}", members)
    columns = plain_table("!column", f">{found.by}")
    for name, value in list(found.columns.items())[:_MAX_COLUMNS]:
        columns.add_row(outside_text(console, name), f"{value:.4g}")
    print_table(console, "Columns", columns)
    if found.verdict:
        console.print(outside_text(console, found.verdict), soft_wrap=True)
