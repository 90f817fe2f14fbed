"""A small model of one's own with hyperparameters of every kind."""

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np

from reeltune.domain.arrays import AnyArray, Floats, Ints
from reeltune.domain.space import (
    BooleanParameter,
    CategoricalParameter,
    Configuration,
    FloatParameter,
    IntParameter,
    Space,
    when,
)
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.table import RatingTable


class Mixed:
    """Scores movies by their number of ratings or their mean, the same for everybody."""

    space: ClassVar[Space] = Space.of(
        CategoricalParameter(
            name="kind", default="count", choices=("count", "mean", "genre"), meaning="what counts"
        ),
        BooleanParameter(name="new first", default=False, meaning="turns the order round"),
        FloatParameter(
            name="noise", default=1e-6, low=1e-9, high=1.0, log=True, meaning="added to a score"
        ),
        IntParameter(
            name="prior",
            default=5,
            low=1,
            high=1000,
            log=True,
            meaning="ratings at the mean",
            active_when=when(kind="mean"),
        ),
        CategoricalParameter(
            name="genre_weight",
            default="low",
            choices=("low", "high"),
            meaning="a word",
            active_when=when(kind=("mean", "genre")),
        ),
    )

    def __init__(self, hyperparameters: Configuration) -> None:
        self.hyperparameters = hyperparameters
        self.scores: Floats = np.zeros(0)

    def fit(self, ratings: RatingTable, catalogue: Catalogue) -> Self:
        given = self.hyperparameters
        counts = np.bincount(ratings.movies, minlength=ratings.n_movies).astype(np.float64)
        scores = counts
        if given["kind"] == "mean":
            totals = np.bincount(ratings.movies, ratings.ratings, minlength=ratings.n_movies)
            scores = (totals + 3.5 * given["prior"]) / (counts + given["prior"])
        noise = np.random.default_rng(0).standard_normal(len(scores))
        self.scores = (scores + given["noise"] * noise) * (-1 if given["new first"] else 1)
        return self

    def score(self, users: Ints) -> Floats:
        return np.tile(self.scores, (len(users), 1))

    def arrays(self) -> dict[str, AnyArray]:
        return {"scores": self.scores}

    def load(self, arrays: Mapping[str, AnyArray]) -> Self:
        self.scores = np.asarray(arrays["scores"], dtype=np.float64)
        return self
