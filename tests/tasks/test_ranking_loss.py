import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.tasks.ranking_loss import RIDGE, ordering_weights

EVENLY = np.full(400, 1 / 400)


def drawn(truth: list[float], seed: int = 0) -> np.ndarray:
    """Differences of 400 pairs, each signed so that `truth` orders it right but for noise."""
    rng = np.random.default_rng(seed)
    differences = rng.normal(size=(400, len(truth)))
    margins = differences @ np.array(truth) + 0.3 * rng.logistic(size=400)
    return np.where(margins > 0, 1, -1)[:, None] * differences


@given(seed=st.integers(0, 50))
def test_the_weights_that_ordered_the_pairs_are_found(seed: int) -> None:
    found = ordering_weights(drawn([3.0, 1.0, 0.5], seed), EVENLY)
    assert found / found.sum() == pytest.approx([0.667, 0.222, 0.111], abs=0.09)


def test_what_speaks_against_the_liked_gets_no_weight() -> None:
    found = ordering_weights(drawn([2.0, -1.0]), EVENLY)
    assert found[0] > 0
    assert found[1] == 0.0


def test_the_unit_of_a_part_changes_nothing_but_the_unit_of_its_weight() -> None:
    units = np.array([1.0, 100.0, 0.01])
    differences = drawn([2.0, 1.0, 1.0])
    plain = ordering_weights(differences, EVENLY)
    assert ordering_weights(differences * units, EVENLY) * units == pytest.approx(plain, rel=1e-6)


def test_a_part_that_never_differs_is_no_trouble() -> None:
    differences = drawn([2.0, 1.0])
    differences[:, 1] = 0.0
    assert np.all(np.isfinite(ordering_weights(differences, EVENLY)))


def test_the_loss_is_least_there() -> None:
    """By the definition, and not by its gradient."""
    differences = drawn([2.0, 1.0, 0.2], seed=3)
    widths = np.sqrt(np.mean(differences**2, axis=0))

    def loss(weights: np.ndarray) -> float:
        margins = differences @ weights
        return float(np.mean(np.log1p(np.exp(-margins))) + RIDGE * np.sum((weights * widths) ** 2))

    found = ordering_weights(differences, EVENLY)
    for part in range(3):
        for factor in (0.97, 1.03):
            other = found.copy()
            other[part] *= factor
            assert loss(found) < loss(other)
