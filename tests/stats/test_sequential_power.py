import numpy as np
import pytest

from reeltune.stats.confidence_sequences import two_sided_boundary
from reeltune.stats.sequential_power import (
    always_valid_drift,
    chance_to_find,
    fixed_drift,
    planned_drift,
)


def test_a_fixed_test_needs_the_textbook_drift() -> None:
    assert fixed_drift(alpha=0.05, power=0.8) == pytest.approx(1.959964 + 0.841621, abs=1e-5)


def test_always_valid_costs_more_than_planned_and_planned_more_than_fixed() -> None:
    assert fixed_drift() < planned_drift([0.25, 0.5, 0.75, 1.0]) < always_valid_drift(8_000, 8_000)


def test_the_drift_is_found_with_the_power_asked_for_in_simulated_tests() -> None:
    drift = always_valid_drift(2_000, 2_000, power=0.8)
    rng = np.random.default_rng(3)
    n = np.arange(1.0, 2_001.0)
    walk = np.cumsum(rng.normal(drift / np.sqrt(2_000), 1.0, size=(2_000, 2_000)), axis=1)
    z = walk / np.sqrt(n)
    found = (z > two_sided_boundary(n, 2_000, 0.05))[:, 20:].any(axis=1).mean()
    assert found == pytest.approx(0.8, abs=0.06)


def test_no_difference_is_found_in_at_most_the_level() -> None:
    shares = np.geomspace(0.004, 1.0, 40)
    boundaries = two_sided_boundary(shares * 5_000, 5_000, 0.05)
    assert 2 * chance_to_find(0.0, shares, boundaries) <= 0.05
