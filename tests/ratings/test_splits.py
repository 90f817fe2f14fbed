from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.ratings.splits import (
    SPLITS,
    Split,
    split_at_random,
    split_by_calendar,
    split_by_user_time,
    ties_decide,
    unordered_share,
)
from reeltune.ratings.table import RatingTable
from tests.metrics.small_data import Row, same, table_of

MOVIES = range(1, 41)
DAY = 86_400


@st.composite
def some_rows(draw: st.DrawFn) -> list[Row]:
    """Users with 0 to 40 ratings; many times and days are equal."""
    rows = []
    step = draw(st.sampled_from([1, 3_600, DAY]))
    for user in range(1, draw(st.integers(1, 4)) + 1):
        movies = draw(st.lists(st.sampled_from(MOVIES), unique=True))
        times = draw(
            st.lists(st.integers(-9, 9), min_size=len(movies), max_size=len(movies)).map(tuple)
        )
        rows += [(user, m, 3.0, t * step) for m, t in zip(movies, times, strict=True)]
    return rows


def one_user(n: int) -> RatingTable:
    return table_of([(7, movie, 4.0, 1_000 - movie) for movie in range(1, n + 1)], MOVIES)


def on_days(*n_ratings: int) -> RatingTable:
    """A table with so many ratings on each day, one user each, at the last second of the day."""
    rows = [
        (user, 1, 4.0, (day + 1) * DAY - 1)
        for user, day in enumerate(np.repeat(np.arange(len(n_ratings)), n_ratings).tolist())
    ]
    return table_of(rows, [1])


def sizes(split: Split) -> tuple[int, int, int]:
    return len(split.train), len(split.validation), len(split.test)


def test_the_registry_has_every_split() -> None:
    assert list(SPLITS) == ["user-time", "user-random", "calendar"]


@pytest.mark.parametrize("name", SPLITS)
@given(rows=some_rows(), seed=st.integers(0, 99))
def test_each_split_is_a_partition_that_only_the_ratings_decide(
    name: str, rows: list[Row], seed: int
) -> None:
    table = table_of(rows, MOVIES)
    split = SPLITS[name](table)
    assert sum(sizes(split)) == len(table)
    rejoined = sorted(
        row
        for part in (split.train, split.validation, split.test)
        for row in zip(part.users, part.movies, part.rated_at, strict=True)
    )
    assert rejoined == sorted(zip(table.users, table.movies, table.rated_at, strict=True))
    for part in (split.train, split.validation, split.test):
        order = np.lexsort((part.movies, part.rated_at, part.users))
        assert np.array_equal(order, np.arange(len(part)))
        assert part.user_ids is table.user_ids
        assert part.movie_ids is table.movie_ids
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    assert np.array_equal(SPLITS[name](table_of(shuffled, MOVIES)).parts, split.parts)


@pytest.mark.parametrize("name", ["user-time", "calendar"])
@given(rows=some_rows())
def test_no_user_has_a_rating_before_one_of_an_earlier_part(name: str, rows: list[Row]) -> None:
    split = SPLITS[name](table_of(rows, MOVIES))
    in_user = (np.diff(split.table.users) == 0) & (np.diff(split.table.rated_at) > 0)
    assert np.all(np.diff(split.parts)[in_user] >= 0)
    assert np.all(np.diff(split.table.rated_at)[np.diff(split.table.users) == 0] >= 0)


@pytest.mark.parametrize("name", SPLITS)
@given(rows=some_rows())
def test_what_is_fitted_on_is_all_before_what_is_held_out_in_the_tables_order(
    name: str, rows: list[Row]
) -> None:
    split = SPLITS[name](table_of(rows, MOVIES))
    assert same(split.fitting_for("validation"), split.train)
    assert same(split.held_out_for("validation"), split.validation)
    assert same(split.held_out_for("test"), split.test)
    fitting = split.fitting_for("test")
    assert len(fitting) == len(split.train) + len(split.validation)
    order = np.lexsort((fitting.movies, fitting.rated_at, fitting.users))
    assert np.array_equal(order, np.arange(len(fitting)))
    assert not set(zip(fitting.users, fitting.movies, strict=True)) & set(
        zip(split.test.users, split.test.movies, strict=True)
    )


@pytest.mark.parametrize(
    ("n", "expected"),
    [(1, (1, 0, 0)), (9, (9, 0, 0)), (10, (7, 1, 2)), (19, (15, 1, 3)), (20, (14, 2, 4))],
)
def test_shares_of_a_users_ratings_are_rounded_down(n: int, expected: tuple[int, int, int]) -> None:
    assert sizes(split_by_user_time(one_user(n))) == expected


def test_the_latest_ratings_of_a_user_are_held_out() -> None:
    rows = [(1, movie, 4.0, movie) for movie in range(11, 19)]
    split = split_by_user_time(table_of([(1, 2, 4.0, 99), (1, 30, 4.0, 1), *rows], MOVIES))
    assert split.test.movie_ids[split.test.movies].tolist() == [18, 2]
    assert split.validation.movie_ids[split.validation.movies].tolist() == [17]


def one_day(n_users: int, n_movies: int) -> RatingTable:
    """Everybody rates every movie, all at one and the same time."""
    rows = [(u, m, 3.0, 5) for u in range(1, n_users + 1) for m in range(1, n_movies + 1)]
    return table_of(rows, range(1, n_movies + 1))


@pytest.mark.parametrize("split", [split_by_user_time, split_at_random])
def test_without_times_every_movie_is_held_out_as_often_as_another(
    split: Callable[[RatingTable], Split],
) -> None:
    n_users, n_movies = 2_000, 20
    held_out = split(one_day(n_users, n_movies)).test
    share = np.bincount(held_out.movies, minlength=n_movies) / n_users
    spread = np.sqrt(0.2 * 0.8 / n_users)
    assert np.all(np.abs(share - 0.2) < 5 * spread)  # by id the last four would have 1, others 0


@given(rows=some_rows(), seed=st.integers(0, 99))
def test_a_hash_decides_only_where_times_tie(rows: list[Row], seed: int) -> None:
    apart = [(user, movie, stars, 100 * at + n) for n, (user, movie, stars, at) in enumerate(rows)]
    table = table_of(apart, MOVIES)
    split = split_by_user_time(table)
    from_end = table.starts[1:][table.users] - np.arange(len(table))
    n = np.diff(table.starts)[table.users]
    n_test = np.where(n < 10, 0, n * 20 // 100)
    assert np.array_equal(split.parts == 2, from_end <= n_test)


def test_equal_times_decide_where_ids_would_have_held_out_others() -> None:
    apart = table_of([(1, movie, 4.0, movie) for movie in range(1, 21)], list(range(1, 21)))
    assert not ties_decide(apart, "user-time")
    assert ties_decide(one_day(20, 30), "user-time")
    assert not ties_decide(one_day(20, 30), "calendar")


def test_what_is_held_out_at_random_has_nothing_to_do_with_time() -> None:
    rows = [(u, m, 3.0, m) for u in range(1, 1_001) for m in range(1, 21)]
    held_out = split_at_random(table_of(rows, range(1, 21))).test
    assert abs(held_out.rated_at.mean() - 10.5) < 0.5


def test_a_new_rating_changes_the_order_of_no_other() -> None:
    rows = [(1, m, 3.0, 5) for m in range(1, 40)]
    before = split_at_random(table_of(rows[:-1], MOVIES)).test
    after = split_at_random(table_of(rows, MOVIES)).test
    assert len(set(before.movies) - set(after.movies)) <= 1


def test_the_share_of_users_whose_held_out_part_time_does_not_decide() -> None:
    tied = [(1, m, 3.0, 5) for m in range(1, 11)]
    ordered = [(2, m, 3.0, m) for m in range(1, 11)]
    few = [(3, m, 3.0, 5) for m in range(1, 9)]
    assert unordered_share(table_of(tied + ordered + few, MOVIES)) == 0.5
    assert np.isnan(unordered_share(table_of(few, MOVIES)))


@pytest.mark.parametrize(
    ("n_ratings", "expected"),
    [
        ((1,) * 10, (7, 1, 2)),
        ((7, 1, 2), (7, 1, 2)),
        ((7, 0, 1, 0, 2), (7, 1, 2)),
        ((6, 2, 1, 1), (6, 2, 2)),  # both cuts would be at 80 %: validation moves back a day
        ((1, 1, 8), (1, 1, 8)),  # 80 % fall on the last day
        ((8, 1, 1), (8, 1, 1)),  # 80 % fall on the first
        ((5, 5), (10, 0, 0)),
        ((10,), (10, 0, 0)),
        ((), (0, 0, 0)),
    ],
)
def test_the_calendar_is_cut_at_the_first_midnights_late_enough(
    n_ratings: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    assert sizes(split_by_calendar(on_days(*n_ratings))) == expected


@given(rows=some_rows())
def test_the_calendar_never_cuts_a_day_and_leaves_no_part_empty(rows: list[Row]) -> None:
    split = split_by_calendar(table_of(rows, MOVIES))
    days = [set((part.rated_at // DAY).tolist()) for part in (split.train, split.validation)]
    days.append(set((split.test.rated_at // DAY).tolist()))
    if len(set.union(*days)) < 3:
        assert not days[1]
        assert not days[2]
    else:
        assert max(days[0]) < min(days[1]) <= max(days[1]) < min(days[2])
