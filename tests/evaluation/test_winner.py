import numpy as np
import pytest

from domain.arrays import Floats
from evaluation.winner import corrected_gain


def excesses(spread: float, n: int, studies: int = 60) -> tuple[Floats, Floats]:
    """By how much the winner of `n` exceeds its true gain, as seen and as corrected; noise 1."""
    seen, corrected = np.empty(studies), np.empty(studies)
    for study in range(studies):
        rng = np.random.default_rng(study)
        true = spread * rng.standard_normal(n)
        gains = true + rng.standard_normal(n)
        picked = np.argmax(gains)
        seen[study] = gains[picked] - true[picked]
        corrected[study] = corrected_gain(gains, 1.0) - true[picked]
    return seen, corrected


@pytest.mark.parametrize(("spread", "n"), [(0.0, 20), (0.0, 200), (0.5, 50), (1.0, 50), (2.0, 50)])
def test_the_corrected_gain_of_a_winner_is_right_on_average(spread: float, n: int) -> None:
    seen, corrected = excesses(spread, n)
    assert seen.mean() > 0.8
    assert abs(corrected.mean()) < max(0.15 * seen.mean(), 0.35)


def test_a_winner_far_ahead_of_the_noise_keeps_its_gain() -> None:
    assert corrected_gain(np.append(np.zeros(50), 10.0), 0.01) == pytest.approx(10, abs=0.01)


def test_one_gain_that_was_not_picked_needs_no_correction() -> None:
    assert corrected_gain(np.array([0.3]), 1.0) == 0.3
    assert corrected_gain(np.array([0.3, 0.1]), 0.0) == 0.3


def test_equal_gains_are_no_wider_than_one_of_them() -> None:
    assert corrected_gain(np.full(5, 0.2), 0.01) < 0.2


def test_without_gains_or_noise_nothing_can_be_told() -> None:
    assert np.isnan(corrected_gain(np.array([]), 1.0))
    assert np.isnan(corrected_gain(np.array([0.1, 0.2]), np.nan))


def test_the_same_gains_get_the_same_correction() -> None:
    gains = np.random.default_rng(0).standard_normal(30)
    assert corrected_gain(gains, 0.5) == corrected_gain(gains, 0.5)
