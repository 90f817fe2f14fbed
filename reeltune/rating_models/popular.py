"""Popular movies: the list for users of whom nothing is known, and what any other list must beat.

Both rest on all users' ratings alone. Who is shown a list is served by mean and number, varied; a
deployed model is compared with the number alone, which knows nothing but what is there in any data.
"""

import numpy as np

from reeltune.components.damped_mean import damped_mean, overall_mean, totals
from reeltune.components.genre import genres_of
from reeltune.components.hyperparameters import SPACE
from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING, RatingTable

NEWCOMER_PRIOR = 20.0  # of the mean rating
COUNT_SHARE = 0.05  # of the number of ratings in the score; the rest is the mean rating
VARIETY = 0.05  # taken off the score of a movie with the same genres as all that are above it
N_VARIED = 100  # places that are varied
_N_CANDIDATES = 400  # for these

_OTHER_WEIGHTS = ("genre_weight", "cast_weight", "franchise_weight", "rating_weight")
POPULARITY = SPACE.checked(
    SPACE.defaults()
    | dict.fromkeys(_OTHER_WEIGHTS, 0.0)
    | {
        "popularity_weight": 1.0,
        "popularity_rating_weight": 0.0,
        "popularity_count_weight": 1.0,
    }
)
"""Configuration of the built-in recommender that ranks by the number of ratings alone."""


def popular_scores(ratings: RatingTable, catalogue: Catalogue) -> Floats:
    """Return scores (M,) by how much and how often all users rated a movie, from 0 to 1.

    The first places are varied: a movie loses by as much as its genres resemble those of the
    movies above it. Prior, share and variety were chosen by what new users rated next, on earlier
    ratings than any that are reported of.

    Source: Carbonell and Goldstein 1998, "The use of MMR, diversity-based reranking", with the
    mean of the Jaccard indices as the resemblance.
    """
    scores = _popularity(ratings)
    order = np.argsort(-scores, kind="stable")[:_N_CANDIDATES]
    first = _varied(scores[order], genres_of(catalogue)[order])
    places = np.concatenate([first, np.setdiff1d(np.arange(len(order)), first)])
    scores[order[places]] = scores[order]
    return scores


def _popularity(ratings: RatingTable) -> Floats:
    above = ratings.ratings.astype(np.float64) - overall_mean(ratings)
    total, count = totals(ratings.movies, above, ratings.n_movies)
    stars = overall_mean(ratings) + damped_mean(total, count, NEWCOMER_PRIOR)
    mean = (stars - LOWEST_RATING) / (HIGHEST_RATING - LOWEST_RATING)
    often = np.log1p(count) / np.log1p(max(1.0, count.max(initial=0)))
    return np.asarray(COUNT_SHARE * often + (1 - COUNT_SHARE) * mean)


def _varied(scores: Floats, genres: Bools) -> Ints:
    """Return positions of the first places among candidates (C,), of genres (C, G), in order."""
    shared = genres.astype(np.float64) @ genres.T
    sizes = genres.sum(axis=1)
    either = sizes[:, None] + sizes[None, :] - shared
    alike = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)  # (C, C)
    chosen: list[int] = []
    left, resembling = np.ones(len(scores), dtype=np.bool_), np.zeros(len(scores))
    for place in range(min(N_VARIED, len(scores))):
        worth = np.where(left, scores - VARIETY * resembling / max(1, place), -np.inf)
        best = int(np.argmax(worth))
        chosen.append(best)
        left[best] = False
        resembling += alike[best]
    return np.array(chosen, dtype=np.int64)
