"""The rating component: how well the movie is rated by all."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from components.liking import deviations_from_all, overall_mean, shrunk_mean, totals
from domain.arrays import Floats, Ints
from domain.catalogue import Catalogue
from domain.ratings import HIGHEST_RATING, LOWEST_RATING, RatingTable
from domain.space import Configuration


def movie_ratings(ratings: RatingTable) -> Floats:
    """(M,) shrunk mean rating of each movie, from 0 (lowest rating) to 1 (highest).

    A movie nobody has rated has the mean of all ratings.
    """
    above = totals(ratings.movies, deviations_from_all(ratings), ratings.n_movies)
    stars = overall_mean(ratings) + shrunk_mean(*above)
    return np.clip((stars - LOWEST_RATING) / (HIGHEST_RATING - LOWEST_RATING), 0, 1)


@dataclass(frozen=True, eq=False)
class Rating:
    """The movie's shrunken mean rating, the same for all users."""

    name: ClassVar[str] = "rating"
    hyperparameters: ClassVar[tuple[str, ...]] = ()

    means: Floats  # (M,)

    @classmethod
    def fit(cls, ratings: RatingTable, catalogue: Catalogue) -> Self:
        """Average each movie's ratings."""
        return cls(means=movie_ratings(ratings))

    def score(self, users: Ints, values: Configuration) -> Floats:
        """(1, M) the shrunk means."""
        return self.means[None, :]

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """(N,) the movies' shrunk means."""
        return self.means[movies]
