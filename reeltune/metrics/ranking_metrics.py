"""Ranking metrics: formula, direction and source of each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.domain.metric import Metric
from reeltune.metrics.ranking import Ranking
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RELEVANT_RATING, RatingTable

RELEVANT = RELEVANT_RATING
LIST_LENGTH = 10
RECALL_LENGTH = 20


@dataclass(frozen=True, eq=False)
class Outcome:
    """Rankings of users, and the held-out ratings to measure them against.

    Every user with a held-out rating is in `ranking`, in the order of their positions.
    """

    ranking: Ranking  # of E users and the H ratings in `held_out`, in its order
    fitting: RatingTable
    held_out: RatingTable
    catalogue: Catalogue

    @property
    def n_users(self) -> int:
        """Number of users of the whole table, also those without a held-out rating: U."""
        return self.held_out.n_users

    @cached_property
    def users(self) -> Ints:
        """Positions of the users with a held-out rating, ascending: (E,)."""
        return np.flatnonzero(np.diff(self.held_out.starts))

    @cached_property
    def relevant(self) -> Bools:
        """True where the user liked the held-out movie: (H,)."""
        return self.held_out.ratings >= RELEVANT

    def total(self, amounts: Floats | Bools) -> Floats:
        """Return the sum of `amounts` (H,) over each user's held-out ratings, (U,)."""
        weights = amounts.astype(np.float64)
        return np.bincount(self.held_out.users, weights, self.n_users).astype(np.float64)

    @cached_property
    def n_relevant(self) -> Floats:
        """Number of held-out movies that each user liked: (U,)."""
        return self.total(self.relevant)

    def of_all(self, values: Floats) -> Floats:
        """Return `values` (E,) of the ranked users, among all users: (U,), NaN for the others."""
        everyone = np.full(self.n_users, np.nan)
        everyone[self.users] = values
        return everyone


@dataclass(frozen=True)
class RankingMetric(Metric):
    """Metric of rankings."""

    measure: Callable[[Outcome], Floats]  # (U,) NaN for users who have none; (1,) if not per unit
    finds_liked: bool = False  # it counts liked movies on lists: popularity's lists are the least
    needs_dislikes: bool = False  # it says nothing where no data say what is not liked


def accuracy(outcome: Outcome) -> Floats:
    """Compute the share of a user's held-out pairs (liked, not liked) in the right order.

    Pairs of exactly equal scores count one half. (U,) 0 to 1; NaN for users without such a pair.

    Source: the area under the ROC curve as Mann and Whitney's U, Hanley and McNeil 1982,
    "The meaning and use of the area under a receiver operating characteristic (ROC) curve".
    """
    users, scores = outcome.held_out.users, outcome.ranking.held_out_scores
    order = np.lexsort((scores, users))
    users, scores = users[order], scores[order]
    new = np.ones(len(order), dtype=np.bool_)  # (H,) the first of equals
    new[1:] = (users[1:] != users[:-1]) | (scores[1:] != scores[:-1])
    first = np.flatnonzero(new)
    end = np.append(first[1:], len(order))
    middle = (first + end + 1) / 2  # mean rank of each group of equals, counted from 1
    ranks = np.empty(len(order))
    ranks[order] = middle[np.cumsum(new) - 1]
    ranks -= outcome.held_out.starts[outcome.held_out.users]  # from here on within the user
    liked = outcome.n_relevant
    n_pairs = liked * (outcome.total(np.ones(len(order))) - liked)
    right = outcome.total(ranks * outcome.relevant) - liked * (liked + 1) / 2
    return _quotient(right, n_pairs)


def ndcg(outcome: Outcome) -> Floats:
    """Compute how close each user's top 10 is to one with all liked movies first.

    (U,) 0 to 1; NaN for users who liked no held-out movie.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques",
    with relevance 0 or 1 and log2(rank + 1) as the discount.
    """
    ranks = outcome.ranking.held_out_ranks
    gained = outcome.total((outcome.relevant & (ranks <= LIST_LENGTH)) / np.log2(ranks + 1))
    discounts = 1 / np.log2(np.arange(LIST_LENGTH) + 2)
    ideal = np.append(0.0, np.cumsum(discounts))  # (11,) by number of movies liked
    n_shown = np.minimum(outcome.n_relevant, LIST_LENGTH).astype(np.int64)
    return _quotient(gained, ideal[n_shown])


def balanced(outcome: Outcome) -> Floats:
    """Compute the mean of a user's accuracy and NDCG@10: good order and good lists at once.

    (U,) 0 to 1; NaN for users without a pair of a liked and another held-out movie. A gain of 0.01
    in either counts the same. Source: Marler and Arora 2004, "Survey of multi-objective
    optimization methods for engineering", section 3.4 (weighted sum), with equal weights.
    """
    return (accuracy(outcome) + ndcg(outcome)) / 2


def recall(outcome: Outcome) -> Floats:
    """Compute the share of a user's liked held-out movies that are in their top 20.

    Below 1 for users who liked more than 20. (U,) 0 to 1; NaN for users who liked none.

    Source: Herlocker et al. 2004, "Evaluating collaborative filtering recommender systems".
    """
    found = outcome.relevant & (outcome.ranking.held_out_ranks <= RECALL_LENGTH)
    return _quotient(outcome.total(found), outcome.n_relevant)


def mrr(outcome: Outcome) -> Floats:
    """Compute one over the rank of the first movie a user liked, in the full ranking.

    (U,) 0 to 1; NaN for users who liked no held-out movie.

    Source: Voorhees 1999, "The TREC-8 question answering track report".
    """
    best = np.zeros(outcome.n_users)
    liked = outcome.relevant
    np.maximum.at(best, outcome.held_out.users[liked], 1 / outcome.ranking.held_out_ranks[liked])
    return np.where(outcome.n_relevant > 0, best, np.nan)


def coverage(outcome: Outcome) -> Floats:
    """Compute the share of the catalogue that is in any top 10: (1,) 0 to 1; NaN without users.

    Source: Herlocker et al. 2004, "Evaluating collaborative filtering recommender systems"
    (catalogue coverage).
    """
    if len(outcome.users) == 0:
        return np.array([np.nan])
    top = outcome.ranking.top
    return np.array([len(np.unique(top[top >= 0])) / outcome.catalogue.n_movies])


def novelty(outcome: Outcome) -> Floats:
    """Compute the mean self-information of a user's top 10, in bits: how little known it is.

    -log2 of the share of users who rated the movie, of all with a rating in the fitting part. A
    movie that nobody rated counts as if one user had.
    (U,) 0 or more; NaN for users with an empty list.

    Source: Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender
    systems" (mean self-information, or surprisal).
    """
    bits = self_information(outcome.fitting)  # (M,)
    shown = outcome.ranking.top >= 0  # (E, k)
    total = _in_turn(np.where(shown, bits[outcome.ranking.top], 0.0))
    return outcome.of_all(_quotient(total, shown.sum(axis=1)))


def self_information(fitting: RatingTable) -> Floats:
    """Compute the self-information of the event that a user rated the movie, (M,) bits."""
    n_raters = np.bincount(fitting.movies, minlength=fitting.n_movies)  # (M,)
    n_users = np.count_nonzero(np.diff(fitting.starts))
    bits: Floats = np.log2(max(n_users, 1) / np.maximum(n_raters, 1))
    return bits


def diversity(outcome: Outcome) -> Floats:
    """Compute the mean, over the pairs in a user's top 10, of 1 - cosine of the two movies' genres.

    Movies without genres are left out. (U,) 0 to 1; NaN for users whose list has
    fewer than two movies with genres.

    Source: Ziegler et al. 2005, "Improving recommendation lists through topic diversification"
    (intra-list similarity, here as 1 - its mean).
    """
    vectors = _genre_vectors(outcome.catalogue)  # (M + 1, G)
    total = np.zeros((len(outcome.users), vectors.shape[1]))  # (E, G)
    n = np.zeros(len(outcome.users))  # (E,)
    for movies in outcome.ranking.top.T:
        total += vectors[movies]
        n += vectors[movies].any(axis=1)
    # The squared length of a sum of n unit vectors is n and twice the cosine of each pair.
    similarity = _quotient(_in_turn(total**2) - n, n * (n - 1))
    return outcome.of_all(np.clip(1 - similarity, 0.0, 1.0))


def _in_turn(values: Floats) -> Floats:
    """Return the sum over the columns of `values` (E, k), added in their order."""
    total = np.zeros(len(values))
    for column in values.T:
        total += column
    return total


def _genre_vectors(catalogue: Catalogue) -> Floats:
    """Return genres as vectors of length 1, or 0 for none; the last row stands for no movie."""
    n_genres = np.diff(catalogue.genre_starts)  # (M,)
    vectors = np.zeros((catalogue.n_movies + 1, len(catalogue.genre_names)))
    movies = np.repeat(np.arange(catalogue.n_movies), n_genres)
    vectors[movies, catalogue.genres] = 1 / np.sqrt(n_genres[movies])
    return vectors


def _quotient(part: Floats, whole: Floats | Ints) -> Floats:
    """Return `part / whole`, NaN where `whole` is 0."""
    value: Floats = np.full(len(part), np.nan)
    return np.divide(part, whole, out=value, where=whole > 0)


def _metric(
    name: str,
    title: str,
    measure: Callable[[Outcome], Floats],
    *,
    per_unit: bool = True,
    finds_liked: bool = False,
    needs_dislikes: bool = False,
) -> RankingMetric:
    return RankingMetric(
        name,
        title,
        higher_is_better=True,
        per_unit=per_unit,
        measure=measure,
        finds_liked=finds_liked,
        needs_dislikes=needs_dislikes,
    )


_ALL = [
    _metric("accuracy", "Accuracy", accuracy, needs_dislikes=True),
    _metric("ndcg@10", "NDCG@10", ndcg, finds_liked=True),
    _metric("balanced", "Balanced", balanced, needs_dislikes=True),
    _metric("recall@20", "Recall@20", recall, finds_liked=True),
    _metric("mrr", "MRR", mrr, finds_liked=True),
    _metric("coverage@10", "Coverage@10", coverage, per_unit=False),
    _metric("novelty", "Novelty", novelty),
    _metric("diversity", "Diversity", diversity),
]
METRICS: dict[str, RankingMetric] = {metric.name: metric for metric in _ALL}
EVENTS_OBJECTIVE = "ndcg@10"  # in place of accuracy, where nothing says what is not liked
