"""Predicting by a package: rows of any source, checked against what the model needs."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.table_models.blended_model import BlendedModel
from reeltune.table_models.package import load_package
from reeltune.tabular.columns import ColumnKind, DataColumn, DataTable
from reeltune.tabular.reading import ReadOptions, read_table
from reeltune.tabular.target import Prediction

MIN_VALUES = 10  # of a column, of which fewer are no sign that it is another one
MAX_WRONG = 0.5  # share of a column's values that may be of another kind than in the fit


class SchemaError(InputError):
    """Rows that are not like those of the fit: columns are missing, or of another kind."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of rows, (N,)."""

    model: BlendedModel
    values: Floats  # (N, K) probabilities, or (N, 1) numbers
    n_unknown: Ints  # columns of a row whose level was not there in the fit
    notes: tuple[str, ...]

    @property
    def predicted(self) -> list[Any]:
        """Most probable class, or number, of each row."""
        if self.model.prediction is Prediction.NUMBERS:
            return [float(value) for value in self.values[:, 0]]
        return [self.model.classes[k] for k in self.values.argmax(axis=1).tolist()]

    @property
    def columns(self) -> list[str]:
        """Names of the columns that `rows` gives."""
        named = [f"probability_{name}" for name in self.model.classes]
        return ["prediction", *named, "unknown_levels"]

    def rows(self) -> Iterator[list[Any]]:
        """Yield the prediction of each row, the probability of each class, and unknown levels."""
        probabilities = self.values.tolist() if self.model.classes else [[]] * len(self.values)
        rows = zip(self.predicted, probabilities, self.n_unknown.tolist(), strict=True)
        return ([predicted, *each, n] for predicted, each, n in rows)

    def write(self, path: Path) -> None:
        """Write the predictions as CSV.

        Raises:
            InputError: they cannot be written.
        """
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(self.columns)
                writer.writerows(self.rows())
        except OSError as error:
            raise InputError(f"{str(path)!r} cannot be written: {error.strerror}") from error


def predict_with_package(
    package: Path | str, source: Path | str, options: ReadOptions | None = None
) -> Predictions:
    """Return what the model of a package predicts of the rows of a source.

    Columns may come in any order, with others among them. A level that was not there in the fit is
    a missing value, and counted.

    Raises:
        SchemaError: a column is missing, or of another kind.
        InputError: the source cannot be read, or has lines that cannot be cut.
        StorageError: the package is damaged.
    """
    model, _ = load_package(Path(package))
    return predict_rows(model, Path(source), options)


def predict_rows(
    model: BlendedModel, source: Path, options: ReadOptions | None = None
) -> Predictions:
    """Return what a model predicts of the rows of a source.

    Raises:
        SchemaError: a column is missing, or of another kind.
        InputError: the source cannot be read, or has lines that cannot be cut.
    """
    table = read_table(source, (options or ReadOptions()).with_specs(model.columns))
    return predictions_of(model, table)


def predictions_of(model: BlendedModel, table: DataTable) -> Predictions:
    """Return what a model predicts of the rows of a table.

    Raises:
        SchemaError: a column is missing, or of another kind.
    """
    check_schema(model, table)
    return Predictions(model, model.predict(table), model.count_unknown(table), table.notes)


def check_schema(model: BlendedModel, table: DataTable) -> None:
    """Refuse a table that lacks what a model needs.

    Raises:
        SchemaError: a column is missing, or of another kind; all of them are named.
    """
    missing = [spec.name for spec in model.columns if spec.name not in table.columns]
    wrong = [
        f"{spec.name} must hold a {spec.kind}"
        for spec in model.columns
        if spec.name in table.columns and _is_wrong(table.columns[spec.name], spec.kind, table)
    ]
    faults = [f"columns are missing: {', '.join(missing)}"] if missing else []
    if faults or wrong:
        raise SchemaError(f"{table.name!r} does not fit the model: {'; '.join([*faults, *wrong])}")


def _is_wrong(column: DataColumn, kind: ColumnKind, table: DataTable) -> bool:
    """Return whether most values of a column of numbers are texts."""
    if kind not in (ColumnKind.NUMBER, ColumnKind.DATE) or column.numbers is None:
        return False
    n_given = table.n_rows - int(column.is_missing.sum()) + column.n_refused
    return n_given >= MIN_VALUES and column.n_refused > MAX_WRONG * n_given
