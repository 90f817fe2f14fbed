"""Splits of the ratings into training, validation and test parts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reeltune.domain.arrays import Ints
from reeltune.domain.evaluation import Part
from reeltune.ratings.hashing import mixed
from reeltune.ratings.table import RatingTable

TRAIN, VALIDATION, TEST = 0, 1, 2
TEST_PERCENT = 20
VALIDATION_PERCENT = 10
MIN_SPLIT_RATINGS = 10
SECONDS_PER_DAY = 86_400

_CODES: dict[Part, int] = {"validation": VALIDATION, "test": TEST}


@dataclass(frozen=True, eq=False)
class Split:
    """Table cut into three parts that share its id columns and its order."""

    table: RatingTable
    parts: NDArray[np.int8]  # (N,) TRAIN, VALIDATION or TEST

    @cached_property
    def train(self) -> RatingTable:
        """Part that candidates are fitted to during a search."""
        return self.table.where(self.parts == TRAIN)

    @cached_property
    def validation(self) -> RatingTable:
        """Part that a search measures candidates on."""
        return self.table.where(self.parts == VALIDATION)

    @cached_property
    def test(self) -> RatingTable:
        """Part that is used once, for the configuration to be promoted."""
        return self.table.where(self.parts == TEST)

    def fitting_for(self, part: Part) -> RatingTable:
        """Return what a model measured on `part` is fitted to: every part before it."""
        return self.table.where(self.parts < _CODES[part])

    def held_out_for(self, part: Part) -> RatingTable:
        """Return the part that a model is measured on."""
        return self.validation if part == "validation" else self.test


def split_by_user_time(table: RatingTable) -> Split:
    """Hold out the end of each user's history.

    Of a user's n ratings by time (ties by a hash of user and movie: ids go with age and
    popularity), the last n * 20 // 100 are test and the n * 10 // 100 before them validation:
    shares are rounded down, so that train gets what is over. Users with fewer than 10 ratings are
    all train.
    """
    return _split_by_place(table, places_by_time(table))


def ties_decide(table: RatingTable, split: str) -> bool:
    """Return whether equal times decide what a split holds out: there, earlier programs differ.

    They ordered ratings of equal times by the id of the movie.
    """
    if split != "user-time":
        return False
    by_id = _split_by_place(table, np.arange(len(table)))
    return not np.array_equal(by_id.parts, split_by_user_time(table).parts)


def split_at_random(table: RatingTable) -> Split:
    """Hold out ratings of each user by a hash of user and movie: for data that time does not order.

    Shares are those of `split_by_user_time`. A rating's place among a user's depends on the ids
    alone, so that no new rating changes the order of the others.
    """
    order = np.lexsort((_hashes(table, np.arange(len(table))), table.users))
    places = np.empty(len(table), dtype=np.int64)
    places[order] = np.arange(len(table))
    return _split_by_place(table, places)


def unordered_share(table: RatingTable) -> float:
    """Return the share of users with 10 ratings or more of whose held-out part time says nothing.

    0 to 1: those whose first held-out rating has the same time as the one before it. NaN where
    there are no such users.
    """
    n = np.diff(table.starts)  # (U,)
    held_out = n * TEST_PERCENT // 100 + n * VALIDATION_PERCENT // 100
    first = (table.starts[1:] - held_out)[n >= MIN_SPLIT_RATINGS]
    if not len(first):
        return float("nan")
    return float((table.rated_at[first] == table.rated_at[first - 1]).mean())


def places_by_time(table: RatingTable) -> Ints:
    """Return the place of each rating (N,), by user, time and hash; 0 to N - 1."""
    places = np.arange(len(table))
    same = np.zeros(len(table) + 1, dtype=np.bool_)  # as the one before
    same[1:-1] = (table.users[1:] == table.users[:-1]) & (table.rated_at[1:] == table.rated_at[:-1])
    tied = np.flatnonzero(same[1:] | same[:-1])
    groups = np.cumsum(~same[:-1][tied])
    places[tied[np.lexsort((_hashes(table, tied), groups))]] = tied
    return places


def _hashes(table: RatingTable, rows: Ints) -> NDArray[np.uint64]:
    """Return a hash of user id and movie id of the ratings `rows` (n,)."""
    users = mixed(table.user_ids.astype(np.uint64))[table.users[rows]]
    return mixed(users ^ table.movie_ids.astype(np.uint64)[table.movies[rows]])


def _split_by_place(table: RatingTable, places: Ints) -> Split:
    """Hold out the last of each user's ratings by their `places` (N,), which ascend with users."""
    n = np.diff(table.starts)  # (U,)
    n = np.where(n < MIN_SPLIT_RATINGS, 0, n)
    n_test = n * TEST_PERCENT // 100  # (U,)
    n_validation = n * VALIDATION_PERCENT // 100  # (U,)
    from_end = table.starts[1:][table.users] - places  # (N,) 1 = the user's last
    parts = np.full(len(table), TRAIN, dtype=np.int8)
    parts[from_end <= (n_test + n_validation)[table.users]] = VALIDATION
    parts[from_end <= n_test[table.users]] = TEST
    return Split(table, parts)


def split_by_calendar(table: RatingTable) -> Split:
    """Hold out the latest days, the same for all users: the situation of a nightly job.

    Both cuts fall on a midnight UTC that begins a day with ratings. Test starts at the first such
    midnight with at least 80 % of all ratings before it, validation at the first with at least
    70 %. Where a crowded day would leave a part empty, the cuts move by as few days with ratings
    as give each part one. With ratings on fewer than three days, all are train.
    """
    day_of = table.rated_at // SECONDS_PER_DAY  # (N,)
    days, n_ratings = np.unique(day_of, return_counts=True)
    if len(days) < 3:
        return Split(table, np.full(len(table), TRAIN, dtype=np.int8))
    before = np.cumsum(n_ratings) - n_ratings  # (D,) ratings before each day
    test_start = _first_day(before, len(table), 100 - TEST_PERCENT, 2, len(days) - 1)
    fitting_percent = 100 - TEST_PERCENT - VALIDATION_PERCENT
    validation_start = _first_day(before, len(table), fitting_percent, 1, test_start - 1)
    parts = np.searchsorted(days[[validation_start, test_start]], day_of, side="right")
    return Split(table, parts.astype(np.int8))


def _first_day(before: Ints, n: int, percent: int, low: int, high: int) -> int:
    """Return the first day with at least `percent` of `n` ratings before it, in [low, high]."""
    day = int(np.searchsorted(before * 100, n * percent, side="left"))
    return min(max(day, low), high)


SPLITS: dict[str, Callable[[RatingTable], Split]] = {
    "user-time": split_by_user_time,
    "user-random": split_at_random,
    "calendar": split_by_calendar,
}


def guarding_split(split: str) -> str:
    """Return the split by which results under another one are guarded.

    >>> guarding_split("user-time"), guarding_split("calendar")
    ('calendar', 'user-time')
    """
    return "user-time" if split == "calendar" else "calendar"
