"""Tables as they are printed: laid out for the width of the terminal, or written in other formats.

Where a table is wider than the terminal, in this order: headings and texts are broken between
words, texts down to `MIN_TEXT` columns; columns are left out, in the order that the table states,
but for those that fit after all; texts are broken down to their longest word; each row becomes a
record, one line per column. Records are taken also where they need fewer lines than texts in
narrow columns. No word, number or id is ever cut or broken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from reeltune.cli.console import SIMPLE, ResultConsole
from reeltune.cli.table_formats import (
    GAP,
    Cells,
    as_lines,
    as_records,
    longest_line,
    longest_word,
    written,
)

MIN_TEXT = 24  # columns that a text has before others are left out for it

Cell = str | Text


@dataclass(slots=True)
class Table:
    """Headings and rows; build it with `plain_table`."""

    headings: list[str]
    alignments: list[str]  # "left" or "right"
    breakable: list[bool]  # texts; numbers and ids are not
    drop: tuple[str, ...]
    rows: list[list[Text]] = field(default_factory=list)

    def add_row(self, *cells: Cell, style: str = "") -> None:
        """Add a row; its cells are markup or text."""
        texts = [Text.from_markup(cell) if isinstance(cell, str) else cell for cell in cells]
        for text in texts if style else ():
            text.stylize(style)
        self.rows.append(texts)

    def without(self, names: Sequence[str]) -> "Table":
        """Return the table without some columns."""
        kept = [n for n, heading in enumerate(self.headings) if heading not in names]
        return Table(
            [self.headings[n] for n in kept],
            [self.alignments[n] for n in kept],
            [self.breakable[n] for n in kept],
            (),
            [[row[n] for n in kept] for row in self.rows],
        )


def plain_table(*headings: str, drop: Sequence[str] = ()) -> Table:
    """Return an empty table.

    Args:
        headings: markup; those that begin with '>' are of numbers, those with '!' of ids.
        drop: columns that are left out where there is no room, the first of them first.
    """
    return Table(
        [Text.from_markup(heading.lstrip(">!")).plain for heading in headings],
        ["right" if heading.startswith(">") else "left" for heading in headings],
        [not heading.startswith((">", "!")) for heading in headings],
        tuple(drop),
    )


def print_table(console: Console, title: str, table: Table, empty: str = "") -> None:
    """Print a table under its title, in the format that the console asks for.

    On a terminal `empty`, if it is given, stands in the place of a table without rows.
    """
    if isinstance(console, ResultConsole) and console.table_format != SIMPLE:
        console.print_apart(written(_cells(table), title, console.table_format))
        return
    if empty and not table.rows:
        console.print(empty)
        return
    if title:
        console.print(Text(title, style="bold"), soft_wrap=True)
    text, dropped = fitted_text(table, console.width)
    console.print(text, soft_wrap=True)
    if dropped:
        console.print(f"[dim]columns left out: {', '.join(dropped)} (--format csv has all)[/]")
    console.print()


def fitted_text(table: Table, width: int) -> tuple[Text, list[str]]:
    """Return a table as text that fits a width, and the names of the columns left out."""
    dropped = _dropped(table, width)
    if dropped is not None:
        return _as_table(table, width, dropped), dropped
    dropped = [name for name in table.drop if name in table.headings]
    records = Text.from_ansi(as_records(_cells(table), width))
    if not _fits(table, width, dropped, least_text=0):
        return records, []
    narrow = _as_table(table, width, dropped)
    is_shorter = records.plain.count("\n") < narrow.plain.count("\n")
    return (records, []) if is_shorter else (narrow, dropped)


def _as_table(table: Table, width: int, dropped: Sequence[str]) -> Text:
    shown = table.without(dropped)
    widths = _widths(shown, width) or _widths(shown, width, least_text=0)
    assert widths is not None
    return Text.from_ansi(as_lines(_cells(shown), widths))


def _dropped(table: Table, width: int) -> list[str] | None:
    """Return the columns to leave out: the first that must be, less those that fit after all.

    None if the table does not fit without any of those that may be left out.
    """
    may_be = [name for name in table.drop if name in table.headings]
    prefixes = (may_be[:n] for n in range(len(may_be) + 1))
    found = next((names for names in prefixes if _fits(table, width, names)), None)
    for name in reversed(found or []):
        without = [other for other in found or [] if other != name]
        if _fits(table, width, without):
            found = without
    return found


def _fits(table: Table, width: int, dropped: Sequence[str], least_text: int = MIN_TEXT) -> bool:
    return _widths(table.without(dropped), width, least_text) is not None


def _widths(table: Table, width: int, least_text: int = MIN_TEXT) -> list[int] | None:
    """Return the width of each column; None if they do not fit."""
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.headings)
    widest, least = [], []
    for heading, breakable, cells in zip(table.headings, table.breakable, columns, strict=True):
        title = Text(heading)
        whole = max((longest_line(cell) for cell in cells), default=0)
        words = max((longest_word(cell) for cell in cells), default=0)
        floor = max(words, min(whole, least_text)) if breakable else whole
        widest.append(max(whole, title.cell_len))
        least.append(max(floor, longest_word(title)))
    room = width - GAP * (len(widest) - 1)
    if sum(least) > room:
        return None
    while sum(widest) > room:
        over = [n for n in range(len(widest)) if widest[n] > least[n]]
        widest[max(over, key=lambda n: widest[n])] -= 1
    return widest


def _cells(table: Table) -> Cells:
    return Cells(table.headings, table.alignments, table.rows)
