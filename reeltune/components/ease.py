"""EASE components: linear models of which movie goes with which, in closed form.

Source: Steck 2019, "Embarrassingly shallow autoencoders for sparse data".
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import scipy  # its parts are imported when first used

from reeltune.components.learned_component import ArrayFields, History, Planes
from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration
from reeltune.ratings.table import HIGHEST_RATING, RELEVANT_RATING

MAX_INVERTED = 8_000  # rows of the matrix that is inverted; beyond it, the most rated movies only
LOWEST_STRENGTH, NO_STRENGTH = 0.25, 1.5  # stars: the least that a rating counts, and what is none

EASE_RIDGE = FloatParameter(
    name="ease_ridge",
    default=140.0,
    low=5.0,
    high=5_000.0,
    log=True,
    meaning="ridge penalty of EASE; the higher, the fewer rare pairs of movies count",
)
LIKED_RIDGE = FloatParameter(
    name="ease_liked_ridge",
    default=140.0,
    low=5.0,
    high=5_000.0,
    log=True,
    meaning="ridge penalty of EASE on liked movies alone",
)
RATING_POWER = FloatParameter(
    name="ease_rating_power",
    default=1.0,
    low=0.0,
    high=2.0,
    meaning="how much more a high rating counts for EASE than a low one; 0: alike",
)
RECENT_HALF_LIFE = FloatParameter(
    name="ease_recent_half_life",
    default=15.0,
    low=3.0,
    high=50.0,
    log=True,
    meaning="ratings of a user after which an earlier one counts half for recent taste",
)


@dataclass(frozen=True, eq=False)
class LinearAutoencoder:
    """EASE as the inverse of the smaller Gram matrix, of movies or of users.

    With X the interactions, P = (X'X + ridge I)^-1 and B = I - P / diag P, a user's scores are
    those of the own interactions times B. Where users are fewer than movies, P follows from
    K = (XX' + ridge I)^-1, as P = (I - X'KX) / ridge.
    """

    interactions: "scipy.sparse.csr_array"  # (U, M), X
    inverse: Floats  # K (U, U), or P (m, m) of the movies `kept`
    kept: Ints  # (m,) positions of movies; none where `inverse` is of users
    ridge: float

    @classmethod
    def fit(cls, interactions: "scipy.sparse.csr_array", ridge: float) -> Self:
        """Invert the Gram matrix of movies with interactions, or of users where they are fewer."""
        counts = np.bincount(interactions.indices, minlength=interactions.shape[1])
        n_kept = min(MAX_INVERTED, int(np.count_nonzero(counts)))
        kept = np.sort(np.argsort(-counts, kind="stable")[:n_kept])
        by_users = interactions.shape[0] <= min(MAX_INVERTED, len(kept))
        some = interactions if by_users else interactions[:, kept].T.tocsr()
        gram = (some @ some.T).toarray()
        gram[np.diag_indices(len(gram))] += ridge
        inverse = scipy.linalg.inv(gram, overwrite_a=True, check_finite=False)
        return cls(interactions, inverse, kept[:0] if by_users else kept, ridge)

    @cached_property
    def _spread(self) -> Floats:
        """K X, (U, M)."""
        spread: Floats = (self.interactions.T @ self.inverse.T).T
        return spread

    @cached_property
    def _diagonal(self) -> Floats:
        """Diagonal of P, (M,) or (m,)."""
        if len(self.kept):
            return np.diag(self.inverse).copy()
        explained = self.interactions.multiply(self._spread).sum(axis=0)  # (M,)
        diagonal: Floats = (1 - np.asarray(explained)) / self.ridge
        return diagonal

    def score(self, given: "scipy.sparse.csr_array") -> Floats:
        """Return (u, M) scores of users by the interactions `given` (u, M)."""
        if len(self.kept):
            found = np.zeros(given.shape)
            some = given[:, self.kept]
            found[:, self.kept] = some.toarray() - some @ (self.inverse / self._diagonal)
            return found
        own: Floats = given.toarray()
        alike: Floats = (given @ self.interactions.T).toarray()  # (u, U)
        scores: Floats = own - (own - alike @ self._spread) / (self.ridge * self._diagonal)
        return scores


@dataclass(frozen=True, eq=False)
class Ease(ArrayFields):
    """EASE on ratings by their strength: of all the user has rated, and of the latest."""

    name: ClassVar[str] = "ease"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (
        EASE_RIDGE,
        RATING_POWER,
        RECENT_HALF_LIFE,
    )
    planes: ClassVar[tuple[str, ...]] = ("ease", "ease_recent")

    starts: Ints  # (U + 1,)
    movies: Ints32  # (N,)
    strengths: Floats  # (N,)
    recency: Floats  # (N,) 1 for the user's latest
    inverse: Floats
    kept: Ints
    shape: Ints  # (2,) users, movies
    ridge: Floats  # (1,)

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Solve for all pairs of movies at once."""
        table, ridge = history.ratings, float(values[EASE_RIDGE.name])
        span = HIGHEST_RATING - NO_STRENGTH
        stars = np.maximum(table.ratings.astype(np.float64) - NO_STRENGTH, LOWEST_STRENGTH)
        strengths = (stars / span) ** float(values[RATING_POWER.name])
        solved = LinearAutoencoder.fit(history.matrix(strengths), ridge)
        return cls(
            starts=table.starts,
            movies=table.movies,
            strengths=strengths,
            recency=0.5 ** (history.later / float(values[RECENT_HALF_LIFE.name])),
            inverse=solved.inverse,
            kept=solved.kept,
            shape=np.array([table.n_users, table.n_movies]),
            ridge=np.array([ridge]),
        )

    @cached_property
    def _solved(self) -> LinearAutoencoder:
        matrix = self._matrix(self.strengths)
        return LinearAutoencoder(matrix, self.inverse, self.kept, float(self.ridge[0]))

    def _matrix(self, values: Floats) -> "scipy.sparse.csr_array":
        return scipy.sparse.csr_array((values, self.movies, self.starts), tuple(self.shape))

    def score(self, users: Ints) -> Planes:
        """Return the scores of all ratings and of the latest, (U, M) each."""
        return {
            "ease": self._solved.score(self._solved.interactions[users]),
            "ease_recent": self._solved.score(self._matrix(self.recency)[users]),
        }


@dataclass(frozen=True, eq=False)
class EaseLiked(ArrayFields):
    """EASE on liked movies alone, each counting 1."""

    name: ClassVar[str] = "ease_liked"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (LIKED_RIDGE,)
    planes: ClassVar[tuple[str, ...]] = ("ease_liked",)

    starts: Ints  # (U + 1,)
    movies: Ints32  # (L,)
    inverse: Floats
    kept: Ints
    shape: Ints  # (2,) users, movies
    ridge: Floats  # (1,)

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Solve for all pairs of movies at once."""
        table = history.ratings
        liked = history.ratings.where(table.ratings >= RELEVANT_RATING)
        shape = (table.n_users, table.n_movies)
        ones = np.ones(len(liked))
        matrix = scipy.sparse.csr_array((ones, liked.movies, liked.starts), shape)
        solved = LinearAutoencoder.fit(matrix, float(values[LIKED_RIDGE.name]))
        return cls(
            starts=liked.starts,
            movies=liked.movies,
            inverse=solved.inverse,
            kept=solved.kept,
            shape=np.array(shape),
            ridge=np.array([solved.ridge]),
        )

    @cached_property
    def _solved(self) -> LinearAutoencoder:
        ones = np.ones(len(self.movies))
        matrix = scipy.sparse.csr_array((ones, self.movies, self.starts), tuple(self.shape))
        return LinearAutoencoder(matrix, self.inverse, self.kept, float(self.ridge[0]))

    def score(self, users: Ints) -> Planes:
        """Return the scores, (U, M)."""
        return {"ease_liked": self._solved.score(self._solved.interactions[users])}
