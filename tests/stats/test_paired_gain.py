import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reeltune.domain.arrays import Floats
from reeltune.stats.paired_gain import MAX_GAIN_GROUPS, paired_gain

some_values = st.integers(2, 200).flatmap(
    lambda n: arrays(np.float64, (2, n), elements=st.floats(0, 1, width=16))
)


@given(some_values)
def test_the_groups_have_the_mean_and_the_noise_of_all_users(pair: Floats) -> None:
    gain = paired_gain(*pair)
    assert gain is not None
    n = pair.shape[1]
    assert len(gain.by_group) == min(n, MAX_GAIN_GROUPS)
    if n % MAX_GAIN_GROUPS == 0 or n < MAX_GAIN_GROUPS:  # groups of one size
        assert gain.by_group.mean() == pytest.approx((pair[0] - pair[1]).mean())
    if n <= MAX_GAIN_GROUPS:
        assert gain.error == pytest.approx(gain.by_group.std(ddof=1) / np.sqrt(n))


def test_the_noise_among_groups_is_that_among_users() -> None:
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(200):
        gain = paired_gain(rng.standard_normal(300), rng.standard_normal(300))
        assert gain is not None
        ratios.append(gain.by_group.var(ddof=1) / len(gain.by_group) / gain.error**2)
    assert np.mean(ratios) == pytest.approx(1, abs=0.06)  # four standard errors


def test_the_noise_is_that_of_paired_differences() -> None:
    a, b = np.array([1.0, 2.0, 3.0, np.nan]), np.array([0.0, 1.0, 2.0, 5.0])
    paired, apart = paired_gain(a, b), paired_gain(a, np.zeros(4))
    assert paired is not None
    assert apart is not None
    assert paired.error == pytest.approx(0)
    assert apart.error == pytest.approx(1 / np.sqrt(3))
    assert paired_gain(a[:1], b[:1]) is None


def test_all_experiments_of_a_run_have_the_same_groups() -> None:
    rng = np.random.default_rng(1)
    baseline, values = rng.random((2, 100))
    one, double = paired_gain(values, baseline), paired_gain(2 * values - baseline, baseline)
    assert one is not None
    assert double is not None
    assert double.by_group == pytest.approx(2 * one.by_group)


def test_groups_are_drawn_by_the_seed_which_is_zero_where_none_is_given() -> None:
    values = np.arange(100.0)
    said = paired_gain(values, np.zeros(100), seed=0)
    other = paired_gain(values, np.zeros(100), seed=1)
    default = paired_gain(values, np.zeros(100))
    assert said is not None
    assert other is not None
    assert default is not None
    assert said.by_group.tolist() == default.by_group.tolist() != other.by_group.tolist()
