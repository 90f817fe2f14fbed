from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.metrics import segments
from reeltune.metrics.evaluate import evaluate
from reeltune.metrics.segments import (
    held_out_scores,
    held_out_scores_at,
    movie_accuracies,
    movie_segments,
    user_segments,
)
from tests.metrics.small_data import Row, SmallData, catalogue_of, small_data, table_of


@given(data=small_data())
def test_the_score_of_a_held_out_rating_is_its_users_for_its_movie(data: SmallData) -> None:
    held_out = data.held_out
    expected = data.scores[held_out.users, held_out.movies]
    assert np.array_equal(held_out_scores(data.score, held_out), expected)


@given(data=small_data(), n_at_once=st.integers(1, 5))
def test_scores_are_the_same_however_many_are_made_at_once(data: SmallData, n_at_once: int) -> None:
    def score_at(users: Ints, movies: Ints32) -> Floats:
        scores: Floats = data.scores[users, movies]
        return scores

    held_out = data.held_out
    expected = data.scores[held_out.users, held_out.movies]
    with (
        patch.object(segments, "PAIRS_AT_ONCE", n_at_once),
        patch.object(segments, "SCORES_BYTES", n_at_once * 8 * max(1, held_out.n_movies)),
    ):
        assert np.array_equal(held_out_scores_at(score_at, held_out), expected)
        assert np.array_equal(held_out_scores(data.score, held_out), expected)


def test_segments_of_movies_are_measured_on_the_same_users_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segments, "MAX_SEGMENT_USERS", 30)
    rows: list[Row] = [
        (user, movie, 5.0 if movie == 1 else 2.0, movie) for user in range(100) for movie in (1, 2)
    ]
    held_out = table_of(rows, [1, 2])
    catalogue = catalogue_of([1, 2], [[], []])
    found = movie_accuracies(lambda part: -part.movies.astype(float), held_out, held_out, catalogue)
    measured = np.flatnonzero(np.isfinite(found["new movies"]))
    drawn = np.random.default_rng(0).permutation(100)[:30]
    assert measured.tolist() == sorted(drawn.tolist())
    assert np.all(found["new movies"][measured] == 1.0)


def test_the_quarters_with_the_fewest_and_the_most_ratings_are_new_and_heavy() -> None:
    rows: list[Row] = [
        (user, movie, 3.0, movie) for user in range(1, 9) for movie in range(1, user + 2)
    ]
    table = table_of(rows, range(1, 10))
    last = table.rated_at == np.arange(2, 10)[table.users]  # each user's last one is held out
    found = user_segments(table.where(~last), table.where(last))
    assert np.flatnonzero(found["new users"]).tolist() == [0, 1]
    assert np.flatnonzero(found["heavy users"]).tolist() == [6, 7]


def test_of_equally_many_ratings_all_are_in_or_none() -> None:
    n_ratings = [2, 2, 3, 4, 4]
    rows: list[Row] = [
        (user, movie, 3.0, movie)
        for user, n in enumerate(n_ratings, 1)
        for movie in range(1, n + 1)
    ]
    table = table_of(rows, range(1, 5))
    found = user_segments(table, table)
    assert np.flatnonzero(found["new users"]).tolist() == [0, 1]
    assert np.flatnonzero(found["heavy users"]).tolist() == [3, 4]


def test_where_all_have_equally_many_ratings_nobody_is_new_or_heavy() -> None:
    table = table_of([(user, 1, 3.0, 1) for user in range(1, 9)], [1])
    assert user_segments(table, table) == {}
    assert user_segments(table, table.where(np.zeros(8, dtype=np.bool_))) == {}


def test_new_movies_are_unrated_or_first_rated_lately() -> None:
    rows: list[Row] = [(1, 1, 3.0, 0), (2, 1, 3.0, 99), (1, 2, 3.0, 50), (1, 3, 3.0, 99)]
    found = movie_segments(
        table_of(rows, [1, 2, 3, 4]), catalogue_of([1, 2, 3, 4], [[], [0], [1], [0, 1]])
    )
    assert found["new movies"].tolist() == [False, False, True, True]
    assert np.array_equal(found["old movies"], ~found["new movies"])
    assert found["genre Action"].tolist() == [False, True, False, True]


def accuracies(n_users: int, wrong: set[int]) -> dict[str, Floats]:
    """Of users who like movie 1 over 2 and 3 over 4, with the pairs of `wrong` movies reversed."""
    movies = [1, 2, 3, 4]
    rows: list[Row] = [
        (user, movie, 5.0 if movie % 2 else 1.0, 10 + movie)
        for user in range(1, n_users + 1)
        for movie in movies
    ]
    table = table_of(rows, movies)
    nothing = table.where(np.zeros(len(table), dtype=np.bool_))
    line = np.array([(movie % 2) * (-1.0 if movie in wrong else 1.0) for movie in movies])
    catalogue = catalogue_of(movies, [[0], [0], [1], []])
    scores = np.tile(line, (n_users, 1))
    found = movie_accuracies(
        lambda part: scores[part.users, part.movies], nothing, table, catalogue
    )
    whole = evaluate(lambda users: scores[users], nothing, table, catalogue)
    found["all"] = whole.per_unit["accuracy"]
    return found


def test_a_segments_accuracy_is_over_pairs_with_at_least_one_of_its_movies() -> None:
    found = accuracies(20, wrong={3})  # 3 is ranked below 2 and 4; 1 above both
    assert found["all"].tolist() == [0.5] * 20
    assert found["genre Comedy"].tolist() == [0.0] * 20  # movie 3 with 2 and 4
    assert np.allclose(found["genre Action"], 2 / 3)  # 1-2, 1-4, 3-2
    assert np.array_equal(found["new movies"], found["all"])


def test_a_segment_with_few_users_is_left_out() -> None:
    assert set(accuracies(19, set())) == {"all"}
    assert "genre Drama" not in accuracies(20, set())
