"""Biased means: the mean of all ratings, with a bias of each user and of each movie.

Source: Koren 2009, "The BellKor solution to the Netflix grand prize", section 2.1.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reeltune.components.damped_mean import damped_mean, overall_mean, totals
from reeltune.components.learned_component import ArrayFields, History
from reeltune.components.rating_predictor import StarPlanes, within_scale
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration
from reeltune.ratings.table import RatingTable

BIAS_PRIOR = 5.0  # ratings, of biases that a model begins with
N_PASSES = 10  # over users and movies in turn; the biases change by less than 0.001 stars then

USER_PRIOR = FloatParameter(
    name="bias_user_prior",
    default=5.0,
    low=0.5,
    high=50.0,
    log=True,
    meaning="weight, in ratings, of the belief that a user rates as all users do",
)
MOVIE_PRIOR = FloatParameter(
    name="bias_movie_prior",
    default=5.0,
    low=0.5,
    high=50.0,
    log=True,
    meaning="weight, in ratings, of the belief that a movie is rated as all movies are",
)


@dataclass(frozen=True, eq=False)
class Biases:
    """Mean of all ratings, and biases that minimise the squared error with a ridge penalty."""

    mean: float
    users: Floats  # (U,)
    movies: Floats  # (M,)

    @classmethod
    def of(cls, table: RatingTable, user_prior: float, movie_prior: float) -> Self:
        """Fit to ratings, in turn for users and movies."""
        mean = overall_mean(table)
        above = table.ratings.astype(np.float64) - mean
        users, movies = np.zeros(table.n_users), np.zeros(table.n_movies)
        for _ in range(N_PASSES):
            left = totals(table.movies, above - users[table.users], table.n_movies)
            movies = damped_mean(*left, movie_prior)
            users = cls(mean, users, movies).of_users(table, user_prior)
        return cls(mean, users, movies)

    def of_users(self, table: RatingTable, prior: float) -> Floats:
        """Return the biases (U,) of the users of a table, given those of movies."""
        left = table.ratings.astype(np.float64) - self.mean - self.movies[table.movies]
        return damped_mean(*totals(table.users, left, table.n_users), prior)


@dataclass(frozen=True, eq=False)
class BiasedMeans(ArrayFields):
    """Mean of all ratings with the biases of user and movie."""

    name: ClassVar[str] = "biased_means"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (USER_PRIOR, MOVIE_PRIOR)
    planes: ClassVar[tuple[str, ...]] = ("biased_means",)

    mean: Floats  # (1,)
    users: Floats  # (U,)
    movies: Floats  # (M,)
    user_prior: Floats  # (1,) ratings

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Fit the biases."""
        priors = float(values[USER_PRIOR.name]), float(values[MOVIE_PRIOR.name])
        found = Biases.of(history.ratings, *priors)
        return cls(np.array([found.mean]), found.users, found.movies, np.array(priors[:1]))

    def fold_in(self, history: History) -> Self:
        """Return the means with the biases of the users of `history`."""
        biases = Biases(float(self.mean[0]), self.users, self.movies)
        users = biases.of_users(history.ratings, float(self.user_prior[0]))
        return replace(self, users=users)

    def score(self, users: Ints) -> StarPlanes:
        """Return the stars, (U, M)."""
        stars = self.mean + self.users[users, None] + self.movies
        return {self.name: stars.astype(np.float32)}

    def predict(self, users: Ints, movies: Ints) -> Floats:
        """Return the stars of pairs, (N,)."""
        return within_scale(self.mean + self.users[users] + self.movies[movies])
