"""User-centred ratings, which components are fitted to."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reeltune.components.damped_mean import damped_mean, on_grid, overall_mean, totals
from reeltune.domain.arrays import Floats
from reeltune.ratings.table import RatingTable

PASSED_OVER = 3.0  # stars, of what a user did not choose where choosing is all that is known


@dataclass(frozen=True, eq=False)
class UserCentredRatings:
    """All ratings, and those of the users for whom something is computed.

    A value of a movie depends on all ratings, a value of a user on that user's own and the mean of
    all. So where few users are measured the other users' values need not be computed.
    """

    ratings: RatingTable  # N
    personal: RatingTable  # P of them: all that some users have

    @classmethod
    def of(cls, ratings: RatingTable, measured: RatingTable | None = None) -> "UserCentredRatings":
        """Return all ratings, with those of the users with a rating in `measured` as personal.

        >>> table = RatingTable.from_ids(
        ...     np.array([1, 2]), np.array([7, 7, 8]), np.array([1, 2, 1]),
        ...     np.array([4, 3, 5], dtype=np.float32), np.array([0, 1, 0]))
        >>> UserCentredRatings.of(table, table.where(table.users == 0)).personal.users
        array([0, 0], dtype=int32)
        """
        if measured is None:
            return cls(ratings, ratings)
        wanted = np.diff(measured.starts) > 0  # (U,)
        if wanted[np.diff(ratings.starts) > 0].all():
            return cls(ratings, ratings)
        return cls(ratings, ratings.where(np.repeat(wanted, np.diff(ratings.starts))))

    @cached_property
    def mean(self) -> float:
        """Mean of all ratings, in stars."""
        return overall_mean(self.ratings)

    @cached_property
    def movie_totals(self) -> tuple[Floats, Floats]:
        """Sum of deviations from the overall mean, in stars, and number of ratings, (M,) each."""
        return totals(self.ratings.movies, self._above(self.ratings), self.ratings.n_movies)

    @cached_property
    def deviations(self) -> Floats:
        """Deviation of each rating from its user's own damped mean, in stars, on the grid: (P,).

        Where no data say what is disliked, there is no mean to be above of: whoever watches ten
        movies of a genre likes it more than who watches one. There each rating is held against
        `PASSED_OVER`, what is believed of movies that were not chosen.
        """
        if not self.ratings.has_dislikes:
            return on_grid(self.personal.ratings.astype(np.float64) - PASSED_OVER)
        above = self._above(self.personal)
        total, count = totals(self.personal.users, above, self.personal.n_users)
        own = damped_mean(total, count)
        above -= np.repeat(own, np.diff(self.personal.starts))
        return on_grid(above)

    def _above(self, part: RatingTable) -> Floats:
        """Return the deviation of each rating of `part` from the overall mean, on the grid."""
        stars = part.ratings.astype(np.float64)
        stars -= self.mean
        return on_grid(stars)
