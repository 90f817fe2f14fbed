"""Quality component: how much better than their users' means a movie's ratings are."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reeltune.components.damped_mean import damped_mean, totals
from reeltune.components.learned_component import ArrayFields, History, Planes
from reeltune.domain.arrays import Floats32, Ints
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration

QUALITY_PRIOR = FloatParameter(
    name="quality_prior",
    default=5.0,
    low=1.0,
    high=20.0,
    log=True,
    meaning="weight, in ratings, of the belief that a movie is as good as any other",
)


@dataclass(frozen=True, eq=False)
class Quality(ArrayFields):
    """Damped mean of a movie's ratings less their users' means, and its number of ratings."""

    name: ClassVar[str] = "quality"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (QUALITY_PRIOR,)
    planes: ClassVar[tuple[str, ...]] = ("quality", "popularity")

    means: Floats32  # (M,) stars
    counts: Floats32  # (M,) on a log scale

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Average and count."""
        table = history.ratings
        total, count = totals(table.movies, history.centred.deviations, table.n_movies)
        return cls(
            means=damped_mean(total, count, prior=float(values[QUALITY_PRIOR.name])).astype(
                np.float32
            ),
            counts=np.log1p(count).astype(np.float32),
        )

    def score(self, users: Ints) -> Planes:
        """Return the means and the numbers, (1, M) each."""
        return {"quality": self.means[None, :], "popularity": self.counts[None, :]}

    def fold_in(self, history: History) -> Self:
        """Return this component: no user's ratings enter it."""
        return self
