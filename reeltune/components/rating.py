"""The rating component: how well the movie is rated by all."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reeltune.components.damped_mean import damped_mean
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING


def movie_ratings(centred: UserCentredRatings) -> Floats:
    """(M,) shrunk mean rating of each movie, from 0 (lowest rating) to 1 (highest).

    A movie nobody has rated has the mean of all ratings.
    """
    stars = centred.mean + damped_mean(*centred.movie_totals)
    return np.clip((stars - LOWEST_RATING) / (HIGHEST_RATING - LOWEST_RATING), 0, 1)


@dataclass(frozen=True, eq=False)
class Rating:
    """The movie's shrunken mean rating, the same for all users."""

    name: ClassVar[str] = "rating"
    hyperparameters: ClassVar[tuple[str, ...]] = ()

    means: Floats  # (M,)

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> Self:
        """Average each movie's ratings."""
        return cls(means=movie_ratings(centred))

    def score(self, users: Ints, values: Configuration) -> Floats:
        """(1, M) the shrunk means."""
        return self.means[None, :]

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """(N,) the movies' shrunk means."""
        return self.means[movies]
