import numpy as np
import pytest

from reeltune.stats.group_sequential import crossing_probabilities, obrien_fleming


def test_boundaries_are_those_published() -> None:
    # Five analyses at level 0.05, as in the tables of the programs of Lan and DeMets' method.
    assert obrien_fleming([0.2, 0.4, 0.6, 0.8, 1.0]) == pytest.approx(
        [4.8769, 3.3570, 2.6803, 2.2898, 2.0310], abs=5e-4
    )


def test_one_analysis_is_a_fixed_test() -> None:
    assert obrien_fleming([1.0], 0.05) == pytest.approx([1.959964], abs=1e-4)


@pytest.mark.parametrize("shares", [[0.5, 1.0], [k / 14 for k in range(1, 15)], [0.1, 0.15, 0.9]])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_analyses_together_spend_the_level_and_no_more(
    shares: list[float], alpha: float
) -> None:
    times, boundaries = np.array(shares), obrien_fleming(shares, alpha)
    below, above = crossing_probabilities(times, -boundaries, boundaries)
    assert below.sum() == pytest.approx(above.sum(), rel=1e-6)
    spent = below.sum() + above.sum()
    assert spent == pytest.approx(alpha, rel=1e-3) if shares[-1] == 1.0 else spent < alpha


def test_the_probabilities_are_those_of_simulated_tests() -> None:
    times = np.array([0.3, 0.55, 1.0])
    lower, upper = np.array([-3.0, -np.inf, -2.0]), np.array([2.5, 2.2, 1.9])
    rng = np.random.default_rng(7)
    steps = rng.normal(size=(200_000, 3)) * np.sqrt(np.diff(times, prepend=0.0))
    z = (np.cumsum(steps, axis=1) + 1.5 * times) / np.sqrt(times)
    outside = (z < lower) | (z > upper)
    is_first = outside & (np.cumsum(outside, axis=1) == 1)
    below, above = crossing_probabilities(times, lower, upper, drift=1.5)
    assert below == pytest.approx((is_first & (z < lower)).mean(axis=0), abs=0.002)
    assert above == pytest.approx((is_first & (z > upper)).mean(axis=0), abs=0.004)
