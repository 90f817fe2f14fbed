"""Ratings at the positions that a version gives to users and movies."""

from dataclasses import replace

import numpy as np

from reeltune.domain.arrays import Ints
from reeltune.ratings.table import RatingTable


def over_movies(ratings: RatingTable, movie_ids: Ints) -> RatingTable:
    """Return the ratings of some movies, (M,) ascending ids, at their positions in that list."""
    movies = ratings.movie_ids[ratings.movies]
    known = np.isin(movies, movie_ids)
    return replace(
        ratings.where(known),
        movie_ids=movie_ids,
        movies=np.searchsorted(movie_ids, movies[known]).astype(np.int32),
    )


def over_users(ratings: RatingTable, user_ids: Ints) -> RatingTable:
    """Return the ratings by some users, (U,) ascending ids, at their positions in that list."""
    users = ratings.user_ids[ratings.users]
    known = np.isin(users, user_ids)
    return replace(
        ratings.where(known),
        user_ids=user_ids,
        users=np.searchsorted(user_ids, users[known]).astype(np.int32),
    )
