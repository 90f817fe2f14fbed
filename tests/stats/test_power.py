import math

import numpy as np
import pytest

from reeltune.stats.paired_tests import Comparison, p_values_better, paired_difference
from reeltune.stats.power import (
    MIN_GAIN_SHARE,
    detectable_gain,
    more_users_needed,
    power_of,
    users_needed,
)


def found(difference: float, n_users: int = 100, spread: float = 0.1) -> Comparison:
    error = spread / math.sqrt(n_users)
    return Comparison(
        n_users, difference, difference - 2 * error, difference + 2 * error, 0.5, error
    )


def test_a_tenth_of_the_gain_needs_a_hundred_times_the_users() -> None:
    # Data on which a gain of 10 % takes 230 users; its spread is 5.4 times the gain.
    needed = [users_needed(gain, 0.54) for gain in (0.10, 0.05, 0.01)]
    assert needed == pytest.approx([230, 920, 22_900], rel=0.01)


def test_a_stricter_level_needs_more_users() -> None:
    assert users_needed(0.01, 0.1, level=0.001) > 1.9 * users_needed(0.01, 0.1, level=0.025)


@pytest.mark.parametrize("gain", [0.005, 0.02, 0.1])
def test_the_smallest_gain_is_the_one_these_users_are_needed_for(gain: float) -> None:
    n = users_needed(gain, 0.1)
    assert detectable_gain(n, 0.1) == pytest.approx(gain, rel=0.05)
    assert power_of(gain, 0.1, n) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("level", [0.025, 0.0011])
def test_so_many_users_find_the_gain_four_times_in_five(level: float) -> None:
    n = users_needed(0.03, 0.1, level=level)
    rng = np.random.default_rng(1)
    p_values = p_values_better(0.03 + 0.1 * rng.standard_normal((1_000, n)))
    assert np.mean(p_values <= level) == pytest.approx(0.8, abs=0.05)


def test_how_many_more_would_tell_is_what_is_needed_less_what_is_there() -> None:
    assert more_users_needed(found(0.01)) == users_needed(0.01, 0.1) - 100
    assert more_users_needed(found(0.01), minimum=0.005) == users_needed(0.005, 0.1) - 100
    assert more_users_needed(found(0.5)) == 0


def test_no_number_of_users_tells_a_gain_that_is_none() -> None:
    assert more_users_needed(found(-0.01)) is None
    assert more_users_needed(found(0.01), minimum=0.02) is None
    assert more_users_needed(paired_difference(np.ones(1), np.zeros(1))) is None


def test_a_strict_level_by_hand() -> None:
    """z is 3.7190 for the level and 0.8416 for the power: (2 * 4.5606)^2 + 3.7190^2 / 2 = 90.1."""
    assert users_needed(0.5, 1.0, level=1e-4) == 91
    assert detectable_gain(91, 1.0, level=1e-4) < 0.5 < detectable_gain(90, 1.0, level=1e-4)


def test_fewer_users_than_the_level_takes_find_nothing_but_chance() -> None:
    assert power_of(1.0, 1.0, 1, level=1e-4) == pytest.approx(1e-4)
    assert detectable_gain(1, 1.0, level=1e-4) == pytest.approx(3.7190 + 0.8416, abs=1e-3)


def test_the_power_asked_for_and_the_least_gain_count() -> None:
    needed = users_needed(0.01, 0.1, power=0.9)
    assert more_users_needed(found(0.01), power=0.9) == needed - 100 > users_needed(0.01, 0.1)
    assert more_users_needed(found(0.1 * MIN_GAIN_SHARE)) is None
    assert more_users_needed(found(0.1 * MIN_GAIN_SHARE * 1.001)) is not None
