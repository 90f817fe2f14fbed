import math

import numpy as np
import pytest

from reeltune.stats.sample_ratio import SAMPLE_RATIO_LEVEL, log_split_e_value, split_p_value

LIMIT = math.log(1 / SAMPLE_RATIO_LEVEL)


def largest(share: float, n: int, seed: int, every: int = 20) -> float:
    first = np.cumsum(np.random.default_rng(seed).random(n) < share)[every - 1 :: every]
    seen = np.arange(every, n + 1, every)
    return max(log_split_e_value([a, b - a], [0.5, 0.5]) for a, b in zip(first, seen, strict=True))


def test_one_user_is_as_worked_by_hand() -> None:
    # Beta(100, 100) gives the first user either arm with 1/2, the second the same arm with 101/201.
    assert log_split_e_value([1, 0], [0.5, 0.5]) == pytest.approx(0.0, abs=1e-9)
    assert log_split_e_value([2, 0], [0.5, 0.5]) == pytest.approx(math.log(2 * 101 / 201))
    assert log_split_e_value([0, 0], [0.5, 0.5]) == pytest.approx(0.0, abs=1e-9)


def test_the_e_value_is_1_on_average_where_shares_are_as_planned() -> None:
    shares = [0.7, 0.2, 0.1]
    counts = np.random.default_rng(2).multinomial(60, shares, size=40_000)
    values = [math.exp(log_split_e_value(list(each), shares)) for each in counts]
    assert np.mean(values) == pytest.approx(1.0, abs=0.01)


def test_a_split_of_52_to_48_is_found_and_an_even_one_is_not() -> None:
    found = sum(largest(0.52, 20_000, seed) >= LIMIT for seed in range(40))
    false = sum(largest(0.5, 20_000, seed) >= LIMIT for seed in range(40))
    assert found >= 36
    assert false == 0


def test_the_p_value_is_the_level_where_the_alarm_is_raised() -> None:
    assert split_p_value(LIMIT) == pytest.approx(SAMPLE_RATIO_LEVEL)
    assert split_p_value(-3.0) == 1.0
