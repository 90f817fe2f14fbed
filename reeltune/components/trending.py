"""Trending component: how often all users rated a movie around the time of the user's latest."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reeltune.components.compiled_loops import product_loops
from reeltune.components.learned_component import ArrayFields, History, Planes
from reeltune.domain.arrays import Floats, Ints, Ints32
from reeltune.domain.parameters import FloatParameter, Hyperparameter
from reeltune.domain.space import Configuration
from reeltune.ratings.splits import SECONDS_PER_DAY
from reeltune.ratings.table import RatingTable

MAX_PERIODS = 64  # of equally many ratings, into which time is cut

HALF_LIFE = FloatParameter(
    name="trending_half_life",
    default=180.0,
    low=14.0,
    high=2_000.0,
    log=True,
    meaning="days from the user's latest rating by which others' ratings count half for trends",
)


@dataclass(frozen=True, eq=False)
class Trending(ArrayFields):
    """Logarithm of the number of a movie's ratings, weighted by how near they are in time.

    Near to the user's latest rating, or to the latest of all for who has none.
    """

    name: ClassVar[str] = "trending"
    hyperparameters: ClassVar[tuple[Hyperparameter, ...]] = (HALF_LIFE,)
    planes: ClassVar[tuple[str, ...]] = ("trending",)

    starts: Ints  # (M + 1,)
    periods: Ints32  # (E,) in which a movie was rated
    counts: Floats  # (E,) and how often
    times: Floats  # (B,) days: the middle of each period
    half_life: Floats  # (1,) days
    latest: Floats  # (U,) days: when each user last rated

    @classmethod
    def fit(cls, history: History, values: Configuration) -> Self:
        """Count by movie and period."""
        table = history.ratings
        days = table.rated_at / SECONDS_PER_DAY
        by_time = np.argsort(table.rated_at, kind="stable")
        n_periods = max(1, min(MAX_PERIODS, len(table)))
        period = np.empty(len(table), dtype=np.int64)
        period[by_time] = np.arange(len(table)) * n_periods // max(1, len(table))
        keys, counts = np.unique(table.movies * n_periods + period, return_counts=True)
        n_each = np.maximum(np.bincount(period, minlength=n_periods), 1)
        return cls(
            starts=np.searchsorted(keys // n_periods, np.arange(table.n_movies + 1)),
            periods=(keys % n_periods).astype(np.int32),
            counts=counts.astype(np.float64),
            times=np.bincount(period, days, n_periods) / n_each,
            half_life=np.array([float(values[HALF_LIFE.name])]),
            latest=_latest(table, float(days.max(initial=0.0))),
        )

    def score(self, users: Ints) -> Planes:
        """Return the logarithms, (U, M)."""
        apart = np.abs(self.latest[users][:, None] - self.times[None, :])  # (u, B)
        nearest = apart.min(axis=1, keepdims=True)
        weights = 0.5 ** ((apart - nearest) / self.half_life)
        counted = product_loops().times_columns(weights, self.starts, self.periods, self.counts)
        return {"trending": np.log1p(counted, out=counted)}

    def fold_in(self, history: History) -> Self:
        """Return the component for other users, whose time is their own."""
        return replace(self, latest=_latest(history.ratings, float(self.times[-1])))


def _latest(ratings: RatingTable, otherwise: float) -> Floats:
    """Return when each user last rated, in days (U,); `otherwise` for who never did."""
    found = np.full(ratings.n_users, otherwise)
    some = np.diff(ratings.starts) > 0
    found[some] = ratings.rated_at[ratings.starts[1:][some] - 1] / SECONDS_PER_DAY
    return found
