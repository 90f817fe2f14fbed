import itertools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reeltune.components.hyperparameters import SPACE, WEIGHTS
from reeltune.domain.errors import InputError
from reeltune.domain.limited import LimitedAscending, LimitedSingle
from reeltune.domain.limited_simplex import LimitedSimplex
from reeltune.domain.limits import Limit, Limits, combinations, contains, projected, restricted
from reeltune.domain.space import Configuration, Hyperparameter, Space

SEARCHED = [
    member
    for member in SPACE.hyperparameters.values()
    if isinstance(member, Hyperparameter) and member.searched
]
CURRENT = SPACE.defaults()


def value_of(member: Hyperparameter) -> st.SearchStrategy[float | int]:
    if member.integer:
        return st.integers(int(member.low), int(member.high))
    return st.floats(float(member.low), float(member.high)).map(member.on_grid)


@st.composite
def some_limit(draw: st.DrawFn, member: Hyperparameter) -> Limit:
    values = draw(st.lists(value_of(member), min_size=1, max_size=3, unique=True))
    if draw(st.booleans()):
        return Limit(name=member.name, choices=tuple(values))
    log = min(values) > 0 and draw(st.booleans())
    return Limit(name=member.name, low=min(values), high=max(values), log=log)


@st.composite
def some_space(draw: st.DrawFn) -> tuple[Space, Limits]:
    members = draw(st.lists(st.sampled_from(SEARCHED), max_size=6, unique=True))
    limits = Limits(
        limits=tuple(draw(some_limit(member)) for member in members),
        others_fixed=draw(st.booleans()),
    )
    try:
        return restricted(SPACE, limits, CURRENT), limits
    except InputError as error:
        assert "no values are left" in str(error)  # noqa: PT017 - some limits leave nothing
        assume(False)
        raise


def allows(limit: Limit, value: float) -> bool:
    if limit.choices:
        return value in limit.choices
    assert limit.low is not None
    assert limit.high is not None
    return limit.low <= value <= limit.high


@given(some_space(), st.integers(0, 2**32))
def test_every_point_is_valid_within_the_limits_and_survives_the_cube(
    made: tuple[Space, Limits], seed: int
) -> None:
    space, limits = made
    rng = np.random.default_rng(seed)
    n = len(space.dimensions)
    for point in (rng.random(n), np.zeros(n), np.ones(n), rng.integers(0, 2, n).astype(float)):
        configuration = space.decode(point)
        assert SPACE.faults(configuration) == []
        assert space.faults(configuration) == []
        assert all(allows(limit, configuration[limit.name]) for limit in limits.limits)
        coded = space.encode(configuration)
        assert coded.shape == (n,)
        assert np.all((coded >= 0) & (coded <= 1))
        assert space.decode(coded) == configuration
        assert list(configuration) == list(SPACE.hyperparameters)


@given(some_space(), st.integers(0, 2**32))
def test_many_points_are_decoded_as_each_of_them(made: tuple[Space, Limits], seed: int) -> None:
    space, _ = made
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, 2, (6, len(space.dimensions))).astype(np.float64)
    points = np.vstack([rng.random((12, len(space.dimensions))), ends])
    start = 0
    for group in space.groups:
        units = points[:, start : start + len(group.dimensions)]
        start += len(group.dimensions)
        if not isinstance(group, LimitedSingle | LimitedAscending | LimitedSimplex):
            continue
        many = np.column_stack(group.decode_many(units))
        each = [list(group.decode(row.tolist()).values()) for row in units]
        assert np.abs(many - np.array(each)).max() < 6e-6  # rounding to the grid


@given(some_space(), st.integers(0, 2**32))
@settings(max_examples=30)
def test_a_value_is_the_same_within_its_cell_and_another_beyond(
    made: tuple[Space, Limits], seed: int
) -> None:
    space, _ = made
    start = space.encode(space.decode(np.random.default_rng(seed).random(len(space.dimensions))))
    here = space.decode(start)
    for axis, (low, high) in enumerate(space.cells(here).tolist()):
        name = space.dimensions[axis]

        def value(unit: float, axis: int = axis, name: str = name) -> object:
            return space.decode(np.where(np.arange(len(start)) == axis, unit, start))[name]

        if low == high:
            assert len({value(unit) for unit in np.linspace(0, 1, 99)}) > 40 or _is_narrow(
                space, axis
            )
            continue
        assert low <= start[axis] <= high
        margin = 1e-6 * (high - low)
        assert value(low + margin) == value(high - margin) == here[name]
        assert low == 0 or value(low - margin) != here[name]
        assert high == 1 or value(high + margin) != here[name]


def test_whole_numbers_by_ratio_have_cells_of_other_widths() -> None:
    """Of 1 to 15 the 1 has most of the axis, and each of them what `decode` says."""
    limits = (
        Limit(name="cast_lead_threshold", low=1, high=15, log=True),
        Limit(name="cast_supporting_threshold", low=2, high=40, log=True),
    )
    space = space_of(*limits, others_fixed=True)
    rng = np.random.default_rng(1)
    for point in rng.random((50, 2)):
        here = space.decode(point)
        start = space.encode(here)
        for axis, (low, high) in enumerate(space.cells(here).tolist()):
            name = space.dimensions[axis]
            inside = np.linspace(low, high, 7)[1:-1]
            beyond = [end for end in (low - 1e-6, high + 1e-6) if 0 <= end <= 1]
            for unit, same in [*((u, True) for u in inside), *((u, False) for u in beyond)]:
                moved = np.where(np.arange(2) == axis, unit, start)
                assert (space.decode(moved)[name] == here[name]) is same


def _is_narrow(space: Space, axis: int) -> bool:
    """Is there hardly a range for this axis, so that it has few values of the grid?"""
    member = space.hyperparameters[space.dimensions[axis]]
    assert isinstance(member, Hyperparameter)
    return member.high - member.low < 1e-3 or "weight" in member.name


@given(some_space(), st.integers(0, 2**32))
def test_what_lies_outside_is_brought_inside(made: tuple[Space, Limits], seed: int) -> None:
    space, _ = made
    other = SPACE.decode(np.random.default_rng(seed).random(len(SPACE.dimensions)))
    inside = projected(space, other)
    assert contains(space, inside)
    assert inside["accuracy_threshold"] == other["accuracy_threshold"]


def space_of(*limits: Limit, others_fixed: bool = False) -> Space:
    return restricted(SPACE, Limits(limits=limits, others_fixed=others_fixed), CURRENT)


def drawn(space: Space, n: int = 2_000) -> list[Configuration]:
    rng = np.random.default_rng(1)
    return [space.decode(point) for point in rng.random((n, len(space.dimensions)))]


def test_without_limits_nothing_changes() -> None:
    assert space_of().dimensions == SPACE.dimensions


def test_fixed_shares_leave_the_rest_uniform() -> None:
    space = space_of(Limit(name="genre_weight", choices=(0.4,)))
    shares = np.array([[c[f"{n}_weight"] for n in ("cast", "franchise")] for c in drawn(space)])
    assert len(space.dimensions) == len(SPACE.dimensions) - 1
    assert shares.mean(axis=0) == pytest.approx([0.6 / (len(WEIGHTS.members) - 1)] * 2, abs=0.01)


def test_lower_bounds_leave_the_rest_uniform() -> None:
    space = space_of(Limit(name="rating_weight", low=0.5, high=1.0))
    found = np.array([c["rating_weight"] for c in drawn(space)])
    assert found.min() >= 0.5
    assert found.mean() == pytest.approx(0.5 + 0.5 / len(WEIGHTS.members), abs=0.01)


def test_choices_of_several_shares_are_those_that_can_sum_to_one() -> None:
    space = space_of(
        Limit(name="popularity_rating_weight", choices=(0.2, 0.5, 0.7)),
        Limit(name="popularity_count_weight", choices=(0.3, 0.5, 0.9)),
    )
    pairs = {(c["popularity_rating_weight"], c["popularity_count_weight"]) for c in drawn(space)}
    assert pairs == {(0.5, 0.5), (0.7, 0.3)}


def test_with_others_fixed_shares_keep_their_proportions() -> None:
    space = space_of(Limit(name="genre_weight", choices=(0.1, 0.55)), others_fixed=True)
    assert space.dimensions == ("genre_weight",)
    low, high = (space.decode(np.array([unit])) for unit in (0.1, 0.9))
    assert (low["genre_weight"], high["genre_weight"]) == (0.1, 0.55)
    assert low["rating_weight"] == pytest.approx(0.9 * 0.3 / 0.6)
    assert high["cast_weight"] == pytest.approx(0.45 * 0.15 / 0.6)
    assert high["genre_boost_low"] == CURRENT["genre_boost_low"]


def test_a_logarithmic_axis_has_equal_ratios() -> None:
    axis = restricted(
        SPACE,
        Limits(limits=(Limit(name="cast_lead_weight", low=0.01, high=1.0, log=True),)),
        CURRENT,
    )
    place = axis.dimensions.index("cast_lead_weight")
    point = np.full(len(axis.dimensions), 0.5)
    assert axis.decode(point)["cast_lead_weight"] == pytest.approx(0.1)
    assert axis.encode({**CURRENT, "cast_lead_weight": 0.1})[place] == pytest.approx(0.5)


def test_ascending_choices_leave_room_for_each_other() -> None:
    space = space_of(
        Limit(name="cast_lead_threshold", choices=(3, 9, 15)),
        Limit(name="cast_supporting_threshold", choices=(4, 10)),
    )
    pairs = {(c["cast_lead_threshold"], c["cast_supporting_threshold"]) for c in drawn(space)}
    assert pairs == {(3, 4), (3, 10), (9, 10)}


def test_combinations_are_all_that_can_be_chosen() -> None:
    space = space_of(
        Limit(name="genre_weight", choices=(0.2, 0.4, 0.6)),
        Limit(name="cast_lead_threshold", choices=(3, 9)),
        others_fixed=True,
    )
    found = combinations(space, 100)
    assert found is not None
    assert len(found) == 6
    assert len(combinations(space, 4) or []) == 4
    assert all(contains(space, configuration) for configuration in found)
    pairs = itertools.product((0.2, 0.4, 0.6), (3, 9))
    assert {(c["genre_weight"], c["cast_lead_threshold"]) for c in found} == set(pairs)
    assert combinations(space_of(), 100) is None


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (Limit(name="genre_wait", choices=(1,)), "no such hyperparameter"),
        (Limit(name="genre_weight", choices=(2.0,)), r"must be in \[0.0, 1.0\], got 2.0"),
        (Limit(name="genre_weight", low=0.5, high=0.4), "low must be below high"),
        (Limit(name="genre_weight", low=0.0, log=True), "log needs a range above 0"),
        (Limit(name="cast_lead_threshold", choices=(2.5,)), "must be a whole number"),
        (Limit(name="accuracy_threshold", choices=(0.5,)), "is never searched"),
    ],
)
def test_a_wrong_limit_is_refused(limit: Limit, said: str) -> None:
    with pytest.raises(InputError, match=said):
        space_of(limit)


def test_limits_that_leave_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"no values are left for which genre_weight \+ cast"):
        space_of(*(Limit(name=f"{n}_weight", low=0.6) for n in ("genre", "cast")))
    with pytest.raises(InputError, match="no values are left for which genre_threshold_low <"):
        space_of(
            Limit(name="genre_threshold_low", low=0.55),
            Limit(name="genre_threshold_medium", high=0.5),
        )


def test_merging_leaves_fixed_shares_alone() -> None:
    space = space_of(Limit(name="genre_weight", choices=(0.4,)))
    merged = space.merged(CURRENT, {"rating_weight": 0.5})
    assert merged["genre_weight"] == 0.4
    assert merged["cast_weight"] == pytest.approx(0.05)


def test_parts_of_a_space_are_told_apart() -> None:
    limit = Limit(name="cast_lead_weight", low=0.1, high=1.0)
    fingerprints = {
        space_of(one).fingerprint
        for one in (
            limit,
            Limit(name="cast_lead_weight", low=0.1, high=1.0, log=True),
            Limit(name="cast_lead_weight", choices=(0.1, 1.0)),
        )
    }
    assert len(fingerprints) == 3
