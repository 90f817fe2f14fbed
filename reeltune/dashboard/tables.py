"""PageTable: a table whose cells may lead somewhere, as pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from reeltune.reports.figure import Cell
from reeltune.reports.html_page import Tone


@dataclass(frozen=True, slots=True)
class PageLink:
    """Cell that leads to a page."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Badge:
    """Cell with a state, in a colour and in words."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Meter:
    """Cell with a share from 0 to 1, drawn as a bar."""

    share: float
    text: str


PageCell = Cell | PageLink | Badge | Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTable:
    """Table of a page."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[PageCell, ...], ...]
    empty: str = "There is nothing yet."  # said where it has no rows
    next_href: str | None = None  # where the rows after these are
    first_href: str | None = None  # where the first rows are, if these are others

    @property
    def numbers(self) -> list[bool]:
        """Columns that hold numbers alone."""
        return [
            any(_is_number(row[k]) for row in self.rows)
            and all(row[k] is None or _is_number(row[k]) for row in self.rows)
            for k in range(len(self.headings))
        ]

    @property
    def plain_rows(self) -> list[list[Cell]]:
        """Rows without what is drawn, to find how many decimals their columns need."""
        return [[_plain(cell) for cell in row] for row in self.rows]


def page_table(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[PageCell]],
    *,
    empty: str = "There is nothing yet.",
    next_href: str | None = None,
    first_href: str | None = None,
) -> PageTable:
    """Return a table."""
    return PageTable(
        title=title,
        headings=tuple(headings),
        rows=tuple(tuple(row) for row in rows),
        empty=empty,
        next_href=next_href,
        first_href=first_href,
    )


def path_of(*parts: object) -> str:
    """Return the path of a page, its parts quoted.

    >>> path_of("runs", "a b/c")
    '/runs/a%20b%2Fc'
    """
    return "/" + "/".join(quote(str(part), safe="") for part in parts)


def moment(stamp: str | None) -> str:
    """Return a moment as people read it, to the minute, in UTC.

    >>> moment("2026-11-20T21:00:00Z"), moment(None)
    ('2026-11-20 21:00', '–')
    """
    return "–" if stamp is None else stamp[:16].replace("T", " ")


def _is_number(cell: PageCell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _plain(cell: PageCell) -> Cell:
    return cell.text if isinstance(cell, PageLink | Badge | Meter) else cell
