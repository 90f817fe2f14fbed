import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reeltune.domain.groups import Ascending
from reeltune.domain.limits import Limit, Limits, restricted
from reeltune.domain.order_statistics import (
    MAX_ROOM,
    place_of_least,
    room_above,
    unit_of_least,
)
from reeltune.domain.space import Hyperparameter, Space


def ordered(n: int, low: float = 0.0, high: float = 1.0, *, integer: bool = False) -> Ascending:
    """Members of as good as one range: each has room below the next one's highest."""
    step = 1 if integer else 1e-6
    return Ascending(
        tuple(
            Hyperparameter(
                name=f"m{k}",
                default=low + k * step,
                low=low,
                high=high - (n - 1 - k) * step if not integer else int(high) - (n - 1 - k),
                integer=integer,
                meaning="one of several in order",
            )
            for k in range(n)
        )
    )


def drawn(space: Space, n: int = 4000) -> np.ndarray:
    """Values (N, D) at evenly drawn points."""
    rng = np.random.default_rng(1)
    points = rng.random((n, len(space.dimensions)))
    return np.array([list(space.decode(point).values()) for point in points], dtype=np.float64)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_ordered_members_are_spread_as_ordered_uniform_numbers(n: int) -> None:
    """Means k / (n + 1), and deviations of the beta distribution; three lie at .25, .5, .75."""
    found = drawn(Space((ordered(n),)))
    for k in range(n):
        a, b = k + 1, n - k
        assert found[:, k].mean() == pytest.approx(a / (a + b), abs=0.012)
        deviation = math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
        assert found[:, k].std() == pytest.approx(deviation, rel=0.06)


def test_limited_members_are_spread_likewise_and_apart_where_one_between_is_fixed() -> None:
    space = Space((ordered(3, 0, 4),))
    limits = Limits(limits=(Limit(name="m0", low=0.0, high=2.0),))
    part = restricted(space, Limits(limits=(Limit(name="m0", low=0.0),)), space.defaults())
    assert drawn(part).mean(axis=0) == pytest.approx([1, 2, 3], abs=0.05)
    assert drawn(restricted(space, limits, space.defaults())).mean(axis=0)[0] < 1
    split = restricted(space, Limits(limits=(Limit(name="m1", choices=(2.0,)),)), space.defaults())
    assert drawn(split).mean(axis=0) == pytest.approx([1, 2, 3], abs=0.05)


def test_every_ordered_choice_of_whole_numbers_has_about_the_same_chance() -> None:
    found = drawn(Space((ordered(3, 0, 6, integer=True),)), 7000)
    _, counts = np.unique(found, axis=0, return_counts=True)
    assert len(counts) == math.comb(7, 3)
    assert counts.min() > 130  # of 200
    assert counts.max() < 290


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 6),
    integer=st.booleans(),
    high=st.sampled_from([7.0, 60.0, 1e4]),
)
@settings(max_examples=100, deadline=None)
def test_ordered_values_survive_the_cube_to_the_last_bit(
    seed: int, n: int, integer: bool, high: float
) -> None:
    """Above all those just below the end, of which there are few coordinates."""
    space = Space((ordered(n, 0 if integer else 0.0, high, integer=integer),))
    rng = np.random.default_rng(seed)
    for share in (1.0, 1e-3, 1e-9, 0.0):
        point = np.where(rng.random(n) < 0.5, rng.random(n), share * rng.random(n))
        values = space.decode(point)
        assert space.faults(values) == []
        assert space.decode(space.encode(values)) == values


@given(place=st.floats(0, 1), n=st.integers(1, 50), room=st.floats(1, 100) | st.floats(1, MAX_ROOM))
def test_a_place_is_found_again_by_its_coordinate(place: float, n: int, room: float) -> None:
    unit = unit_of_least(place, n, room)
    assert 0 <= unit <= 1
    assert place_of_least(unit, n, room) == pytest.approx(place, abs=1e-9)


@given(n=st.integers(2, 6), room=st.floats(1, 100))
def test_coordinates_of_many_are_those_of_each(n: int, room: float) -> None:
    units = np.linspace(0, 1, 7)
    each = [place_of_least(float(unit), n, room) for unit in units]
    assert place_of_least(units, n, np.full(7, room)) == pytest.approx(each, abs=1e-12)
    assert np.all(np.diff(each) <= 0)


@given(low=st.floats(0, 0.5), span=st.floats(0, 0.5), more=st.floats(0, 10))
def test_the_room_above_is_at_least_the_members_own_range(
    low: float, span: float, more: float
) -> None:
    assume(span == 0 or span > 1e-6)
    member = Hyperparameter(name="a", default=0.0, low=0.0, high=20.0, meaning="a number")
    room = float(room_above(member, low, low + span, low + span + more, 3))
    assert 1 <= room <= MAX_ROOM
    if span:
        assert room == pytest.approx(min(MAX_ROOM, (span + more) / span), rel=1e-6)
