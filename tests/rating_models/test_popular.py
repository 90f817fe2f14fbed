import numpy as np

from reeltune.rating_models.popular import popular_scores
from tests.metrics.small_data import catalogue_of, table_of

MANY = [(user, 10, 5.0, 1) for user in range(40)]


def test_of_movies_rated_as_well_the_one_rated_more_often_is_first() -> None:
    rows = [*MANY, (1, 20, 5.0, 2), (2, 30, 1.0, 1)]
    scores = popular_scores(table_of(rows, [10, 20, 30]), catalogue_of([10, 20, 30], [[]] * 3))
    assert np.argsort(-scores).tolist() == [0, 1, 2]


def test_one_high_rating_says_less_than_many_good_ones() -> None:
    rows = [(user, 10, 4.0, 1) for user in range(40)] + [(1, 20, 5.0, 2)]
    rows += [(user, 30, 2.0, 3) for user in range(40)]
    scores = popular_scores(table_of(rows, [10, 20, 30]), catalogue_of([10, 20, 30], [[]] * 3))
    assert scores[0] > scores[1] > scores[2]


def test_the_second_place_is_another_genre_where_two_are_about_as_good() -> None:
    ids = [10, 20, 30]
    rows = [
        (user, movie, 5.0, 1) for movie, n in ((10, 40), (20, 39), (30, 38)) for user in range(n)
    ]
    rows += [(user, 10, 5.0, 1) for user in range(50, 60)]
    alike = popular_scores(table_of(rows, ids), catalogue_of(ids, [[0], [0], [0]]))
    varied = popular_scores(table_of(rows, ids), catalogue_of(ids, [[0], [0], [1]]))
    assert np.argsort(-alike).tolist() == [0, 1, 2]
    assert np.argsort(-varied).tolist() == [0, 2, 1]
    assert sorted(alike) == sorted(varied)


def test_without_ratings_all_movies_are_level() -> None:
    table = table_of([], [10, 20])
    assert len(set(popular_scores(table, catalogue_of([10, 20], [[0], [1]])))) == 1
