"""The rating component: how well the movie is rated by all."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reeltune.components.liking import shrunk_mean
from reeltune.components.opinions import Opinions
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING


def movie_ratings(opinions: Opinions) -> Floats:
    """(M,) shrunk mean rating of each movie, from 0 (lowest rating) to 1 (highest).

    A movie nobody has rated has the mean of all ratings.
    """
    stars = opinions.mean + shrunk_mean(*opinions.movie_totals)
    return np.clip((stars - LOWEST_RATING) / (HIGHEST_RATING - LOWEST_RATING), 0, 1)


@dataclass(frozen=True, eq=False)
class Rating:
    """The movie's shrunken mean rating, the same for all users."""

    name: ClassVar[str] = "rating"
    hyperparameters: ClassVar[tuple[str, ...]] = ()

    means: Floats  # (M,)

    @classmethod
    def fit(cls, opinions: Opinions, catalogue: Catalogue) -> Self:
        """Average each movie's ratings."""
        return cls(means=movie_ratings(opinions))

    def score(self, users: Ints, values: Configuration) -> Floats:
        """(1, M) the shrunk means."""
        return self.means[None, :]

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """(N,) the movies' shrunk means."""
        return self.means[movies]
