"""Protocol of rating predictors: learned components whose plane is predicted stars."""

from collections.abc import Mapping
from typing import ClassVar, Protocol, Self

import numpy as np

from reeltune.components.learned_component import History
from reeltune.domain.arrays import AnyArray, Bools, Floats, Floats32, Ints
from reeltune.domain.parameters import Hyperparameter
from reeltune.domain.space import Configuration
from reeltune.ratings.hashing import mixed
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING, RatingTable

StarPlanes = Mapping[str, Floats32]  # by plane, (U, M)


class RatingPredictor(Protocol):
    """Learned component with one plane, named as the component: the stars of each movie.

    The plane is not cut to the scale of ratings, so that it ranks without ties.
    """

    name: ClassVar[str]
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]]  # that `fit` reads
    planes: ClassVar[tuple[str, ...]]  # the name alone

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Fit to `history` alone."""

    def score(self, users: Ints) -> StarPlanes:
        """Return the plane, (U, M)."""

    def fold_in(self, history: History) -> Self:
        """Return the predictor for the users of `history`; what was fitted of movies stays."""

    def arrays(self) -> dict[str, AnyArray]:
        """Return all that was fitted, by name."""

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return the predictor that `arrays` are of."""

    def predict(self, users: Ints, movies: Ints) -> Floats:
        """Return the stars that users[n] will give movies[n], (N,), within the scale."""


def within_scale(stars: Floats) -> Floats:
    """Return stars cut to the scale of ratings.

    >>> within_scale(np.array([0.1, 3.3, 6.0]))
    array([0.5, 3.3, 5. ])
    """
    return np.clip(stars, LOWEST_RATING, HIGHEST_RATING)


def folds_of(table: RatingTable, n_folds: int) -> Ints:
    """Return the fold of each rating (N,), 0 to `n_folds` - 1, by a hash of user and movie."""
    users = mixed(table.user_ids.astype(np.uint64))[table.users]
    both = mixed(users ^ table.movie_ids.astype(np.uint64)[table.movies])
    return (both % np.uint64(n_folds)).astype(np.int64)


def rated_by(table: RatingTable) -> tuple[Bools, Bools]:
    """Return which users (U,) and which movies (M,) have a rating."""
    n_of_movies = np.bincount(table.movies, minlength=table.n_movies)
    return np.diff(table.starts) > 0, n_of_movies > 0
