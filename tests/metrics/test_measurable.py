"""Who can be measured, and what is said where nobody can."""

import pytest

from reeltune.metrics.measurable import n_measurable, nobody
from reeltune.ratings.table import RatingTable
from tests.metrics.small_data import Row, table_of

LIKED, DISLIKED = 4.0, 3.5


def held_out(*ratings: tuple[float, ...]) -> RatingTable:
    """One user after the other, with these ratings; one more without any."""
    rows: list[Row] = [
        (user, movie, stars, movie)
        for user, given in enumerate(ratings)
        for movie, stars in enumerate(given, 1)
    ]
    table = table_of([*rows, (len(ratings), 1, 5.0, 1)], [1, 2, 3])
    return table.where(table.users < len(ratings))


@pytest.mark.parametrize(
    ("ratings", "with_dislikes", "without"),
    [
        ((), 0, 0),
        (((LIKED, DISLIKED),), 1, 1),
        (((LIKED, LIKED),), 0, 1),
        (((DISLIKED, DISLIKED),), 0, 0),
        (((LIKED,), (DISLIKED,)), 0, 1),
        (((LIKED, DISLIKED, DISLIKED), (LIKED,), (5.0, 5.0, 0.5)), 2, 3),
    ],
)
def test_a_user_is_measured_by_a_pair_and_lists_by_a_liked_movie(
    ratings: tuple[tuple[float, ...], ...], with_dislikes: int, without: int
) -> None:
    table = held_out(*ratings)
    assert n_measurable(table) == with_dislikes
    assert n_measurable(table, needs_dislikes=False) == without
    assert (nobody(table, "user-time", "test") is None) == (with_dislikes > 0)
    assert (nobody(table, "user-time", "test", needs_dislikes=False) is None) == (without > 0)


@pytest.mark.parametrize(
    ("split", "taken_from", "other"),
    [
        ("user-time", "the latest ratings of users with at least", "calendar"),
        ("calendar", "the latest ratings, of at least three days", "user-time"),
        ("user-random", "ratings of users with at least", "user-time"),
    ],
)
def test_where_nobody_can_be_measured_it_is_said_what_is_needed(
    split: str, taken_from: str, other: str
) -> None:
    why = nobody(held_out((LIKED,)), split, "validation")
    assert why is not None
    assert why.startswith(
        "nobody can be measured: no user has a rating of 4 or more and a lower one in the "
        f"validation part of the {split} split, which is taken from {taken_from}"
    )
    assert why.endswith(f"; import more ratings, or try --split {other}")
    lists = nobody(held_out((DISLIKED,)), split, "test", needs_dislikes=False)
    assert lists is not None
    assert "no user has a rating of 4 or more in the test part" in lists
