"""Target of a table: which column is predicted, and whether by classes or as a number."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from reeltune.domain.arrays import Ints
from reeltune.domain.errors import InputError
from reeltune.tabular.columns import MISSING, ColumnKind, ColumnValues, DataColumn, DataTable

TARGET_NAMES = ("target", "label", "class", "y", "outcome", "response")
"""Names of columns, in lower case, that are the target where none is named."""

MAX_WHOLE_CLASSES = 10  # different whole numbers that may be classes
MIN_ROWS_OF_CLASS = 10  # rows, on average, of each of these
MAX_CLASSES = 200
MIN_ROWS = 6


class Prediction(StrEnum):
    """Kind of what is predicted."""

    CLASSES = "classification"
    NUMBERS = "regression"


@dataclass(frozen=True, eq=False, kw_only=True)
class Target:
    """Target of a table's rows, (N,): numbers, or codes of classes."""

    name: str
    prediction: Prediction
    values: ColumnValues
    classes: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 of numbers."""
        return len(self.classes)

    @property
    def kind(self) -> str:
        """Kind in words: binary, multiclass or regression."""
        if self.prediction is Prediction.NUMBERS:
            return "regression"
        return "binary" if self.n_classes == 2 else "multiclass"


def inferred_target(table: DataTable) -> str:
    """Return the name of the column that is predicted where none is named.

    That is the column with a usual name of a target, else the last one.
    """
    by_name = {name.strip().lower(): name for name in table.columns}
    found = next((by_name[name] for name in TARGET_NAMES if name in by_name), None)
    return found or list(table.columns)[-1]


def inferred_prediction(column: DataColumn) -> Prediction:
    """Return whether a column is predicted by classes or as a number.

    A number is a class where it is whole, has few different values, and each of them many rows.
    """
    if column.kind is not ColumnKind.NUMBER:
        return Prediction.NUMBERS if column.kind is ColumnKind.DATE else Prediction.CLASSES
    present = column.values[~column.is_missing]
    distinct = np.unique(present)
    is_whole = np.array_equal(distinct, np.round(distinct))
    is_few = len(distinct) <= 2 or (
        len(distinct) <= MAX_WHOLE_CLASSES and len(present) >= MIN_ROWS_OF_CLASS * len(distinct)
    )
    return Prediction.CLASSES if is_whole and is_few else Prediction.NUMBERS


def split_target(
    table: DataTable, name: str | None = None, prediction: str | None = None
) -> tuple[DataTable, Target]:
    """Return the features of the rows that have a target, and the target.

    Raises:
        InputError: there is no such column, or nothing in it that can be predicted.
    """
    column = table.column(name or inferred_target(table))
    if prediction is not None and prediction not in set(Prediction):
        raise InputError(f"the task must be one of {', '.join(Prediction)}, got {prediction!r}")
    chosen = Prediction(prediction) if prediction else inferred_prediction(column)
    rows = np.flatnonzero(~column.is_missing)
    if len(rows) < MIN_ROWS:
        raise InputError(
            f"{column.name!r} has a value in {len(rows)} rows: {MIN_ROWS} or more are needed"
        )
    rest = {each: values for each, values in table.columns.items() if each != column.name}
    kept = DataTable(table.name, rest, table.n_rows, _notes(table, column, len(rows))).take(rows)
    if not kept.columns:
        raise InputError(f"{table.name!r} has no column beside {column.name!r} to predict it by")
    return kept, _target(column.take(rows), chosen)


def _notes(table: DataTable, column: DataColumn, n_kept: int) -> tuple[str, ...]:
    n_without = table.n_rows - n_kept
    if not n_without:
        return table.notes
    return (*table.notes, f"{n_without:,} rows without a {column.name} are left out")


def _target(column: DataColumn, prediction: Prediction) -> Target:
    if prediction is Prediction.NUMBERS:
        if column.numbers is None:
            raise InputError(
                f"{column.name!r} has texts like {column.levels[0]!r}: it is predicted by classes, "
                "leave out --task"
            )
        return Target(name=column.name, prediction=prediction, values=column.values)
    names, codes = _classes(column)
    if len(names) < 2:
        raise InputError(f"{column.name!r} has one value only, {names[0]!r}: nothing to predict")
    if len(names) > MAX_CLASSES:
        raise InputError(
            f"{column.name!r} has {len(names):,} classes, at most {MAX_CLASSES} can be predicted: "
            "name another target, or --task regression for numbers"
        )
    return Target(name=column.name, prediction=prediction, values=codes, classes=names)


def _classes(column: DataColumn) -> tuple[tuple[str, ...], Ints]:
    """Return the names of classes in order, and which each row (N,) has."""
    if column.codes is None:
        distinct, codes = np.unique(column.values, return_inverse=True)
        return tuple(_shown(value) for value in distinct.tolist()), codes.astype(np.int64)
    assert (column.codes != MISSING).all()
    used = np.unique(column.codes)
    names = sorted(column.levels[code] for code in used.tolist())
    place = {name: n for n, name in enumerate(names)}
    of_level = np.array([place.get(level, MISSING) for level in column.levels])
    return tuple(names), of_level[column.codes].astype(np.int64)


def _shown(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
