"""Era component: from which years the user's movies are, against those of the catalogue."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reeltune.components.compiled_loops import product_loops
from reeltune.components.learned_component import ArrayFields, History, Planes
from reeltune.domain.arrays import Floats, Floats32, Ints, Ints32
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration
from reeltune.ratings.table import RatingTable

MIN_DENSITY = 1e-9  # of a year: no logarithm of 0
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

    ratios: Floats32  # (U, Y + 1) by year; the last column is 0, for movies without one
    year_of: Ints32  # (M,) column of each movie
    kernel: Floats  # (Y, Y) density that a movie of a year lends to each year
    base: Floats  # (Y,) density of the catalogue

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Estimate the densities of each user's years."""
        years = history.catalogue.release_years
        known = years > 0
        first = int(years[known].min(initial=1900)) if known.any() else 0
        n_years = int(years.max(initial=first)) - first + 1
        year_of = np.where(known, years - first, n_years).astype(np.int32)
        apart = np.abs(np.subtract.outer(np.arange(n_years), np.arange(n_years)))
        kernel = np.exp(-apart / float(values[WIDTH.name]))
        kernel /= kernel.sum(axis=1, keepdims=True)
        base = np.bincount(year_of[known], minlength=n_years)[:n_years] @ kernel
        base = base / max(base.sum(), 1.0) + MIN_DENSITY
        return cls(_ratios(history.ratings, year_of, kernel, base), year_of, kernel, base)

    def score(self, users: Ints) -> Planes:
        """Return the logarithms, (U, M)."""
        return {"era": self.ratios[users][:, self.year_of]}

    def fold_in(self, history: History) -> Self:
        """Return the component for other users; the years of the catalogue stay."""
        ratios = _ratios(history.ratings, self.year_of, self.kernel, self.base)
        return replace(self, ratios=ratios)


def _ratios(ratings: RatingTable, year_of: Ints32, kernel: Floats, base: Floats) -> Floats32:
    """Return by year the logarithm of each user's density over the catalogue's, (U, Y + 1)."""
    n_users, n_years = ratings.n_users, len(base)
    places = ratings.users.astype(np.int64) * (n_years + 1) + year_of[ratings.movies]
    own = np.bincount(places, minlength=n_users * (n_years + 1)).reshape(n_users, n_years + 1)
    own = own[:, :n_years].astype(np.float64)
    # Each row by itself: a matrix product may round rows of other users otherwise.
    dense = product_loops().times_dense(own, kernel) + PRIOR_MOVIES * base
    dense /= own.sum(axis=1, keepdims=True) + PRIOR_MOVIES
    ratios = np.zeros((n_users, n_years + 1), dtype=np.float32)
    ratios[:, :n_years] = np.log(dense / base)
    return ratios
