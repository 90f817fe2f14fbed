"""What is said of some users is what is said of them among all, to the bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.components import COMPONENTS
from reeltune.components.damped_mean import damped_mean, on_grid, overall_mean
from reeltune.components.genre import Genre
from reeltune.components.hyperparameters import SPACE
from reeltune.components.user_centred import PASSED_OVER, UserCentredRatings
from reeltune.domain.arrays import Bools, Floats
from reeltune.ratings.table import RatingTable
from tests.engine.test_engine import catalogue_of
from tests.metrics.small_data import table_of

N_MOVIES = 12
VALUES = SPACE.defaults()


@st.composite
def tables(draw: st.DrawFn) -> RatingTable:
    """Up to 6 users; ratings that no grid holds, in any order of time."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.1, 0.5, 1.0]))
    pairs = np.argwhere(rng.random((draw(st.integers(1, 6)), N_MOVIES)) < share) + 1
    stars = rng.choice(np.append(np.arange(1, 11) / 2, 3.3), len(pairs))
    rows = [
        (int(user), int(movie), float(star), int(rng.integers(0, 5)))
        for (user, movie), star in zip(pairs, stars, strict=True)
    ]
    return table_of(rows, range(1, N_MOVIES + 1))


def users_in(part: RatingTable) -> Bools:
    return np.diff(part.starts) > 0


@given(table=tables(), seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.0, 0.2, 1.0]))
def test_of_the_users_who_are_measured_components_say_what_they_say_among_all(
    table: RatingTable, seed: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    catalogue = catalogue_of(rng, N_MOVIES, 0.8)
    measured = table.where(rng.random(len(table)) < share)
    who = np.flatnonzero(users_in(measured))
    movies = rng.integers(0, N_MOVIES, len(who)).astype(np.int64)
    everybody, some = UserCentredRatings.of(table), UserCentredRatings.of(table, measured)
    assert np.array_equal(users_in(some.personal), users_in(measured))
    for kind in COMPONENTS.values():
        expected, found = kind.fit(everybody, catalogue), kind.fit(some, catalogue)
        assert np.array_equal(found.score(who, VALUES), expected.score(who, VALUES))
        assert np.array_equal(
            found.score_at(who, movies, VALUES), expected.score_at(who, movies, VALUES)
        )


@given(table=tables())
def test_deviations_are_those_of_the_definition(table: RatingTable) -> None:
    above = on_grid(table.ratings.astype(np.float64) - overall_mean(table))
    expected: Floats = np.empty(len(table))
    for user in range(table.n_users):
        mine = table.users == user
        own = damped_mean(np.array([sum(above[mine])]), np.array([float(mine.sum())]))
        expected[mine] = on_grid(above[mine] - own)
    if not (table.ratings < 4).any():  # events: nobody says what is not liked
        expected = on_grid(table.ratings.astype(np.float64) - PASSED_OVER)
    assert np.array_equal(UserCentredRatings.of(table).deviations, expected)


@given(table=tables(), seed=st.integers(0, 2**32 - 1))
def test_taste_is_the_shrunk_mean_deviation_by_genre(table: RatingTable, seed: int) -> None:
    catalogue = catalogue_of(np.random.default_rng(seed), N_MOVIES, 0.8)
    centred = UserCentredRatings.of(table)
    genre = Genre.fit(centred, catalogue)
    for user in range(table.n_users):
        for g in range(len(catalogue.genre_names)):
            has = genre.sets[genre.set_of[table.movies], g] & (table.users == user)
            total, count = np.array([sum(centred.deviations[has])]), np.array([has.sum()])
            assert genre.taste[user, g] == damped_mean(total, count)[0]
            assert genre.known[user, g] == has.any()


def test_where_everybody_is_measured_nothing_is_copied() -> None:
    table = table_of([(1, 1, 3.0, 0), (2, 1, 4.0, 0), (2, 2, 5.0, 1)], (1, 2))
    assert UserCentredRatings.of(table, table.where(table.rated_at == 0)).personal is table


@pytest.mark.parametrize("user", [0, 1])
def test_of_a_user_all_ratings_count_and_the_mean_is_everybodys(user: int) -> None:
    table = table_of([(1, 1, 1.0, 0), (2, 1, 4.0, 0), (2, 2, 5.0, 1)], (1, 2))
    some = UserCentredRatings.of(table, table.where((table.users == user) & (table.rated_at == 0)))
    assert np.array_equal(some.personal.movies, table.movies[table.users == user])
    assert some.mean == overall_mean(table)
