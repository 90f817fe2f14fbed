import itertools

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.arrays import Floats
from reeltune.stats import multiple_testing as several
from reeltune.stats.multiple_testing import holm, max_t


def finalists(k: int, n: int, gain: float = 0.0, *, alike: float = 0.0, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    own = np.sqrt(1 - alike) * rng.standard_normal((k, n))
    return np.asarray(gain + own + np.sqrt(alike) * rng.standard_normal((1, n)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    given_p = np.array(p_values)
    adjusted = holm(given_p)
    assert np.all(adjusted >= given_p)
    assert adjusted.min() <= min(1, len(p_values) * given_p.min()) + 1e-12
    assert adjusted.max() <= 1
    assert np.all(np.diff(adjusted[np.argsort(given_p, kind="stable")]) >= 0)


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.02, 0.03, 0.005])) == pytest.approx([0.03, 0.04, 0.04, 0.02])


def test_any_false_find_among_ten_equal_finalists_is_as_rare_as_stated() -> None:
    n_false = sum(
        max_t(finalists(10, 60, alike=0.5, seed=s), resamples=400).min() <= 0.05 for s in range(300)
    )
    assert 4 <= n_false <= 27  # of 300, 15 are expected


def test_finalists_who_are_alike_cost_less_than_by_holm() -> None:
    differences = finalists(20, 100, 0.25, alike=0.98)
    alone = np.array([max_t(each[None, :])[0] for each in differences])
    assert np.all(max_t(differences) <= holm(alone) + 0.005)
    assert np.median(max_t(differences)) < 0.5 * np.median(holm(alone))


def test_the_better_of_two_keeps_the_smaller_p_value_whatever_the_order() -> None:
    differences = np.stack([finalists(1, 50)[0], finalists(1, 50, 0.6, seed=1)[0]])
    first, second = max_t(differences)
    assert second < 0.01 < first
    assert max_t(differences[::-1]) == pytest.approx([second, first], abs=0.02)


def test_no_difference_at_all_is_no_find() -> None:
    assert max_t(np.zeros((2, 10))) == pytest.approx([1, 1])


def t_values(differences: Floats) -> Floats:
    return np.asarray(scipy.stats.ttest_1samp(differences, 0.0, axis=1).statistic)


def max_t_by_hand(differences: Floats) -> Floats:
    """The step-down procedure as the book has it, with every possible flip of signs."""
    observed = t_values(differences)
    flips = itertools.product([-1, 1], repeat=differences.shape[1])
    flipped = np.array([t_values(differences * np.array(signs)) for signs in flips])
    order = np.argsort(-observed)
    p_values = np.zeros(len(order))
    for rank, finalist in enumerate(order):
        rivals = flipped[:, order[rank:]].max(axis=1)
        p_values[finalist] = np.mean(rivals >= observed[finalist] - 1e-9)
        if rank:
            p_values[finalist] = max(p_values[finalist], p_values[order[rank - 1]])
    return p_values


def test_max_t_is_the_procedure_of_the_book() -> None:
    scales = np.array([[1.0], [100.0], [0.01], [1.0]])  # in units of their own
    differences = scales * (finalists(4, 8, 0.4, seed=5) + np.array([[0.5], [0.2], [0.0], [-0.5]]))
    found = max_t(differences, resamples=40_000)
    assert len(set(found.round(2))) >= 3
    assert found == pytest.approx(max_t_by_hand(differences), abs=0.01)


@pytest.mark.parametrize("n", [2, 3, 30])
def test_what_is_compared_is_students_t(n: int) -> None:
    differences = finalists(5, n, 0.3, seed=n) * np.array([[1.0], [10.0], [0.1], [-1.0], [0.0]])
    differences[4] = 1.0  # for everybody the same: t is as good as infinite, and no number
    found = several._studentised(differences.sum(axis=1), (differences**2).sum(axis=1), n)
    assert found[:4] == pytest.approx(t_values(differences[:4]))
    assert found[4] == pytest.approx(1e6 * np.sqrt(n - 1))


def test_flips_are_counted_alike_in_pieces_and_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = finalists(3, 20, 0.3, seed=2)
    whole = max_t(differences, seed=0, resamples=1_000)
    assert max_t(differences, resamples=1_000).tolist() == whole.tolist()
    monkeypatch.setattr(several, "_ENTRIES", 20 * 64)
    assert max_t(differences, seed=0, resamples=1_000).tolist() == whole.tolist()
    assert 0 < whole.min() < whole.max() < 1
