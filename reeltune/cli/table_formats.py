"""Formats of tables, written by tabulate: for terminals, and for documents and other programs."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

GAP = 2  # columns between two columns
_NOTHING = "-"  # shown where there is no value; empty in CSV
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")  # a number as people read it
_COLOURS = Console(force_terminal=True, color_system="standard", width=1_000_000)


@dataclass(frozen=True, slots=True)
class Cells:
    """Contents of a table."""

    headings: Sequence[str]
    alignments: Sequence[str]
    rows: Sequence[Sequence[Text]]

    def plain_rows(self) -> list[list[str]]:
        """Return the cells without colours, each on one line."""
        return [[" ".join(cell.plain.split()) for cell in row] for row in self.rows]


def written(cells: Cells, title: str, name: str) -> str:
    """Return a table in the format of this name, one of `TABLE_FORMATS`; no line is broken."""
    match name:
        case "csv":  # which has no place for a title
            return _as_csv(cells)
        case "github":
            return f"### {title}\n\n{_tabulated(cells, name)}"
        case "html":
            head = f"<table>\n<caption>{escape(title)}</caption>"
            return _tabulated(cells, name).replace("<table>", head, 1)
        case "latex":
            return f"% {title}\n{_tabulated(cells, name)}"
    return f"{title}\n{_tabulated(cells, name)}"


def as_lines(cells: Cells, widths: Sequence[int]) -> str:
    """Return a table for a terminal, its cells broken between words to fit the widths."""
    headings = [Text(heading, style="bold") for heading in cells.headings]
    rows = [
        [_broken(cell, width) for cell, width in zip(row, widths, strict=True)]
        for row in (headings, *cells.rows)
    ]
    rows.insert(1, ["-" * width for width in widths])
    return _trimmed(_by_tabulate(rows, tablefmt="plain", colalign=cells.alignments))


def as_records(cells: Cells, width: int) -> str:
    """Return each row as lines of heading and value, which fit a width; no word is broken."""
    headings = [Text(heading, style="bold") for heading in cells.headings]
    room = max(width - max(heading.cell_len for heading in headings) - GAP, 1)
    records = [
        _by_tabulate(
            [[_coloured(h), _broken(cell, room)] for h, cell in zip(headings, row, strict=True)],
            tablefmt="plain",
        )
        for row in cells.rows
    ]
    return "\n\n".join(_trimmed(record) for record in records)


def _tabulated(cells: Cells, name: str) -> str:
    rows = cells.plain_rows()
    if name == "github":
        rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    alignments = cells.alignments if rows else None
    return _trimmed(_by_tabulate(rows, headers=cells.headings, tablefmt=name, colalign=alignments))


def _as_csv(cells: Cells) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cells.headings)
    writer.writerows([[_as_data(cell) for cell in row] for row in cells.plain_rows()])
    return text.getvalue().removesuffix("\n")


def _as_data(cell: str) -> str:
    """Return a cell as programs read it.

    >>> _as_data("12,345"), _as_data("-"), _as_data("a, b")
    ('12345', '', 'a, b')
    """
    if cell == _NOTHING:
        return ""
    return cell.replace(",", "") if _GROUPED.fullmatch(cell) else cell


def longest_line(text: Text) -> int:
    """Return the columns of the longest line."""
    return max((cell_len(line) for line in text.plain.splitlines()), default=0)


def longest_word(text: Text) -> int:
    """Return the columns of the longest word."""
    return max((cell_len(word) for word in text.plain.split()), default=0)


def _by_tabulate(rows: Sequence[Sequence[str]], **settings: Any) -> str:
    from tabulate import tabulate  # here: a fifth of a second, only where there is a table

    return tabulate(rows, disable_numparse=True, **settings)


def _broken(text: Text, width: int) -> str:
    """Return text in lines, broken between words; a word that is longer has a longer line."""
    lines = text.wrap(_COLOURS, max(width, longest_word(text)), overflow="crop")
    return "\n".join(_coloured(line) for line in lines)


def _coloured(text: Text) -> str:
    """Return text with the codes of its colours; `Text.from_ansi` takes them back."""
    text.rstrip()
    if not text.spans and not text.style:
        return text.plain
    with _COLOURS.capture() as captured:
        _COLOURS.print(text, end="", soft_wrap=True)
    return captured.get()


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())
