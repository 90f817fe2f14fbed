"""Features of a combiner: planes of scores, standardised for each user over unrated movies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from reeltune.components.learned_component import LearnedComponent, Planes
from reeltune.domain.arrays import AnyArray, Bools, Floats, Ints, Ints32
from reeltune.ratings.table import RatingTable

FLAT = 1e-12  # deviation, as a share of the mean, below which all scores are one
FEATURES_PER_PLANE = 2  # the standardised score, and its signed logarithm


@dataclass(frozen=True, eq=False)
class RatedMovies:
    """Movies that each user has rated, in compressed rows."""

    starts: Ints  # (U + 1,)
    movies: Ints32  # (N,)
    n_movies: int  # of the catalogue: M

    @classmethod
    def of(cls, table: RatingTable) -> Self:
        """Return what is rated in a table."""
        return cls(table.starts, table.movies, table.n_movies)

    @property
    def n_ratings(self) -> Ints:
        """Number of ratings of each user, (U,)."""
        return np.diff(self.starts)

    def unrated(self, users: Ints) -> Bools:
        """Return (U, M) True where a user has no rating."""
        found = np.ones((len(users), self.n_movies), dtype=np.bool_)
        n = self.n_ratings[users]
        rows = np.repeat(np.arange(len(users)), n)
        first = np.repeat(self.starts[users] - (np.cumsum(n) - n), n)
        found[rows, self.movies[np.arange(len(rows)) + first]] = False
        return found

    def arrays(self) -> dict[str, AnyArray]:
        """Return the rows and the number of movies, for storage."""
        return {
            "rated_starts": self.starts,
            "rated_movies": self.movies,
            "n_movies": np.array([self.n_movies]),
        }

    @classmethod
    def load(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """Return what `arrays` are of."""
        return cls(
            starts=np.asarray(arrays["rated_starts"], dtype=np.int64),
            movies=np.asarray(arrays["rated_movies"], dtype=np.int32),
            n_movies=int(np.asarray(arrays["n_movies"], dtype=np.int64)[0]),
        )


def planes_of(components: Iterable[LearnedComponent], users: Ints) -> Planes:
    """Return the planes of all components by name, (U, M) or (1, M) each."""
    return {name: plane for each in components for name, plane in each.score(users).items()}


def standardised(plane: Floats, candidates: Bools) -> Floats:
    """Return the plane (U, M) with mean 0 and deviation 1 over each user's candidates (U, M).

    0 everywhere where all candidates of a user have one score.
    """
    n = np.maximum(candidates.sum(axis=1, keepdims=True), 1)
    mean = np.where(candidates, plane, 0.0).sum(axis=1, keepdims=True) / n
    apart = plane - mean
    own = np.where(candidates, apart, 0.0)
    deviation = np.sqrt(np.einsum("um,um->u", own, own)[:, None] / n)
    is_flat = deviation <= FLAT * np.maximum(np.abs(mean), 1)
    scaled: Floats = np.multiply(apart, np.where(is_flat, 0.0, 1 / np.where(is_flat, 1, deviation)))
    return scaled


def signed_log(z: Floats) -> Floats:
    """Return sign(z) log(1 + |z|), which takes weight off the far ends.

    >>> signed_log(np.array([0.0, -1.0])).round(3)
    array([ 0.   , -0.693])
    """
    found: Floats = np.sign(z) * np.log1p(np.abs(z))
    return found


def best_candidates(plane: Floats, candidates: Bools, n: int) -> Bools:
    """Return (U, M) True for each user's candidates that score above the `n`-th best, up to n - 1.

    Those as good as the `n`-th stay out: a plane that says nothing of most movies names no others.
    """
    scores = np.where(candidates, plane, -np.inf)
    least = np.array([_nth_best(row, min(n, len(row))) for row in scores])
    best: Bools = scores > least[:, None]
    return best


def _nth_best(scores: Floats, n: int) -> float:
    """Return the n-th best of standardised scores; only those well above the mean are sorted."""
    high = scores[scores > 1]
    return float(np.partition(high if len(high) >= n else scores, -n)[-n])
