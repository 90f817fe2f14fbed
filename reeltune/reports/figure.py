"""Figures of a report: drawings with their words, and the same numbers as a table."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Cell = str | float | int | None
Size = Literal["small", "wide", "panels", "triples"]

MAX_TABLE_ROWS = 60  # of a table; more are not read, and `--format csv` has them


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTable:
    """Numbers of a figure, as they are written beside it."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n_left_out: int = 0  # rows

    @classmethod
    def of(cls, headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> "DataTable":
        """Return the table of these rows, cut to as many as are read."""
        shown = tuple(tuple(row) for row in rows[:MAX_TABLE_ROWS])
        return cls(headings=tuple(headings), rows=shown, n_left_out=len(rows) - len(shown))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Figure of a report: one drawing, or several small ones side by side."""

    name: str  # that links lead to, of letters and hyphens
    title: str
    drawings: tuple[str, ...]  # SVG elements; () where the table says all
    table: DataTable
    note: str = ""  # how to read it, in a sentence or two
    size: Size = "small"
    open_table: bool = False  # shown without being asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Part of a report, with its heading."""

    name: str
    title: str
    figures: tuple[Figure, ...] = field(default=())
    text: tuple[str, ...] = ()  # paragraphs before the figures

    def groups(self) -> list[tuple[Size, list[Figure]]]:
        """Return the figures in order, neighbours of one size together."""
        sizes = itertools.groupby(self.figures, key=lambda figure: figure.size)
        return [(size, list(figures)) for size, figures in sizes]
