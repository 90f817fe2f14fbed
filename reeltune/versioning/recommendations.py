"""Recommendations of a stored model, to users and of movies that were known to it."""

from dataclasses import replace

import numpy as np

from reeltune.db.connection import Connection
from reeltune.db.external_ids import find_id
from reeltune.db.ratings import load_ratings
from reeltune.db.withdrawals import load_withdrawn
from reeltune.domain.errors import InputError
from reeltune.rating_models.recommend import recommend
from reeltune.ratings.recommender import Recommendation
from reeltune.ratings.table import RatingTable
from reeltune.versioning.contents import LoadedModel


def recommend_for(conn: Connection, loaded: LoadedModel, user: int | str) -> list[Recommendation]:
    """Return what a user would be recommended by a version, of the movies that were known to it.

    `user` is our id, or the id as its source writes it. Movies that are withdrawn are left out.

    Raises:
        InputError: the user had no ratings when the version was fitted, or has none any more.
    """
    user_id = find_id(conn, "user", user) if isinstance(user, str) else user
    if user_id is None or user_id not in loaded.user_ids:
        version = loaded.version.version
        raise InputError(f"user {user} had no ratings when version {version} was fitted")
    ratings = load_ratings(conn)
    if user_id not in ratings.user_ids:
        raise InputError(f"user {user} has no ratings any more")
    withdrawn = np.array(sorted(load_withdrawn(conn)), dtype=np.int64)
    return recommend(loaded.model, _seen(ratings, loaded), user_id, excluded=withdrawn)


def _seen(ratings: RatingTable, loaded: LoadedModel) -> RatingTable:
    """Return `ratings` by the users and of the movies of a model, at the model's positions."""
    users, movies = ratings.user_ids[ratings.users], ratings.movie_ids[ratings.movies]
    known = np.isin(users, loaded.user_ids) & np.isin(movies, loaded.movie_ids)
    return replace(
        ratings.where(known),
        user_ids=loaded.user_ids,
        movie_ids=loaded.movie_ids,
        users=np.searchsorted(loaded.user_ids, users[known]).astype(np.int32),
        movies=np.searchsorted(loaded.movie_ids, movies[known]).astype(np.int32),
    )
