"""Sequence component: what users have liked soon after what this user has rated last."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.learned_component import ArrayFields, History, Planes
from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.domain.parameters import FloatParameter, Hyperparameter, IntParameter
from reeltune.domain.space import Configuration
from reeltune.ratings.table import RELEVANT_RATING

ROW_PRIOR, COLUMN_PRIOR = 5.0, 1.0  # successions believed of each movie before any was seen

WINDOW = IntParameter(
    name="sequence_window",
    default=10,
    low=3,
    high=20,
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

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Count successions."""
        table = history.ratings
        found = _successions(history, int(values[WINDOW.name]), float(values[DECAY.name]))
        from_ = np.asarray(found.sum(axis=1)) + ROW_PRIOR
        to = np.asarray(found.sum(axis=0)) + COLUMN_PRIOR
        found.data /= np.repeat(from_ ** values[FROM_EXPONENT.name], np.diff(found.indptr))
        found.data /= (to ** values[TO_EXPONENT.name])[found.indices]
        return cls(
            starts=table.starts,
            movies=table.movies,
            recency=0.5 ** (history.later / float(values[SEQUENCE_HALF_LIFE.name])),
            next_starts=found.indptr.astype(np.int64),
            next_movies=found.indices.astype(np.int32),
            next_scores=found.data,
        )

    def score(self, users: Ints) -> Planes:
        """Return the scores, (U, M)."""
        n_movies = len(self.next_starts) - 1
        shape = (len(self.starts) - 1, n_movies)
        recent = scipy.sparse.csr_array((self.recency, self.movies, self.starts), shape)[users]
        following = scipy.sparse.csr_array(
            (self.next_scores, self.next_movies, self.next_starts), (n_movies, n_movies)
        )
        return {"sequence": (recent @ following).toarray()}


def _successions(history: History, window: int, decay: float) -> "scipy.sparse.csr_array":
    """Return (M, M) the decayed number of times that a movie was liked after another."""
    table, order = history.ratings, history.by_time
    users, movies = table.users[order], table.movies[order]
    liked = table.ratings[order] >= RELEVANT_RATING
    shape = (table.n_movies, table.n_movies)
    found = scipy.sparse.csr_array(shape)
    for distance in range(1, window + 1):
        same = (users[:-distance] == users[distance:]) & liked[distance:]
        weights = np.full(int(same.sum()), decay ** (distance - 1))
        pairs = (movies[:-distance][same], movies[distance:][same])
        found += scipy.sparse.coo_array((weights, pairs), shape).tocsr()
    found.sort_indices()
    return found
