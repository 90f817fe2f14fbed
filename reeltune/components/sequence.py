"""Sequence component: what users have liked soon after what this user has rated last."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reeltune.components.compiled_loops import product_loops
from reeltune.components.learned_component import ArrayFields, History, Planes
from reeltune.domain.arrays import Bools, Floats, Ints, Ints32
from reeltune.domain.parameters import FloatParameter, Hyperparameter, IntParameter
from reeltune.domain.space import Configuration
from reeltune.ratings.table import RELEVANT_RATING

ROW_PRIOR, COLUMN_PRIOR = 5.0, 1.0  # successions believed of each movie before any was seen
MAX_WINDOW = 20
FORGOTTEN = 2.0**-10  # recency below which a rating counts nothing

WINDOW = IntParameter(
    name="sequence_window",
    default=10,
    low=3,
    high=MAX_WINDOW,
    meaning="ratings of a user after a movie that count as following it",
)
DECAY = FloatParameter(
    name="sequence_decay",
    default=0.85,
    low=0.7,
    high=0.98,
    meaning="how much less each further place after a movie counts",
)
SEQUENCE_HALF_LIFE = FloatParameter(
    name="sequence_half_life",
    default=8.0,
    low=1.0,
    high=30.0,
    log=True,
    meaning="ratings of a user after which an earlier one counts half for what comes next",
)
FROM_EXPONENT = FloatParameter(
    name="sequence_from_exponent",
    default=0.6,
    low=0.2,
    high=1.0,
    meaning="how much is taken off for movies that many have rated before others",
)
TO_EXPONENT = FloatParameter(
    name="sequence_to_exponent",
    default=0.4,
    low=0.0,
    high=0.6,
    meaning="how much is taken off for movies that many have rated after others",
)


@dataclass(frozen=True, eq=False)
class Sequence(ArrayFields):
    """Successions of movies, weighted by how near they are and by how recent the first one is.

    T[i, j] sums decay^(d - 1) over users who liked j at d ratings after i, d up to the window, over
    powers of how often i comes first and j second.
    """

    name: ClassVar[str] = "sequence"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (
        WINDOW,
        DECAY,
        SEQUENCE_HALF_LIFE,
        FROM_EXPONENT,
        TO_EXPONENT,
    )
    planes: ClassVar[tuple[str, ...]] = ("sequence",)

    starts: Ints  # (U + 1,)
    movies: Ints32  # (N,)
    recency: Floats  # (N,) 1 for the user's latest
    next_starts: Ints  # (M + 1,)
    next_movies: Ints32  # movies that come after each movie
    next_scores: Floats
    half_life: Floats  # (1,)

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Count successions."""
        table = history.ratings
        pairs = history.kept("successions", MAX_WINDOW, lambda: Successions.of(history))
        window, decay = int(values[WINDOW.name]), float(values[DECAY.name])
        by_distance = np.where(np.arange(MAX_WINDOW) < window, decay ** np.arange(MAX_WINDOW), 0.0)
        sums = pairs.sums(by_distance)
        chosen = sums > 0
        sums, from_, to = sums[chosen], pairs.from_[chosen], pairs.to[chosen]
        n = table.n_movies
        row = (np.bincount(from_, sums, n) + ROW_PRIOR) ** -float(values[FROM_EXPONENT.name])
        column = (np.bincount(to, sums, n) + COLUMN_PRIOR) ** -float(values[TO_EXPONENT.name])
        half_life = float(values[SEQUENCE_HALF_LIFE.name])
        return cls(
            starts=table.starts,
            movies=table.movies,
            recency=_recency(history, half_life),
            next_starts=np.concatenate([[0], np.cumsum(np.bincount(from_, minlength=n))]),
            next_movies=to,
            next_scores=sums * row[from_] * column[to],
            half_life=np.array([half_life]),
        )

    def score(self, users: Ints) -> Planes:
        """Return the scores, (U, M)."""
        recent = (users, self.starts, self.movies, self.recency)
        following = (self.next_starts, self.next_movies, self.next_scores)
        return {"sequence": product_loops().times_sparse(*recent, *following)}

    def fold_in(self, history: History) -> Self:
        """Return the component for other users; the successions stay."""
        return replace(
            self,
            starts=history.ratings.starts,
            movies=history.ratings.movies,
            recency=_recency(history, float(self.half_life[0])),
        )


@dataclass(frozen=True, eq=False)
class Successions:
    """Pairs of movies of which the second was liked after the first, and how long after."""

    from_: Ints32  # (E,) pairs, ascending
    to: Ints32  # (E,)
    first: Ints  # (E,) where the pair's distances begin
    distances: Ints  # (S,) ratings from the first movie to the second, less one

    def sums(self, by_distance: Floats) -> Floats:
        """Return what each pair's distances are worth together, (E,)."""
        if not len(self.first):
            return np.zeros(0)
        return np.add.reduceat(by_distance[self.distances], self.first)

    @classmethod
    def of(cls, history: History) -> Self:
        """Find all pairs up to `MAX_WINDOW` ratings apart."""
        table, order = history.ratings, history.by_time
        users, movies = table.users[order], table.movies[order].astype(np.int64)
        liked = table.ratings[order] >= RELEVANT_RATING
        found = []
        for distance in range(1, MAX_WINDOW + 1):
            chosen = _same_user(users, distance) & liked[distance:]
            first, second = movies[:-distance][chosen], movies[distance:][chosen]
            found.append(first * table.n_movies + second)
        keys = np.concatenate([np.zeros(0, dtype=np.int64), *found])
        distances = np.repeat(np.arange(len(found)), [len(each) for each in found])
        by_key = np.argsort(keys, kind="stable")
        keys = keys[by_key]
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        return cls(
            from_=(keys[first] // table.n_movies).astype(np.int32),
            to=(keys[first] % table.n_movies).astype(np.int32),
            first=first,
            distances=distances[by_key],
        )


def _same_user(users: Ints32, distance: int) -> Bools:
    """Return if a rating and the one so many after it are of one user, (N - distance,)."""
    same: Bools = users[:-distance] == users[distance:]
    return same


def _recency(history: History, half_life: float) -> Floats:
    """Return how recent each rating is (N,): 1 for the user's latest, 0 for what is forgotten."""
    recency: Floats = 0.5 ** (history.later / half_life)
    return np.where(recency < FORGOTTEN, 0.0, recency)
