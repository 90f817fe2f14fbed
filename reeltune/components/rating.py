"""Rating component: the movie's mean rating by all users."""

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
    """Return the damped mean rating of each movie, (M,), from 0 (lowest) to 1 (highest rating).

    A movie without ratings has the mean of all ratings.
    """
    stars = centred.mean + damped_mean(*centred.movie_totals)
    return np.clip((stars - LOWEST_RATING) / (HIGHEST_RATING - LOWEST_RATING), 0, 1)


@dataclass(frozen=True, eq=False)
class Rating:
    """Damped mean rating of the movie, the same for all users."""

    name: ClassVar[str] = "rating"
    hyperparameters: ClassVar[tuple[str, ...]] = ()
    is_personal: ClassVar[bool] = False

    means: Floats  # (M,)

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> Self:
        """Average each movie's ratings."""
        return cls(means=movie_ratings(centred))

    def score(self, users: Ints, values: Configuration) -> Floats:
        """Return the damped means, (1, M)."""
        return self.means[None, :]

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """Return the movies' damped means, (N,)."""
        return self.means[movies]
