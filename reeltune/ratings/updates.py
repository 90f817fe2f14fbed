"""Replaces the ratings of some users in a table, without sorting those of the others again."""

from typing import Any

import numpy as np

from reeltune.domain.arrays import AnyArray, Ints
from reeltune.ratings.table import RatingTable


def replace_users(table: RatingTable, changed: Ints, fresh: RatingTable) -> RatingTable:
    """Return `table` with all ratings of the users `changed` replaced by those in `fresh`.

    Args:
        table: as it was.
        changed: (C,) ids of the users of whom something was changed, ascending.
        fresh: the ratings that these have now, over the movies that there are now; users who have
            none any more are not in it.
    """
    stays = ~np.isin(table.user_ids, changed)  # (U,)
    user_ids = np.union1d(table.user_ids[stays], fresh.user_ids)
    old_places = np.searchsorted(user_ids, table.user_ids)  # (U,) right for those who stay
    fresh_places = np.searchsorted(user_ids, fresh.user_ids)
    counts = np.zeros(len(user_ids), dtype=np.int64)
    counts[old_places[stays]] = np.diff(table.starts)[stays]
    counts[fresh_places] = np.diff(fresh.starts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    kept = np.flatnonzero(stays[table.users])  # rows
    shifts = starts[np.minimum(old_places, len(user_ids))] - table.starts[:-1]  # (U,)
    to = kept + shifts[table.users[kept]]
    fresh_to = np.arange(len(fresh)) + (starts[fresh_places] - fresh.starts[:-1])[fresh.users]
    movies = np.searchsorted(fresh.movie_ids, table.movie_ids).astype(np.int32)  # (M,)

    def merged(old: AnyArray, new: AnyArray) -> Any:
        found = np.empty(int(starts[-1]), dtype=old.dtype)
        found[to], found[fresh_to] = old, new
        return found

    return RatingTable(
        user_ids=user_ids,
        movie_ids=fresh.movie_ids,
        users=np.repeat(np.arange(len(user_ids), dtype=np.int32), counts),
        movies=merged(movies[table.movies[kept]], fresh.movies),
        ratings=merged(table.ratings[kept], fresh.ratings),
        rated_at=merged(table.rated_at[kept], fresh.rated_at),
    )
