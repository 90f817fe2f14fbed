import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.components.damped_mean import (
    STEPS_PER_STAR,
    damped_mean,
    damped_softsign,
    on_grid,
    softsign,
)

stars = st.lists(st.floats(-5, 5), min_size=1, max_size=200)


@given(values=stars, seed=st.integers(0, 1_000))
def test_deviations_on_the_grid_add_up_to_the_same_bits_in_any_order(
    values: list[float], seed: int
) -> None:
    deviations = on_grid(np.array(values))
    mixed = np.random.default_rng(seed).permutation(deviations)
    assert sum(mixed.tolist()) == sum(deviations.tolist()) == np.sum(deviations)


@given(values=stars)
def test_the_grid_moves_a_deviation_by_half_a_step_at_most(values: list[float]) -> None:
    deviations = np.array(values)
    assert np.abs(on_grid(deviations) - deviations).max() <= 0.5 / STEPS_PER_STAR


@given(total=st.floats(-1_000, 1_000), count=st.floats(0, 1_000), scale=st.floats(0.1, 2))
def test_liking_is_the_squashed_shrunk_mean(total: float, count: float, scale: float) -> None:
    one = damped_softsign(np.array([total]), np.array([count]), scale)
    other = softsign(damped_mean(np.array([total]), np.array([count])), scale)
    assert one == pytest.approx(other)
    assert 0 < one[0] < 1


def test_nothing_known_is_neutral() -> None:
    assert damped_softsign(np.zeros(1), np.zeros(1), scale=0.75)[0] == 0.5
