"""Recommendations of a fitted model: the best movies for one user, with reasons."""

from collections.abc import Mapping

import numpy as np

from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.domain.errors import InputError
from reeltune.metrics.ranking import tie_order
from reeltune.ratings.recommender import Explaining, Recommendation, Recommender
from reeltune.ratings.table import RatingTable

_NONE: Ints = np.zeros(0, dtype=np.int64)


def recommend(
    model: Recommender,
    ratings: RatingTable,
    user_id: int,
    k: int = 10,
    excluded: Ints = _NONE,
) -> list[Recommendation]:
    """Return the `k` best movies that the user has not rated, best first, with reasons.

    Those whose ids are in `excluded` (E,) are left out.

    Raises:
        InputError: there is no such user in `ratings`.
    """
    user = int(np.searchsorted(ratings.user_ids, user_id))
    if user == ratings.n_users or ratings.user_ids[user] != user_id:
        raise InputError(f"user {user_id} has no ratings")
    seen = ratings.movies[ratings.starts[user] : ratings.starts[user + 1]]
    hidden = np.flatnonzero(np.isin(ratings.movie_ids, excluded)).astype(np.int32)
    left_out: Ints32 = np.concatenate([seen, hidden])
    return recommend_at(model, user, ratings.movie_ids, left_out, k)


def recommend_at(
    model: Recommender, user: int, movie_ids: Ints, left_out: Ints32, k: int = 10
) -> list[Recommendation]:
    """Return the `k` best movies for the user at a position, but for those `left_out`, positions.

    With reasons, where the model gives some.
    """
    scores = np.array(model.score(np.array([user]))[0])
    reasons = model.parts(np.array([user])) if isinstance(model, Explaining) else {}
    parts = {name: part[0] for name, part in reasons.items()}
    return list_movies(scores, parts, movie_ids, left_out, k)


def list_movies(
    scores: Floats,
    parts: Mapping[str, Floats],
    movie_ids: Ints,
    left_out: Ints32,
    k: int = 10,
) -> list[Recommendation]:
    """Return the `k` movies with the best scores (M,), and what the parts (M,) of a score are."""
    return [
        Recommendation(
            movie_id=int(movie_ids[movie]),
            score=float(scores[movie]),
            parts={name: float(part[movie]) for name, part in parts.items()},
        )
        for movie in top_movies(scores, left_out, tie_order(movie_ids), k)
    ]


def top_movies(scores: Floats, seen: Ints32, ties: Ints, k: int) -> list[int]:
    """Return the positions of the `k` best of `scores` (M,) outside `seen`, ties by `ties`."""
    order = np.lexsort((ties, -scores))
    return [int(movie) for movie in order[~np.isin(order, seen)][:k]]
