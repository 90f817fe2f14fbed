"""Segments of users and movies, and the accuracy of a model in each."""

from collections.abc import Callable

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Floats32, Ints, Ints32
from reeltune.metrics.ranking import SCORES_BYTES, Ranking
from reeltune.metrics.ranking_metrics import Outcome, accuracy
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable

MAX_SEGMENT_USERS = 5_000  # for segments of movies, drawn at random where there are more
MIN_SEGMENT_USERS = 20  # with a value: below, a segment is not shown
QUARTER = 0.25
NEW_PERCENT = 20

PAIRS_AT_ONCE = 2**13

Score = Callable[[Ints], Floats | Floats32]  # (U, M) of users
PairScore = Callable[[Ints, Ints32], Floats]  # (N,) of users and movies
HeldOutScores = Callable[[RatingTable], Floats]  # (H,) of its ratings


def user_segments(fitting: RatingTable, held_out: RatingTable) -> dict[str, Bools]:
    """Return new and heavy users, (U,) each: the quarters with the fewest and the most ratings.

    Ratings to fit are counted. Of the users with a held-out rating; those with equally many are all
    in, so that a quarter may be larger. Where all have equally many, both are empty.
    """
    measured = np.diff(held_out.starts) > 0  # (U,)
    n = np.diff(fitting.starts)  # (U,)
    if not measured.any() or np.ptp(n[measured]) == 0:
        return {}
    few, many = np.quantile(n[measured], [QUARTER, 1 - QUARTER])
    return {"new users": measured & (n <= few), "heavy users": measured & (n >= many)}


def movie_segments(fitting: RatingTable, catalogue: Catalogue) -> dict[str, Bools]:
    """Return the movies that are new, those that are old, and those of each genre, (M,) each.

    New are movies without a rating, and those first rated during the last 20 % of the
    ratings to fit.
    """
    first_rated = np.full(fitting.n_movies, np.iinfo(np.int64).max)
    np.minimum.at(first_rated, fitting.movies, fitting.rated_at)
    late = np.quantile(fitting.rated_at, 1 - NEW_PERCENT / 100) if len(fitting) else 0
    new = first_rated >= late  # (M,)
    found = {"new movies": new, "old movies": ~new}
    n_genres = np.diff(catalogue.genre_starts)  # (M,)
    movie_of = np.repeat(np.arange(catalogue.n_movies), n_genres)
    for genre, name in enumerate(catalogue.genre_names):
        has = np.zeros(catalogue.n_movies, dtype=np.bool_)
        has[movie_of[catalogue.genres == genre]] = True
        found[f"genre {name}"] = has
    return found


def movie_accuracies(
    scores_of: HeldOutScores, fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue
) -> dict[str, Floats]:
    """Compute, by segment of movies, the accuracy (U,) over pairs with at least one of them.

    Of at most 5,000 users, always the same ones; NaN for the others and for users without such a
    pair. Segments in which fewer than 20 users have a value are left out.
    """
    part = held_out.where(_drawn(held_out)[held_out.users])
    scores = scores_of(part)  # (H,)
    right, n_pairs = _right_pairs(scores, fitting, part, catalogue)
    found = {}
    for name, movies in movie_segments(fitting, catalogue).items():
        others = ~movies[part.movies]  # (H,)
        right_others, n_others = _right_pairs(
            scores[others], fitting, part.where(others), catalogue
        )
        n = n_pairs - n_others
        values: Floats = np.full(len(n), np.nan)
        np.divide(right - right_others, n, out=values, where=n > 0)
        if np.count_nonzero(n) >= MIN_SEGMENT_USERS:
            found[name] = values
    return found


def held_out_scores(score: Score, held_out: RatingTable) -> Floats:
    """Return the score of each held-out rating's movie for its user, (H,), in bounded memory."""
    users = np.flatnonzero(np.diff(held_out.starts))
    size = max(1, SCORES_BYTES // (8 * max(1, held_out.n_movies)))
    scores = np.empty(len(held_out))
    for start in range(0, len(users), size):
        some = users[start : start + size]
        rows = slice(held_out.starts[some[0]], held_out.starts[some[-1] + 1])
        row_of = np.searchsorted(some, held_out.users[rows])
        scores[rows] = np.asarray(score(some))[row_of, held_out.movies[rows]]
    return scores


def held_out_scores_at(score_at: PairScore, held_out: RatingTable) -> Floats:
    """Return `held_out_scores` of a model that can score single pairs."""
    scores = np.empty(len(held_out))
    for start in range(0, len(held_out), PAIRS_AT_ONCE):
        rows = slice(start, start + PAIRS_AT_ONCE)
        scores[rows] = score_at(held_out.users[rows].astype(np.int64), held_out.movies[rows])
    return scores


def _drawn(held_out: RatingTable) -> Bools:
    """Return True for the users on whom segments of movies are measured, (U,)."""
    users = np.flatnonzero(np.diff(held_out.starts))
    chosen = np.zeros(held_out.n_users, dtype=np.bool_)
    chosen[np.random.default_rng(0).permutation(users)[:MAX_SEGMENT_USERS]] = True
    return chosen


def _right_pairs(
    scores: Floats, fitting: RatingTable, held_out: RatingTable, catalogue: Catalogue
) -> tuple[Floats, Floats]:
    """Return how many pairs of each user are in the right order, (U,), and of how many, (U,)."""
    ranking = Ranking(np.empty((0, 0), np.int64), np.empty(0, np.int64), scores)
    outcome = Outcome(ranking, fitting, held_out, catalogue)
    liked = outcome.n_relevant
    n_pairs = liked * (outcome.total(np.ones(len(held_out))) - liked)
    return np.nan_to_num(accuracy(outcome)) * n_pairs, n_pairs
