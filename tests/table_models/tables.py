"""Small tables and targets for tests of models."""

from collections.abc import Sequence

import numpy as np

from reeltune.tabular.columns import ColumnKind, ColumnSpec, DataColumn, DataTable
from reeltune.tabular.target import Prediction, Target


def numbers(name: str, values: object, kind: str = "number") -> DataColumn:
    spec = ColumnSpec(name=name, kind=ColumnKind(kind))
    return DataColumn(spec=spec, numbers=np.asarray(values, dtype=np.float64))


def levels(name: str, texts: Sequence[str | None], kind: str = "category") -> DataColumn:
    names = tuple(dict.fromkeys(text for text in texts if text is not None))
    codes = np.array([-1 if text is None else names.index(text) for text in texts], dtype=np.int32)
    spec = ColumnSpec(name=name, kind=ColumnKind(kind))
    return DataColumn(spec=spec, codes=codes, levels=names)


def table(*columns: DataColumn) -> DataTable:
    return DataTable("t.csv", {column.name: column for column in columns}, len(columns[0]))


def of_numbers(values: object) -> Target:
    array = np.asarray(values, dtype=np.float64)
    return Target(name="y", prediction=Prediction.NUMBERS, values=array)


def of_classes(codes: object, n: int) -> Target:
    names = tuple("abcdefghijklmnopqrstuvwxyz"[:n])
    array = np.asarray(codes, dtype=np.int64)
    return Target(name="y", prediction=Prediction.CLASSES, values=array, classes=names)


def mixed(n_rows: int = 240, seed: int = 1, n_classes: int = 0) -> tuple[DataTable, Target]:
    """A table of every kind of column, with gaps, and a target that goes by most of them."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n_rows)
    colours = rng.integers(0, 4, n_rows)
    towns = rng.integers(0, 40, n_rows)
    days = rng.integers(0, 700, n_rows)
    worth = rng.normal(size=40)[towns]
    score = 1.5 * size + 0.7 * colours + worth + np.sin(days / 58) + rng.normal(0, 0.3, n_rows)
    words = [f"a text of {'red' if c else 'grey'} things number {n}" for n, c in enumerate(colours)]
    whole = table(
        numbers("size", np.where(rng.random(n_rows) < 0.1, np.nan, size)),
        levels("colour", [None if n % 17 == 0 else f"c{c}" for n, c in enumerate(colours)]),
        levels("town", [f"t{t}" for t in towns]),
        numbers("sold", 1.6e9 + 86_400.0 * days, "date"),
        numbers("built", 1.5e9 + 43_200.0 * days[::-1], "date"),
        levels("words", [*words], "text"),
        levels("row_id", [f"r{n}" for n in range(n_rows)], "id"),
        numbers("same", np.ones(n_rows)),
    )
    if not n_classes:
        return whole, of_numbers(100 + 20 * score)
    edges = np.quantile(score, np.arange(1, n_classes) / n_classes)
    return whole, of_classes(np.searchsorted(edges, score), n_classes)
