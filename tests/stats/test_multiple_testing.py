import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.arrays import Floats
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
