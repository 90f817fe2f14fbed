"""Tables without a frame, numbers to the right."""

from rich import box
from rich.console import Console
from rich.table import Table


def print_table(console: Console, title: str, table: Table) -> None:
    """Print a table under its title; unlike rich's own, the title may be wider than the table."""
    console.print(f"[bold]{title}[/]")
    console.print(table)
    console.print()


def plain_table(*headings: str) -> Table:
    """Return a table without a frame; headings that begin with '>' are of numbers.

    Those that begin with '!' are of ids, which are never folded: they can be copied.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading in headings:
        number, is_id = heading.startswith(">"), heading.startswith("!")
        table.add_column(
            heading.lstrip(">!"),
            justify="right" if number else "left",
            no_wrap=number or is_id,
            overflow="fold",
        )
    return table
