"""Ratings of each user: those read from the database, and newer ones that came since."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from reeltune.domain.arrays import Ints32
from reeltune.domain.recommendation import ShownId
from reeltune.ratings.table import RatingTable
from reeltune.serving.folding import NO_RATINGS, OwnRatings

PlacedRating = tuple[ShownId, int, float, int]  # user, position of the movie, stars, Unix seconds


@dataclass(frozen=True, eq=False)
class UserRatings:
    """Ratings of users, over the movies of a version.

    A user is our id, or the text of a source that is in no table yet.
    """

    table: RatingTable
    newer: Mapping[ShownId, Mapping[int, tuple[float, int]]] = field(default_factory=dict)

    def of(self, user: ShownId) -> OwnRatings:
        """Return all ratings of a user; of two of one movie the newer."""
        known = self._stored(user)
        added = self.newer.get(user)
        if not added:
            return known
        movies: Ints32 = np.fromiter(added, np.int32, len(added))
        stays = ~np.isin(known.movies, movies)
        stars = np.array([each[0] for each in added.values()], dtype=np.float32)
        rated_at = np.array([each[1] for each in added.values()], dtype=np.int64)
        return OwnRatings(
            movies=np.concatenate([known.movies[stays], movies]),
            stars=np.concatenate([known.stars[stays], stars]),
            rated_at=np.concatenate([known.rated_at[stays], rated_at]),
        )

    def with_newer(self, ratings: Iterable[PlacedRating]) -> "UserRatings":
        """Return these with others added; each takes the place of an earlier one of the movie."""
        newer = dict(self.newer)
        changed: dict[ShownId, dict[int, tuple[float, int]]] = {}
        for user, movie, stars, rated_at in ratings:
            if user not in changed:
                changed[user] = dict(newer.get(user, {}))
            changed[user][movie] = (stars, rated_at)
        return replace(self, newer=newer | changed)

    def _stored(self, user: ShownId) -> OwnRatings:
        """Return the ratings of a user that the table has."""
        table = self.table
        if not isinstance(user, int):
            return NO_RATINGS
        place = position(table.user_ids, user)
        if place is None:
            return NO_RATINGS
        rows = slice(table.starts[place], table.starts[place + 1])
        return OwnRatings(table.movies[rows], table.ratings[rows], table.rated_at[rows], place)


def position(ids: "np.typing.NDArray[np.int64]", wanted: int) -> int | None:
    """Return where a number is in ascending `ids`; None where it is not.

    >>> position(np.array([2, 5]), 5), position(np.array([2, 5]), 4)
    (1, None)
    """
    if not -(2**63) <= wanted < 2**63:
        return None
    place = int(np.searchsorted(ids, wanted))
    return place if place < len(ids) and ids[place] == wanted else None
