"""Rows are held out by what they are: time, groups, classes, or nothing but their number."""

import numpy as np
import pytest

from reeltune.table_models.folds import Folds, make_folds
from reeltune.tabular.columns import DataTable
from reeltune.tabular.target import Target
from tests.table_models.tables import levels, numbers, of_classes, of_numbers, table


def plain(n_rows: int) -> DataTable:
    return table(numbers("x", np.random.default_rng(0).normal(size=n_rows)))


def assert_apart(folds: Folds, n_rows: int) -> None:
    assert sorted([*folds.search.tolist(), *folds.test.tolist()]) == list(range(n_rows))
    for fold in folds.folds:
        assert not set(fold.fitting) & set(fold.held_out)
        assert set(fold.fitting) | set(fold.held_out) <= set(folds.search)
        assert len(fold.fitting) > 0


@pytest.mark.parametrize(
    ("n_rows", "n_folds", "has_test"),
    [(8, 10, False), (60, 10, False), (400, 10, True), (2_000, 3, True), (9_000, 1, True)],
)
def test_the_number_of_folds_goes_by_size(n_rows: int, n_folds: int, has_test: bool) -> None:
    folds = make_folds(plain(n_rows), of_numbers(np.arange(float(n_rows))))
    assert len(folds.folds) == n_folds
    assert bool(len(folds.test)) == has_test
    assert folds.kind == "random"
    assert_apart(folds, n_rows)
    assert folds.n_units == folds.starts[-1] == sum(len(each.held_out) for each in folds.folds)


def test_classes_keep_their_shares() -> None:
    codes = (np.arange(1_500) % 30 == 0).astype(int)
    folds = make_folds(plain(1_500), of_classes(codes, 2))
    assert folds.kind == "stratified"
    for rows in (folds.test, *(fold.held_out for fold in folds.folds)):
        assert codes[rows].mean() == pytest.approx(1 / 30, abs=0.01)


def test_groups_are_never_on_both_sides() -> None:
    names = [f"g{k % 70}" for k in range(1_400)]
    whole = table(numbers("x", np.zeros(1_400)), levels("user_id", names, "id"))
    folds = make_folds(whole, of_numbers(np.arange(1_400.0)))
    assert (folds.kind, folds.by) == ("grouped", "user_id")
    group = np.array(names)
    assert not set(group[folds.test]) & set(group[folds.search])
    for fold in folds.folds:
        assert not set(group[fold.fitting]) & set(group[fold.held_out])
    assert_apart(folds, 1_400)
    assert "in whole groups of user_id" in folds.describe()


def test_rows_in_the_order_of_a_date_are_held_out_from_the_latest_on() -> None:
    days = 86_400.0 * np.arange(1_200)
    folds = make_folds(table(numbers("day", days, "date")), of_numbers(np.arange(1_200.0)))
    assert (folds.kind, folds.by) == ("time", "day")
    assert folds.test.min() > folds.search.max()
    for fold in folds.folds:
        assert fold.held_out.min() > fold.fitting.max()
    assert_apart(folds, 1_200)
    backwards = make_folds(
        table(numbers("day", days[::-1], "date")), of_numbers(np.arange(1_200.0))
    )
    assert backwards.test.max() < backwards.search.min()


def test_without_a_test_all_rows_are_searched() -> None:
    folds = make_folds(plain(2_000), of_numbers(np.arange(2_000.0)), with_test=False)
    assert len(folds.test) == 0
    assert len(folds.search) == 2_000
    assert "no test part" in folds.describe()


def test_the_same_table_has_the_same_folds() -> None:
    def made() -> list[np.ndarray]:
        target: Target = of_classes(np.arange(700) % 3, 3)
        folds = make_folds(plain(700), target)
        return [folds.test, *(fold.held_out for fold in folds.folds)]

    assert all(np.array_equal(a, b) for a, b in zip(made(), made(), strict=True))
