import numpy as np
import pytest

from reeltune.stats.interleaving import decided_lists, preference


def test_the_preference_is_lists_won_less_lists_lost_over_lists_decided() -> None:
    found = preference(
        decided_lists(np.array([3.0, 0.0, 1.0]), np.array([1.0, 2.0, 1.0])), planned=100
    )
    assert found.preference == pytest.approx((4 - 4) / 8)
    assert found.n_users == 3


def test_users_without_a_decided_list_are_left_out() -> None:
    some = decided_lists(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    more = decided_lists(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    assert some == more


def test_too_few_users_show_nothing() -> None:
    found = preference(decided_lists(np.array([5.0]), np.array([0.0])), planned=100)
    assert (found.low, found.high, found.p_value) == (-1.0, 1.0, 1.0)


def found_at(share: float, n_users: int, seed: int) -> tuple[bool, bool]:
    """Whether a preference for the challenger or the champion was ever shown, read at every 20."""
    rng = np.random.default_rng(seed)
    lists = 1 + rng.poisson(3.0, n_users)
    own = np.clip(rng.normal(share, 0.15, n_users), 0, 1)
    won = rng.binomial(lists, own).astype(float)
    reads = [
        preference(decided_lists(won[:n], (lists - won)[:n]), planned=500)
        for n in range(50, n_users + 1, 20)
    ]
    return any(each.low > 0 for each in reads), any(each.high < 0 for each in reads)


def test_equal_rankers_are_rarely_told_apart_and_unequal_ones_are() -> None:
    false = [any(found_at(0.5, 600, seed)) for seed in range(100)]
    true = [found_at(0.58, 600, seed) for seed in range(40)]
    assert np.mean(false) <= 0.05
    assert np.mean([better for better, _ in true]) >= 0.9
    assert not any(worse for _, worse in true)
