"""Assembly of a table of ratings block by block, in the memory of its columns."""

from dataclasses import dataclass, field

import numpy as np

from reeltune.domain.arrays import Floats32, Ints, Ints32
from reeltune.domain.errors import StorageError
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING, RatingTable

_KEY_BITS = 63  # of a whole number that is not negative


@dataclass(frozen=True, eq=False)
class RatingBlock:
    """Ratings of some users, complete, by id; users ascend, and so do a user's movies."""

    user_ids: Ints  # (u,) ascending, each above those of the block before
    counts: Ints  # (u,) ratings of each
    movies: Ints  # (n,) ids
    ratings: Floats32  # (n,)
    rated_at: Ints  # (n,)


@dataclass
class RatingColumns:
    """Columns of a `RatingTable` of `n` ratings, filled by one block after the other.

    No more memory is needed than the columns and one block take.
    """

    movie_ids: Ints  # (M,) ascending
    n: int
    filled: int = 0
    _user_ids: list[Ints] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._users: Ints32 = np.empty(self.n, dtype=np.int32)
        self._movies: Ints32 = np.empty(self.n, dtype=np.int32)
        self._ratings: Floats32 = np.empty(self.n, dtype=np.float32)
        self._rated_at: Ints = np.empty(self.n, dtype=np.int64)
        self._n_users = 0

    def add(self, block: RatingBlock) -> None:
        """Append the next block.

        Raises:
            StorageError: a movie is not in the catalogue, or a rating is none.
        """
        movies = self._positions(block.movies)
        if not ((block.ratings >= LOWEST_RATING) & (block.ratings <= HIGHEST_RATING)).all():
            raise StorageError("a rating is not a rating: the database is damaged")
        users = np.repeat(np.arange(len(block.user_ids)), block.counts)
        order = sorting(users, block.rated_at, movies)
        rows = slice(self.filled, self.filled + len(movies))
        self._users[rows] = users + self._n_users  # users are in order already
        self._movies[rows] = movies[order]
        self._ratings[rows] = block.ratings[order]
        self._rated_at[rows] = block.rated_at[order]
        self._user_ids.append(block.user_ids)
        self._n_users += len(block.user_ids)
        self.filled += len(movies)

    def table(self) -> RatingTable:
        """Return the finished table."""
        assert self.filled == self.n
        return RatingTable(
            user_ids=np.concatenate([np.empty(0, dtype=np.int64), *self._user_ids]),
            movie_ids=self.movie_ids,
            users=self._users,
            movies=self._movies,
            ratings=self._ratings,
            rated_at=self._rated_at,
        )

    def _positions(self, movies: Ints) -> Ints32:
        found = np.searchsorted(self.movie_ids, movies)
        last = max(0, len(self.movie_ids) - 1)
        if len(movies) and not np.array_equal(self.movie_ids[np.minimum(found, last)], movies):
            raise StorageError("a rating is of no movie of the catalogue: the database is damaged")
        return found.astype(np.int32)


def sorting(users: Ints, rated_at: Ints, movies: Ints32) -> Ints:
    """Return the order by user, then time, then movie of n ratings whose users ascend from 0.

    >>> sorting(np.array([0, 0, 1]), np.array([9, 3, 1]), np.array([0, 1, 0], dtype=np.int32))
    array([1, 0, 2])
    """
    if not len(users):
        return np.empty(0, dtype=np.int64)
    in_order = (np.diff(movies) > 0) | (np.diff(users) > 0)
    first = int(rated_at.min())
    bits = (int(rated_at.max()) - first).bit_length()
    if not in_order.all() or int(users[-1]).bit_length() + bits > _KEY_BITS:
        return np.lexsort((movies, rated_at, users))
    return np.argsort((users << np.int64(bits)) | (rated_at - first), kind="stable")
