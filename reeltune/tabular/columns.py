"""Columns of a table in memory, by the kind of value that they hold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.domain.errors import InputError

ColumnValues = npt.NDArray[Any]
MISSING = -1  # the code of a missing value


class ColumnKind(StrEnum):
    """Kind of a column: what its values are."""

    NUMBER = "number"
    CATEGORY = "category"
    DATE = "date"
    TEXT = "text"  # words, which are cut apart
    ID = "id"  # a name of its own for each row, or of the group that rows belong to


CODED = (ColumnKind.CATEGORY, ColumnKind.TEXT, ColumnKind.ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSpec:
    """Specification of a column: its name, its kind, and how its values are written."""

    name: str
    kind: ColumnKind
    number_style: str = "plain"  # a key of `texts.NUMBER_STYLES`
    date_format: str | None = None  # `iso`, a unit of time or a pattern as of strptime


@dataclass(frozen=True, eq=False, kw_only=True)
class DataColumn:
    """Values of a column, (N,): numbers, or codes of levels.

    Numbers are NaN where they are missing; dates are seconds since 1970, UTC.
    """

    spec: ColumnSpec
    numbers: Floats | None = None
    codes: ColumnValues | None = None  # MISSING where the value is missing
    levels: tuple[str, ...] = ()
    n_refused: int = 0  # values that were texts among numbers

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.spec.name

    @property
    def kind(self) -> ColumnKind:
        """Kind of its values."""
        return self.spec.kind

    def __len__(self) -> int:
        return len(self.values)

    @property
    def values(self) -> ColumnValues:
        """Numbers, or codes (N,)."""
        found = self.numbers if self.codes is None else self.codes
        assert found is not None
        return found

    @property
    def is_missing(self) -> Bools:
        """True (N,) where the value is missing."""
        found: Bools = np.isnan(self.values) if self.codes is None else self.codes == MISSING
        return found

    @property
    def n_distinct(self) -> int:
        """Number of different values, missing ones not counted."""
        present = self.values[~self.is_missing]
        if self.codes is None:
            return len(np.unique(present))
        return int(np.count_nonzero(np.bincount(present, minlength=1)))

    def take(self, rows: Ints) -> "DataColumn":
        """Return the values of some rows."""
        if self.codes is not None:
            return replace(self, codes=self.codes[rows])
        return replace(self, numbers=self.values[rows])

    def texts(self) -> list[str | None]:
        """Return the levels (N,) of a coded column, None where it is missing."""
        assert self.codes is not None
        named = [*self.levels, None]
        return [named[code] for code in self.codes.tolist()]


@dataclass(frozen=True, eq=False)
class DataTable:
    """Table in memory: N rows of typed columns, and what was noticed when it was read."""

    name: str
    columns: Mapping[str, DataColumn]
    n_rows: int
    notes: tuple[str, ...] = field(default=())

    @property
    def specs(self) -> tuple[ColumnSpec, ...]:
        """Specifications of the columns, in their order."""
        return tuple(column.spec for column in self.columns.values())

    def column(self, name: str) -> DataColumn:
        """Return the column of that name.

        Raises:
            InputError: there is none; those that are there are named.
        """
        if name not in self.columns:
            shown = ", ".join(list(self.columns)[:40])
            raise InputError(f"{self.name!r} has no column {name!r}: its columns are {shown}")
        return self.columns[name]

    def take(self, rows: Ints) -> "DataTable":
        """Return some rows."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        return DataTable(self.name, columns, len(rows), self.notes)

    def of_kind(self, *kinds: ColumnKind) -> Iterator[DataColumn]:
        """Yield the columns of some kinds."""
        return (column for column in self.columns.values() if column.kind in kinds)
