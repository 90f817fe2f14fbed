import dataclasses
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reeltune.domain.arrays import Floats
from reeltune.stats.paired_tests import (
    CONFIDENCE,
    FULL_EFFORT,
    N_RESAMPLES,
    QUICK_EFFORT,
    lower_bound,
    p_better,
    p_values_better,
    paired_difference,
)

some_values = st.lists(
    st.one_of(st.just(float("nan")), st.floats(0, 1, width=32)), min_size=30, max_size=30
).map(np.array)


def noise(n: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=n)


def test_users_without_a_value_in_either_are_left_out() -> None:
    a = np.array([np.nan, 0.5, 1.0, np.inf, 0.75])
    b = np.array([0.5, np.nan, 0.5, 0.0, 0.5])
    comparison = paired_difference(a, b)
    assert comparison.n_users == 2
    assert comparison.difference == 0.375
    assert (comparison.low, comparison.high) == (0.25, 0.5)


def test_without_users_nothing_can_be_told() -> None:
    comparison = paired_difference(np.array([np.nan]), np.array([1.0]))
    assert comparison.n_users == 0
    assert np.isnan([comparison.difference, comparison.low, comparison.high]).all()
    assert comparison.p_value == 1


def test_one_user_has_a_difference_but_no_interval() -> None:
    comparison = paired_difference(np.array([1.0]), np.array([0.25]))
    assert (comparison.n_users, comparison.difference, comparison.p_value) == (1, 0.75, 1.0)
    assert np.isnan([comparison.low, comparison.high]).all()


def test_a_model_does_not_differ_from_itself() -> None:
    comparison = paired_difference(noise(50), noise(50))
    assert (comparison.difference, comparison.low, comparison.high) == (0, 0, 0)
    assert comparison.p_value == 1


def test_the_p_value_of_three_equal_gains_is_one_in_four() -> None:
    # Of the 8 ways to flip, only all and none give a mean as far from 0.
    comparison = paired_difference(np.full(3, 0.1), np.zeros(3))
    assert comparison.p_value == pytest.approx(0.25, abs=0.02)


def test_the_p_value_is_never_zero() -> None:
    assert paired_difference(np.full(100, 0.5), np.zeros(100)).p_value == 1 / (N_RESAMPLES + 1)


@settings(max_examples=20, deadline=None)
@given(a=some_values, b=some_values)
def test_the_other_way_round_all_signs_turn(a: Floats, b: Floats) -> None:
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert there.n_users == back.n_users
    assert there.p_value == back.p_value
    assert there.t_p_value == back.t_p_value
    expected = [-back.difference, -back.high, -back.low]
    assert [there.difference, there.low, there.high] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(there.low) or there.low - 1e-12 <= there.difference <= there.high + 1e-12


def test_the_same_seed_gives_the_same_figures_and_another_other_ones() -> None:
    a, b = noise(100, 1), noise(100, 2)
    assert paired_difference(a, b, seed=5) == paired_difference(a, b, seed=5)
    assert paired_difference(a, b, seed=5).low != paired_difference(a, b, seed=6).low


@pytest.mark.parametrize("n", [400, 20_000])
def test_many_users_get_what_the_t_test_gives(n: int) -> None:
    a = np.sort(noise(n)) + 1.5 / np.sqrt(n)  # sorted: users who are alike stand together
    comparison = paired_difference(a, np.zeros(n))
    t = stats.ttest_1samp(a, 0)
    interval = t.confidence_interval(CONFIDENCE)
    assert comparison.n_users == n
    assert comparison.difference == pytest.approx(a.mean())
    assert comparison.p_value == pytest.approx(t.pvalue, abs=0.02)
    spread = interval.high - interval.low
    assert comparison.low == pytest.approx(interval.low, abs=0.05 * spread)
    assert comparison.high == pytest.approx(interval.high, abs=0.05 * spread)


def test_uneven_groups_of_users_keep_their_weight() -> None:
    comparison = paired_difference(np.full(7_500, 0.25), np.zeros(7_500))
    assert (comparison.difference, comparison.low, comparison.high) == (0.25, 0.25, 0.25)


@pytest.mark.parametrize("n_users", [12, 100])
def test_equal_models_are_told_apart_by_chance_at_most_as_often_as_stated(n_users: int) -> None:
    p_values = [
        paired_difference(noise(n_users, i), np.zeros(n_users), effort=QUICK_EFFORT).p_value
        for i in range(300)
    ]
    n_false = np.count_nonzero(np.array(p_values) <= 0.05)
    assert stats.binomtest(n_false, 300, 0.05).pvalue > 0.001


def test_a_skewed_gain_of_a_few_users_is_no_more_than_chance() -> None:
    a = np.zeros(1_000)
    a[:3] = 1.0
    assert paired_difference(a, np.zeros(1_000)).p_value == pytest.approx(0.25, abs=0.02)


def test_memory_does_not_grow_with_users_times_resamples() -> None:
    a, b = noise(200_000, 1), noise(200_000, 2)
    tracemalloc.start()
    comparison = paired_difference(a, b)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert comparison.n_users == 200_000
    assert peak < 200 * 2**20


def test_a_comparison_is_plain_numbers() -> None:
    values = dataclasses.astuple(paired_difference(noise(9), np.zeros(9)))
    assert [type(value) for value in values] == [int, *[float] * 7]


@pytest.mark.parametrize("n", [20, 400])
def test_the_t_test_stands_beside_the_permutation_as_a_check(n: int) -> None:
    comparison = paired_difference(noise(n) + 2 / np.sqrt(n), np.zeros(n))
    t = stats.ttest_1samp(noise(n) + 2 / np.sqrt(n), 0)
    assert comparison.t_p_value == pytest.approx(t.pvalue)
    assert comparison.t_p_value == pytest.approx(comparison.p_value, abs=0.02)
    assert comparison.spread == pytest.approx(noise(n).std(ddof=1))


def test_a_higher_confidence_gives_a_wider_interval() -> None:
    narrow, wide = (paired_difference(noise(50), np.zeros(50), confidence=c) for c in (0.95, 0.998))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide.confidence == 0.998


def test_less_effort_gives_nearly_the_same() -> None:
    full, quick = (
        paired_difference(noise(2_000) + 0.03, np.zeros(2_000), effort=e)
        for e in (FULL_EFFORT, QUICK_EFFORT)
    )
    assert quick.difference == full.difference
    assert quick.low == pytest.approx(full.low, abs=0.005)
    assert quick.p_value == pytest.approx(full.p_value, abs=0.03)


def test_better_needs_both_the_permutation_and_the_t_test() -> None:
    few = np.full(3, 0.1)  # t finds no noise at all; 1 of the 8 ways to flip is as far
    assert p_better(few) == pytest.approx(1 / 8, abs=0.02)
    outlier = np.append(np.zeros(199), 5.0)  # one user only
    assert p_better(outlier) == pytest.approx(0.5, abs=0.02)
    assert p_better(np.zeros(5)) == 1
    assert p_better(np.array([1.0])) == 1


def test_a_gain_is_measured_against_the_minimum_effect() -> None:
    gains = noise(400) * 0.05 + 0.02
    assert p_better(gains) < 0.001
    assert p_better(gains, minimum=float(gains.mean())) == pytest.approx(0.5, abs=0.02)
    assert p_better(gains, minimum=0.04) > 0.99


def test_studies_at_once_get_what_each_gets_alone() -> None:
    studies = np.stack([noise(40, i) + 0.2 for i in range(5)])
    alone = [p_better(study) for study in studies]
    assert p_values_better(studies) == pytest.approx(alone, abs=0.02)


def test_the_lower_bound_is_that_of_the_one_sided_t_test() -> None:
    expected = stats.ttest_1samp(noise(30), 0, alternative="greater").confidence_interval(0.99)
    assert lower_bound(noise(30), 0.01) == pytest.approx(expected.low)


def test_two_users_are_enough_for_a_p_value_and_a_bound() -> None:
    two = np.array([0.1, 0.2])  # t is 3, with one degree of freedom
    assert p_better(two) == pytest.approx(1 / 4, abs=0.02)
    assert p_values_better(two[None, :], resamples=9)[0] >= stats.t.sf(3, 1)
    expected = stats.ttest_1samp(two, 0, alternative="greater").confidence_interval(0.9)
    assert lower_bound(two, 0.1) == pytest.approx(expected.low)
    assert np.isnan(lower_bound(two[:1], 0.1))


def test_the_flips_are_drawn_by_the_seed_which_is_zero_where_none_is_given() -> None:
    gains = noise(60) + 0.2
    assert p_better(gains) == p_better(gains, seed=0) != p_better(gains, seed=1)
    many = noise(6_000) + 0.01  # more than are flipped one by one: put into groups
    assert p_better(many) == p_better(many, seed=0) != p_better(many, seed=1)


def test_both_tests_are_held_against_the_minimum_effect() -> None:
    flips = np.array([1.0, 1.0, -1.0, 1.0])  # 5 of 16 flips are as far; by t it is 0.20
    assert p_better(flips + 2, minimum=2.0) == pytest.approx(5 / 16, abs=0.02)
    tail = np.append(np.ones(9), 20.0)  # 1 of 1,024 flips is as far
    assert p_better(tail + 1, minimum=1.0) == pytest.approx(stats.ttest_1samp(tail, 0).pvalue / 2)


@pytest.mark.parametrize("minimum", [0.02, -0.02])
@pytest.mark.parametrize("seed", range(3))
def test_of_many_users_each_counts_against_the_minimum_effect(seed: int, minimum: float) -> None:
    """They are flipped in groups: the t-test of the groups may find more than that of the users."""
    many = noise(7_000, seed) * 0.05 + minimum + 0.001
    alone = stats.ttest_1samp(many, minimum, alternative="greater").pvalue
    found = p_better(many, minimum=minimum)
    assert found == pytest.approx(alone, abs=0.02)
    assert found >= alone * (1 - 1e-9)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_where_nothing_can_be_told_the_confidence_is_the_one_asked_for(n: int) -> None:
    comparison = paired_difference(np.ones(n), np.ones(n), confidence=0.9)
    assert comparison.confidence == 0.9
    assert (comparison.p_value, comparison.t_p_value) == (1.0, 1.0)


def test_a_t_test_finds_no_more_than_nothing_in_differences_whose_mean_is_0() -> None:
    symmetric = np.array([1.0, -1.0, 2.0, -2.0])
    comparison = paired_difference(symmetric, np.zeros(4), seed=0)
    assert comparison.t_p_value == pytest.approx(1.0)
    assert paired_difference(noise(50), np.zeros(50), seed=0) == paired_difference(
        noise(50), np.zeros(50)
    )
