import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.arrays import Floats
from reeltune.stats.pareto import crowding, front, ranks

values = st.integers(1, 3).flatmap(
    lambda k: st.lists(st.tuples(*[st.integers(0, 6)] * k), min_size=1, max_size=25).map(
        lambda rows: np.array(rows, dtype=np.float64)
    )
)


def dominates(a: Floats, b: Floats) -> bool:
    return bool((a >= b).all() and (a > b).any())


@given(values)
def test_on_the_front_is_what_nothing_dominates(found: Floats) -> None:
    by_definition = [not any(dominates(other, one) for other in found) for one in found]
    assert front(found).tolist() == by_definition


@given(values)
def test_each_front_is_that_of_what_the_ones_before_leave(found: Floats) -> None:
    rank = ranks(found)
    for number in range(rank.max() + 1):
        left = rank >= number
        assert (rank[left] == number).tolist() == front(found[left]).tolist()


@given(values, st.integers(1, 30))
def test_enough_are_ranked_as_all_are(found: Floats, enough: int) -> None:
    rank, part = ranks(found), ranks(found, enough)
    certain = part < part.max()
    assert (rank[certain] == part[certain]).all()
    assert (part[~certain] <= rank[~certain]).all()
    last = part.max()
    assert last == rank.max() or (part < last).sum() >= enough or last == 0


@given(values)
def test_the_front_is_the_same_in_any_order(found: Floats) -> None:
    order = np.random.default_rng(0).permutation(len(found))
    assert front(found[order]).tolist() == front(found)[order].tolist()


def test_room_is_the_width_between_neighbours_and_endless_at_the_ends() -> None:
    """By hand: the point in the middle has neighbours a whole span apart in both objectives."""
    line = np.array([[0.0, 4.0], [1.0, 2.0], [4.0, 0.0]])
    assert crowding(line).tolist() == [np.inf, 2.0, np.inf]
    assert crowding(line[:1]).tolist() == [np.inf]
    assert crowding(np.zeros((0, 2))).tolist() == []


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.125, -10.0)])
def test_crowding_is_the_share_of_the_span_between_the_neighbours(
    scale: float, shift: float
) -> None:
    values = np.array([[0.0, 4.0], [1.0, 2.0], [3.0, 1.0], [4.0, 0.0]])
    found = crowding(scale * values + shift)
    assert found.tolist() == [np.inf, 3 / 4 + 3 / 4, 3 / 4 + 2 / 4, np.inf]


def test_equals_leave_no_room_but_at_the_ends_and_the_earliest_is_first() -> None:
    assert crowding(np.ones((40, 2))).tolist() == [np.inf, *[0.0] * 38, np.inf]
    assert crowding(np.empty((0, 2))).tolist() == []
