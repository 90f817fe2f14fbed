"""Recommendations of a stored model to any user, of movies that were known to it."""

import numpy as np

from reeltune.db.catalogue import load_catalogue
from reeltune.db.connection import Connection
from reeltune.db.external_ids import find_id
from reeltune.db.ratings import load_ratings
from reeltune.db.withdrawals import load_withdrawn
from reeltune.domain.arrays import Ints
from reeltune.rating_models.popular import popular_scores
from reeltune.rating_models.recommend import list_movies, recommend_at
from reeltune.ratings.recommender import ProfileSource, RecommendedList
from reeltune.versioning.contents import LoadedModel
from reeltune.versioning.positions import over_movies
from reeltune.versioning.profiles import find_profiles

_NOBODY = -1  # no user has it


def recommend_for(conn: Connection, loaded: LoadedModel, user: int | str) -> RecommendedList:
    """Return what a user is recommended by a version, of the movies that were known to it.

    `user` is our id, or the id as its source writes it. Nobody is refused: see `find_profiles`.
    What the user has rated by now, and movies that are withdrawn, are left out.
    """
    user_id = find_id(conn, "user", user) if isinstance(user, str) else user
    wanted = np.array([_NOBODY if user_id is None else user_id], dtype=np.int64)
    ratings = over_movies(load_ratings(conn), loaded.movie_ids)
    catalogue = load_catalogue(conn).of_movies(loaded.movie_ids)
    (found,) = find_profiles(loaded, ratings, catalogue, wanted)
    rated = ratings.movies[ratings.user_ids[ratings.users] == wanted[0]]
    withdrawn: Ints = np.array(sorted(load_withdrawn(conn)), dtype=np.int64)
    hidden = np.flatnonzero(np.isin(loaded.movie_ids, withdrawn)).astype(np.int32)
    left_out = np.concatenate([rated, hidden])
    if found.model is None:
        movies = list_movies(popular_scores(ratings, catalogue), {}, loaded.movie_ids, left_out)
    else:
        place = int(found.positions[0])
        movies = recommend_at(found.model, place, loaded.movie_ids, left_out)
    reason = _reason(found.source, loaded.version.version, has_rated=len(rated) > 0)
    return RecommendedList(movies, found.source, reason)


def _reason(source: ProfileSource, version: int, *, has_rated: bool) -> str:
    """Return what a list rests on, in words."""
    if source == "fitted":
        return f"by the ratings that version {version} was fitted to"
    if source == "folded in":
        return f"by ratings that came after version {version} was fitted"
    if has_rated:
        return f"popular and varied: version {version} knows no user who came after it was fitted"
    return "popular and varied: no ratings of this user are known"
