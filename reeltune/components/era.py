"""Era component: from which years the user's movies are, against those of the catalogue."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reeltune.components.learned_component import ArrayFields, History, Planes
from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration

PRIOR_MOVIES = 5.0  # movies by the catalogue's years, believed before any of the user's was seen

WIDTH = FloatParameter(
    name="era_width",
    default=4.0,
    low=1.0,
    high=10.0,
    log=True,
    meaning="years by which a movie tells of the user's taste for others, to a factor of e",
)


@dataclass(frozen=True, eq=False)
class Era(ArrayFields):
    """Logarithm of how much denser the user's movies are in a release year than the catalogue's.

    Densities by a Laplace kernel over years. 0 where the year is not known.
    """

    name: ClassVar[str] = "era"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (WIDTH,)
    planes: ClassVar[tuple[str, ...]] = ("era",)

    ratios: Floats  # (U, Y + 1) by year; the last column is 0, for movies without one
    year_of: Ints32  # (M,) column of each movie

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Estimate the densities of each user's years."""
        table, years = history.ratings, history.catalogue.release_years
        known = years > 0
        first = int(years[known].min(initial=1900)) if known.any() else 0
        n_years = int(years.max(initial=first)) - first + 1
        year_of = np.where(known, years - first, n_years).astype(np.int32)
        apart = np.abs(np.subtract.outer(np.arange(n_years), np.arange(n_years)))
        kernel = np.exp(-apart / float(values[WIDTH.name]))
        kernel /= kernel.sum(axis=1, keepdims=True)
        base = np.bincount(year_of[known], minlength=n_years)[:n_years] @ kernel
        base = base / max(base.sum(), 1.0) + 1e-9
        own = np.zeros((table.n_users, n_years + 1))
        np.add.at(own, (table.users, year_of[table.movies]), 1.0)
        dense = own[:, :n_years] @ kernel + PRIOR_MOVIES * base
        dense /= own[:, :n_years].sum(axis=1, keepdims=True) + PRIOR_MOVIES
        return cls(
            ratios=np.hstack([np.log(dense / base), np.zeros((table.n_users, 1))]),
            year_of=year_of,
        )

    def score(self, users: Ints) -> Planes:
        """Return the logarithms, (U, M)."""
        return {"era": self.ratios[users][:, self.year_of]}
