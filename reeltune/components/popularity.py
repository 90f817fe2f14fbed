"""Popularity component: mean and number of the movie's ratings."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reeltune.components.rating import movie_ratings
from reeltune.components.user_centred import UserCentredRatings
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import Configuration
from reeltune.ratings.catalogue import Catalogue


@dataclass(frozen=True, eq=False)
class Popularity:
    """Weighted sum of the damped mean rating and the number of ratings on a log scale.

    The most rated movie counts 1, one without ratings counts 0:
    `log(1 + n) / log(1 + max n)`.
    """

    name: ClassVar[str] = "popularity"
    hyperparameters: ClassVar[tuple[str, ...]] = (
        "popularity_rating_weight",
        "popularity_count_weight",
    )
    is_personal: ClassVar[bool] = False

    means: Floats  # (M,) shrunk mean rating, 0 to 1
    counts: Floats  # (M,) log-scaled number of ratings, 0 to 1

    @classmethod
    def fit(cls, centred: UserCentredRatings, catalogue: Catalogue) -> Self:
        """Count and average each movie's ratings."""
        _, count = centred.movie_totals
        most = max(1, int(count.max(initial=0)))
        return cls(means=movie_ratings(centred), counts=np.log1p(count) / np.log1p(most))

    def score(self, users: Ints, values: Configuration) -> Floats:
        """Return the weighted sum, (1, M)."""
        return self._mix(values)[None, :]

    def score_at(self, users: Ints, movies: Ints, values: Configuration) -> Floats:
        """Return the movies' weighted sums, (N,)."""
        return self._mix(values)[movies]

    def _mix(self, values: Configuration) -> Floats:
        mixed: Floats = (
            values["popularity_rating_weight"] * self.means
            + values["popularity_count_weight"] * self.counts
        )
        return mixed
