"""Table of ratings: sorted, immutable columns."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from reeltune.domain.arrays import Bools, Floats32, Ints, Ints32, content_hash

LOWEST_RATING = 0.5
HIGHEST_RATING = 5.0
RELEVANT_RATING = 4.0  # from here on a movie is liked


@dataclass(frozen=True, eq=False)
class RatingTable:
    """N ratings by U users of M movies, sorted by user, then time, then movie.

    `users` and `movies` are positions in `user_ids` and `movie_ids`, not ids. Parts of one table
    (see `where`) share both id columns, so that a position means the same in all of them.
    """

    user_ids: Ints  # (U,) ascending
    movie_ids: Ints  # (M,) ascending: the whole catalogue, rated or not
    users: Ints32  # (N,)
    movies: Ints32  # (N,)
    ratings: Floats32  # (N,) LOWEST_RATING to HIGHEST_RATING
    rated_at: Ints  # (N,) Unix seconds, UTC

    @classmethod
    def from_ids(
        cls, movie_ids: Ints, users: Ints, movies: Ints, ratings: Floats32, rated_at: Ints
    ) -> "RatingTable":
        """Sort raw columns, given by id, into a table over the catalogue `movie_ids`.

        Every id in `movies` must occur in `movie_ids`, which is ascending; the database's foreign
        key sees to that.
        """
        order = np.lexsort((movies, rated_at, users))
        user_ids, user_positions = np.unique(users[order], return_inverse=True)
        return cls(
            user_ids=user_ids.astype(np.int64),
            movie_ids=movie_ids,
            users=user_positions.astype(np.int32),
            movies=np.searchsorted(movie_ids, movies[order]).astype(np.int32),
            ratings=ratings[order].astype(np.float32),
            rated_at=rated_at[order].astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        """Number of users of the whole table, also those without a rating in this part: U."""
        return len(self.user_ids)

    @property
    def n_movies(self) -> int:
        """Number of movies in the catalogue, also those without a rating: M."""
        return len(self.movie_ids)

    @cached_property
    def starts(self) -> Ints:
        """First row of each user's ratings, and the end of the last one's: (U + 1,)."""
        return np.searchsorted(self.users, np.arange(self.n_users + 1)).astype(np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all data of the ratings that models are fitted to, 64 hex digits."""
        return content_hash(
            [self.user_ids, self.movie_ids, self.users, self.movies, self.ratings, self.rated_at]
        )

    @cached_property
    def has_dislikes(self) -> bool:
        """True where some rating says that a movie is not liked; events alone never do."""
        return bool((self.ratings < RELEVANT_RATING).any())

    def where(self, chosen: Bools) -> "RatingTable":
        """Return the part of the table in which `chosen` (N,) is true, in the same order."""
        return replace(
            self,
            users=self.users[chosen],
            movies=self.movies[chosen],
            ratings=self.ratings[chosen],
            rated_at=self.rated_at[chosen],
        )
