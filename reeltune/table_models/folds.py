"""Folds of a table's rows: how rows are held out, by what the rows are."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from reeltune.domain.arrays import Ints
from reeltune.tabular.columns import MISSING, ColumnKind, DataTable
from reeltune.tabular.roles import group_column, time_column
from reeltune.tabular.target import Prediction, Target

FoldKind = Literal["random", "stratified", "grouped", "time"]

FEW_ROWS = 1_000  # below it rows are held out several times
SOME_ROWS = 4_000  # below it each row is held out once, above it a part of them
N_FOLDS = {"few": 5, "some": 3}
N_REPEATS = 2  # of all folds, of few rows
HELD_OUT = 0.2  # share of rows, where a part is held out once
TEST_SHARE = 0.15
MIN_TEST_ROWS = 20  # rows of a test part: fewer say nothing
MIN_ROWS_OF_GROUP_TEST = 3  # groups of a test part
_STREAM = 20_170


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows that a model is fitted on, and rows that it is measured on."""

    fitting: Ints
    held_out: Ints


@dataclass(frozen=True, eq=False)
class Folds:
    """Folds of the rows of a search, and the test part that no search sees.

    Units are the rows that are held out, fold after fold: a row counts as often as it is held out.
    """

    kind: FoldKind
    by: str | None  # column that groups rows, or in whose order they come
    folds: tuple[Fold, ...]
    search: Ints  # rows of the search
    test: Ints  # may be empty

    @property
    def n_units(self) -> int:
        """Number of units U."""
        return sum(len(fold.held_out) for fold in self.folds)

    @property
    def starts(self) -> Ints:
        """Positions (K + 1,) of the units at which folds begin."""
        return np.cumsum([0, *(len(fold.held_out) for fold in self.folds)])

    def describe(self) -> str:
        """Return in words how rows are held out."""
        how = {
            "random": "at random",
            "stratified": "at random, with the classes' shares",
            "grouped": f"in whole groups of {self.by}",
            "time": f"the latest by {self.by}",
        }[self.kind]
        n = len(self.folds)
        share = len(self.folds[0].held_out) / len(self.search)
        parts = f"{share:.0%} of the rows once" if n == 1 else f"{n} folds"
        test = f"{len(self.test):,} rows for the test" if len(self.test) else "no test part"
        return f"{parts}, {how}; {test}"


def make_folds(table: DataTable, target: Target, *, with_test: bool = True) -> Folds:
    """Return the folds of a table: by time or groups where rows have them, else by size alone.

    Rows that come in the order of a date are held out from the latest on. Rows of one group are
    never on both sides. Else rows are held out at random, with the shares of the classes.
    """
    date, group = time_column(table), group_column(table)
    if date is not None:
        return _by_time(table, date, with_test=with_test)
    kind: FoldKind = "stratified" if target.prediction is Prediction.CLASSES else "random"
    keys = np.arange(table.n_rows)
    if group is not None:
        kind, keys = "grouped", _group_keys(table, group)
    rng = np.random.default_rng([_STREAM, table.n_rows])
    strata = _strata(target)
    test = np.zeros(0, dtype=np.int64)
    rows = np.arange(table.n_rows)
    if with_test and _is_enough_for_test(table.n_rows, keys):
        parts = _parts(keys, strata, round(1 / TEST_SHARE), rng)
        test, rows = np.flatnonzero(parts == 0), np.flatnonzero(parts != 0)
    folds = tuple(_random_folds(rows, keys[rows], strata[rows], rng))
    return Folds(kind, group, folds, rows, test)


def _is_enough_for_test(n_rows: int, keys: Ints) -> bool:
    n_groups = len(np.unique(keys))
    enough_groups = n_groups * TEST_SHARE >= MIN_ROWS_OF_GROUP_TEST
    return n_rows * TEST_SHARE >= MIN_TEST_ROWS and enough_groups


def _group_keys(table: DataTable, name: str) -> Ints:
    """Return the group (N,) of each row; rows without one are groups of their own."""
    column = table.columns[name]
    assert column.kind is ColumnKind.ID
    assert column.codes is not None
    keys = column.codes.astype(np.int64)
    alone = keys == MISSING
    keys[alone] = len(column.levels) + np.arange(int(alone.sum()))
    return keys


def _strata(target: Target) -> Ints:
    """Return the class (N,) of each row; of numbers the fifth of the range that it lies in."""
    if target.prediction is Prediction.CLASSES:
        return np.asarray(target.values, dtype=np.int64)
    edges = np.quantile(target.values, [0.2, 0.4, 0.6, 0.8])
    return np.searchsorted(edges, target.values)


def _parts(keys: Ints, strata: Ints, n_parts: int, rng: np.random.Generator) -> Ints:
    """Return the part (N,) of each row: groups whole, strata and sizes as even as can be."""
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = rng.permutation(len(first))
    order = order[np.argsort(strata[first][order], kind="stable")]
    if len(first) == len(keys):
        part_of = np.empty(len(first), dtype=np.int64)
        part_of[order] = np.arange(len(order)) % n_parts
        return part_of[group]
    sizes = np.bincount(group)
    filled, part_of = np.zeros(n_parts), np.zeros(len(first), dtype=np.int64)
    for each in rng.permutation(len(first)).tolist():
        part_of[each] = int(filled.argmin())
        filled[part_of[each]] += sizes[each]
    return part_of[group]


def _random_folds(rows: Ints, keys: Ints, strata: Ints, rng: np.random.Generator) -> list[Fold]:
    n = len(rows)
    n_groups = len(np.unique(keys))
    if n >= SOME_ROWS:
        parts = _parts(keys, strata, round(1 / HELD_OUT), rng)
        return [Fold(rows[parts != 0], rows[parts == 0])]
    n_folds = max(2, min(N_FOLDS["few" if n < FEW_ROWS else "some"], n_groups))
    found = []
    for _ in range(N_REPEATS if n < FEW_ROWS else 1):
        parts = _parts(keys, strata, n_folds, rng)
        found += [Fold(rows[parts != k], rows[parts == k]) for k in range(n_folds)]
    return [fold for fold in found if len(fold.fitting) and len(fold.held_out)]


def _by_time(table: DataTable, date: str, *, with_test: bool) -> Folds:
    """Return folds that grow with time: each is fitted on what came before what it holds out."""
    seconds = table.columns[date].values
    filled = np.where(np.isfinite(seconds), seconds, np.nanmin(seconds))
    order: Ints = np.argsort(filled, kind="stable")
    n_test = round(TEST_SHARE * len(order)) if with_test else 0
    n_test = n_test if n_test >= MIN_TEST_ROWS else 0
    rows, test = order[: len(order) - n_test], order[len(order) - n_test :]
    n_folds = 1 if len(rows) >= SOME_ROWS else 3
    width = max(1, round(HELD_OUT * len(rows)) if n_folds == 1 else len(rows) // (n_folds + 2))
    ends = [len(rows) - k * width for k in range(n_folds)]
    folds = [Fold(rows[: end - width], rows[end - width : end]) for end in ends]
    return Folds("time", date, tuple(folds), np.sort(rows), np.sort(test))
