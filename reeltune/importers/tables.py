"""Tables of outside sources, a few rows at a time: columns by name, and rows that could not be cut.

A source is a file of text (packed or not), JSON or Parquet, a directory or an archive of such
files, an SQLite database, or data frames in memory.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import numpy as np

from reeltune.domain.arrays import Ints
from reeltune.domain.errors import InputError
from reeltune.importers.mapping import TableLocation
from reeltune.importers.rows import excerpt
from reeltune.importers.values import whole_texts

CHUNK_ROWS = 50_000
_MAX_LISTED = 40
Column = Sequence[Any]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Chunk of rows of a table."""

    lines: Sequence[int] | Ints  # (n,) where each stands, from 1
    columns: Mapping[str, Column]  # (n,) each
    bad: list[tuple[int, str, str]] = field(default_factory=list)  # line, reason, text

    def __len__(self) -> int:
        return len(self.lines)

    def texts(self, name: str | None) -> list[str]:
        """Return a column as texts; of none, empty ones."""
        if name is None:
            return [""] * len(self)
        column = self.columns[name]
        if isinstance(column, np.ndarray):
            column = column.tolist()
        return [v if type(v) is str else text_of(v) for v in column]


class CodedColumn(Sequence[Any]):
    """Column (N,) of which each distinct value is there once."""

    def __init__(self, values: Sequence[Any], codes: Ints) -> None:
        self.values, self.codes = values, codes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self.values[code] for code in self.codes[place].tolist()]
        return self.values[self.codes[place]]

    def distinct(self) -> tuple[list[str], Ints]:
        """Return the distinct values as texts, and which is where (N,)."""
        return [text_of(value) for value in self.values], self.codes


class Table(Protocol):
    """Table of a source."""

    name: str
    notes: list[str]  # what was recognised, for people

    def columns(self) -> list[str]:
        """Return the names of all columns."""

    def chunks(self, wanted: Sequence[str]) -> Iterator[Chunk]:
        """Yield the wanted columns of all rows; they are there."""


class Source(Protocol):
    """Source of tables."""

    name: str

    def names(self) -> list[str]:
        """Return the names of its tables; one of them where it is one itself."""

    def table(self, place: TableLocation) -> Table:
        """Return the table at a place.

        Raises:
            InputError: there is none, or it is not clear which.
        """


def text_of(value: object) -> str:
    """Return a value as a source would write it; what is missing is an empty text.

    >>> text_of(None), text_of(7.0), text_of(True), text_of(["Drama"]), text_of(float("nan"))
    ('', '7', '1', '["Drama"]', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, float | np.floating):
        return _number_text(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple | dict | np.ndarray):
        plain = value.tolist() if isinstance(value, np.ndarray) else value
        try:
            return str(whole_texts(json.dumps(plain, ensure_ascii=False, default=str)))
        except RecursionError:
            return ""
    if isinstance(value, datetime | date):
        text = value.isoformat()
        return "" if text == "NaT" else text
    text = str(whole_texts(str(value)))
    return "" if text in ("<NA>", "NaT", "nan") else text


def _number_text(value: float) -> str:
    if value != value:
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)


def pick(names: Sequence[str], wanted: str | None, where: str) -> str:
    """Return the one of `names` that is wanted, or the only one.

    Raises:
        InputError: it is not there, or there are several to choose from.
    """
    if wanted is None:
        if len(names) == 1:
            return names[0]
        raise InputError(f"{where} has {len(names)} tables, say which: {listed(names)}")
    if wanted not in names:
        raise InputError(f"{where} has no table {wanted!r}: it has {listed(names)}")
    return wanted


def listed(names: Sequence[str]) -> str:
    """Return some names for a message, on one line.

    >>> listed(["user", "a\\nb"])
    'user, a b'
    """
    return ", ".join(map(excerpt, names[:_MAX_LISTED])) or "none"


def check_columns(table: Table, wanted: Sequence[str]) -> None:
    """Raise InputError where columns are not there; all are named, and those that are."""
    there = table.columns()
    missing = [name for name in wanted if name not in there]
    if missing:
        shown = listed(there)
        raise InputError(
            f"{table.name!r} has no column {', '.join(map(repr, missing))}: its columns are {shown}"
        )
