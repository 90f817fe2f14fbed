"""Features of a combiner: planes of scores, standardised for each user over unrated movies."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from reeltune.components.compiled_loops import plane_loops
from reeltune.components.learned_component import LearnedComponent
from reeltune.domain.arrays import AnyArray, Bools, Floats, Floats32, Ints, Ints32
from reeltune.ratings.table import RatingTable

FEATURES_PER_PLANE = 2  # the standardised score, and the same bounded
PLANE_BYTES = 2**26  # of one plane that is held at a time
N_BEST = 120  # of each plane that are candidates, but for the last one
MAX_FIXED_BYTES = 2**29  # of planes that are kept, of components that no search changes
MAX_OTHER_BYTES = 2**28  # and of others


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


@dataclass(frozen=True, eq=False)
class Plane:
    """Scores of a component for some users, and what standardises them.

    Over the movies that a user has not rated, (scores - mean) * scale has mean 0 and deviation 1;
    it is 0 where all scores of a user are one.
    """

    scores: Floats32  # (n, M), or (1, M) for all users alike
    means: Floats  # (n,)
    scales: Floats  # (n,)
    users: Ints  # (n,)
    rated: RatedMovies

    @classmethod
    def of(cls, scores: Floats32, users: Ints, rated: RatedMovies) -> Self:
        """Return the plane of these scores."""
        scores = np.ascontiguousarray(scores, dtype=np.float32)
        means, scales = plane_loops().moments(scores, users, rated.starts, rated.movies)
        return cls(scores, means, scales, users, rated)

    @cached_property
    def best(self) -> Ints:
        """Places in (n, M), flat, of each user's `N_BEST` - 1 best movies, or fewer if they tie."""
        found: Ints = plane_loops().best_places(
            *self._standardising, self.users, self.rated.starts, self.rated.movies, N_BEST
        )
        return found

    def at(self, rows: Ints, movies: Ints) -> Floats32:
        """Return the standardised scores of rows[r] and movies[r], (R,)."""
        found: Floats32 = plane_loops().on_grid_at(*self._standardising, rows, movies)
        return found

    def add_to(self, scores: Floats, first: int, linear: Floats, bounded: Floats) -> None:
        """Add to `scores` (B, n, M) of the users from `first` on what the features are worth.

        With weights (B, n) of the standardised scores, and of the same bounded.
        """
        rows = slice(first, first + scores.shape[1])
        own = self.scores if len(self.scores) == 1 else self.scores[rows]
        plane_loops().add_plane(own, self.means[rows], self.scales[rows], linear, bounded, scores)

    @property
    def n_bytes(self) -> int:
        """Number of bytes that it takes."""
        return self.scores.nbytes + 24 * len(self.users) + 8 * N_BEST * len(self.users)

    @property
    def _standardising(self) -> tuple[Floats32, Floats, Floats]:
        return self.scores, self.means, self.scales


def bounded(z: Floats32) -> Floats32:
    """Return z / (1 + |z| / 3) on the grid: far ends count no more than 3 deviations.

    >>> bounded(np.array([0.0, -3.0, 1e6], dtype=np.float32)).round(3).tolist()
    [0.0, -1.5, 3.0]
    """
    loops = plane_loops()
    wide = z.astype(np.float64)
    found = np.rint(wide / (1.0 + np.abs(wide) / loops.BEND) * loops.STEPS) / loops.STEPS
    return np.asarray(found, dtype=np.float32)


def blocks(users: Ints, n_movies: int) -> Iterator[Ints]:
    """Yield the users in pieces of which one plane takes at most `PLANE_BYTES`."""
    size = max(1, PLANE_BYTES // (4 * max(1, n_movies)))
    yield from (users[start : start + size] for start in range(0, len(users), size))


def planes_of(
    components: Iterable[LearnedComponent], users: Ints, rated: RatedMovies
) -> dict[str, Plane]:
    """Return the planes of all components by name."""
    return {name: plane for each in components for name, plane in _made(each, users, rated).items()}


class PlaneCache:
    """Planes that were asked for last; apart, of components that no configuration changes."""

    def __init__(self) -> None:
        self._fixed, self._others = Shelf(MAX_FIXED_BYTES), Shelf(MAX_OTHER_BYTES)

    def planes_of(
        self, components: Iterable[LearnedComponent], users: Ints, rated: RatedMovies
    ) -> dict[str, Plane]:
        """Return what `planes_of` returns."""
        found: dict[str, Plane] = {}
        for each in components:
            is_searched = any(member.searched for member in each.hyperparameters)
            shelf = self._others if is_searched else self._fixed
            found |= shelf.planes(each, users, rated)
        return found


class Shelf:
    """Planes of components, up to a number of bytes; the ones not used for longest go first."""

    def __init__(self, n_bytes: int) -> None:
        # Each entry holds what its key names by identity.
        self._kept: OrderedDict[tuple[int, int, bytes], tuple[object, object, dict[str, Plane]]]
        self._kept, self._n_free = OrderedDict(), n_bytes

    def planes(
        self, component: LearnedComponent, users: Ints, rated: RatedMovies
    ) -> dict[str, Plane]:
        """Return the component's planes for `users`."""
        key = (id(component), id(rated.movies), users.tobytes())
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][2]
        made = _made(component, users, rated)
        self._kept[key] = (component, rated, made)
        self._n_free -= _size(made)
        while self._n_free < 0:
            _, (*_, oldest) = self._kept.popitem(last=False)
            self._n_free += _size(oldest)
        return made


def _made(component: LearnedComponent, users: Ints, rated: RatedMovies) -> dict[str, Plane]:
    return {name: Plane.of(each, users, rated) for name, each in component.score(users).items()}


def _size(planes: Mapping[str, Plane]) -> int:
    return sum(plane.n_bytes for plane in planes.values())
