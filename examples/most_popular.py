"""Recommender of one's own, with one hyperparameter: the most popular movies, for everybody.

python tune_orchestrator.py --model examples.most_popular:MostPopular --method grid
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np

from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.space import Configuration, Hyperparameter, Single, Space
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable


class MostPopular:
    """Ranks by the number of ratings, each counting less the older it is."""

    space: ClassVar[Space] = Space(
        (
            Single(
                Hyperparameter(
                    name="half_life_years",
                    default=5.0,
                    low=0.1,
                    high=20.0,
                    meaning="years after which a rating counts half",
                )
            ),
        )
    )

    def __init__(self, hyperparameters: Configuration) -> None:
        self.half_life_seconds = float(hyperparameters["half_life_years"]) * 365.25 * 86_400
        self.counts: Floats = np.zeros(0)

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        """Count each movie's ratings, by age."""
        age = ratings.rated_at.max(initial=0) - ratings.rated_at
        worth = 0.5 ** (age / self.half_life_seconds)
        counts = np.bincount(ratings.movies, worth, minlength=ratings.n_movies)
        self.counts = counts.astype(np.float64)
        return self

    def score(self, users: Ints) -> Floats:
        """(U, M) the same counts for everybody."""
        return np.tile(self.counts, (len(users), 1))

    def arrays(self) -> dict[str, AnyArray]:
        """Return the counts."""
        return {"counts": self.counts}

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        """Take back the counts."""
        self.counts = np.asarray(arrays["counts"], dtype=np.float64)
        return self
