import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.stats.cluster_sums import ClusterSums, ratio_difference, sums_of_users


def users(n: int, seed: int, rate: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lists shown, clicks, and a covariate that tells part of how much a user clicks."""
    rng = np.random.default_rng(seed)
    taste = rng.gamma(0.7, 1 / 0.7, n)
    shown = 1 + rng.poisson(rng.gamma(0.5, 6.0, n))
    clicked = rng.binomial(shown, np.minimum(rate * taste, 1.0))
    return shown.astype(float), clicked.astype(float), taste + rng.normal(0, 0.1, n)


def test_the_delta_method_is_as_worked_by_hand() -> None:
    # Ratio 3 / 6 = 0.5; parts (y - x / 2) / 2 = (-0.25, 0, 0.25); variance 0.0625; error
    # sqrt(0.0625 / 3).
    sums = sums_of_users(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    assert sums.ratio == 0.5
    assert sums.variance == pytest.approx(0.0625)
    assert sums.standard_error == pytest.approx(math.sqrt(0.0625 / 3))


def test_the_standard_error_is_the_spread_of_the_ratio_over_samples() -> None:
    found = [sums_of_users(*users(500, seed)[:2]) for seed in range(400)]
    ratios = np.array([each.ratio for each in found])
    assert np.mean([each.standard_error for each in found]) == pytest.approx(ratios.std(), rel=0.1)


def test_taking_lists_as_units_would_understate_the_error() -> None:
    shown, clicked, _ = users(2_000, seed=1)
    sums = sums_of_users(shown, clicked)
    naive = math.sqrt(sums.ratio * (1 - sums.ratio) / shown.sum())
    assert sums.standard_error > 1.3 * naive


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 1_000))
def test_sums_of_parts_add_up(n: int, m: int, seed: int) -> None:
    x, y, c = users(n + m, seed)
    parts = sums_of_users(x[:n], y[:n], c[:n]) + sums_of_users(x[n:], y[n:], c[n:])
    whole = sums_of_users(x, y, c)
    for name in ("n", "x", "y", "c", "xx", "yy", "cc", "xy", "xc", "yc"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=1e-9)


def test_a_covariate_from_before_leaves_less_variance_and_no_bias() -> None:
    raw, adjusted, left = [], [], []
    for seed in range(300):
        a, b = users(400, 2 * seed, rate=0.12), users(400, 2 * seed + 1)
        plain = ratio_difference(sums_of_users(*a[:2]), sums_of_users(*b[:2]))
        cuped = ratio_difference(sums_of_users(*a), sums_of_users(*b))
        raw.append(plain.difference)
        adjusted.append(cuped.difference)
        left.append(cuped.variance_left)
        assert cuped.standard_error < plain.standard_error
    assert np.std(adjusted) ** 2 / np.std(raw) ** 2 == pytest.approx(np.mean(left), rel=0.25)
    assert np.mean(left) < 0.8
    assert np.mean(adjusted) == pytest.approx(np.mean(raw), abs=0.002)


def test_a_constant_covariate_changes_nothing() -> None:
    a, b = users(50, 1), users(60, 2)
    plain = ratio_difference(sums_of_users(*a[:2]), sums_of_users(*b[:2]))
    constant = ratio_difference(
        sums_of_users(a[0], a[1], np.full(50, 3.0)), sums_of_users(b[0], b[1], np.full(60, 3.0))
    )
    assert constant.difference == pytest.approx(plain.difference)
    assert constant.variance_left == pytest.approx(1.0)


def test_a_margin_moves_the_difference_by_that_share_of_the_champion() -> None:
    a, b = sums_of_users(*users(300, 3)), sums_of_users(*users(300, 4))
    plain, moved = ratio_difference(a, b), ratio_difference(a, b, margin=0.05)
    assert moved.difference - plain.difference == pytest.approx(0.05 * b.ratio, rel=0.05)


@pytest.mark.parametrize("sums", [ClusterSums(), ClusterSums(n=1, x=2, y=1, xx=4, yy=1, xy=2)])
def test_too_few_users_have_no_error(sums: ClusterSums) -> None:
    many = sums_of_users(*users(10, 1))
    assert math.isnan(sums.standard_error)
    assert math.isnan(ratio_difference(sums, many).z)
    assert math.isnan(ratio_difference(many, sums).z)
