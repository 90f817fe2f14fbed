"""Drift of the data: the latest ratings against those before them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.ratings.dataset import Dataset
from reeltune.ratings.table import HIGHEST_RATING, LOWEST_RATING, RatingTable

DRIFT_LEVEL = 0.001  # of each check: nightly, some one false alarm in three years
MIN_INDEX = 0.1  # a population stability index below is no matter, by the usual rule of thumb
MIN_WINDOW_RATINGS = 100  # on either side
MAX_WINDOW_RATINGS = 500_000  # on either side: the latest
PERMUTATIONS = 2_000
MAX_BLOCKS = 1_000
_SMOOTHING = 0.5  # ratings added to each category


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Drift of one feature of the data."""

    name: str
    index: float  # population stability index; NaN with too few ratings
    by_chance: float  # what chance alone exceeds with probability LEVEL
    p_value: float  # that chance alone moves it as far
    drifted: bool
    most_changed: str  # the category whose share changed most
    share_before: float  # of that category
    share_after: float


@dataclass(frozen=True, eq=False)
class Windows:
    """Ratings after a moment, and as many before it."""

    before: RatingTable
    after: RatingTable

    @classmethod
    def of(cls, ratings: RatingTable, since: int) -> "Windows":
        """Return the ratings after `since`, and the latest as many up to then."""
        by_time = np.argsort(ratings.rated_at, kind="stable")
        n_earlier = int(np.count_nonzero(ratings.rated_at <= since))
        newer = by_time[n_earlier:][-MAX_WINDOW_RATINGS:]
        latest = by_time[max(0, n_earlier - len(newer)) : n_earlier]
        before, after = np.zeros((2, len(ratings)), dtype=np.bool_)
        before[latest], after[newer] = True, True
        return cls(ratings.where(before), ratings.where(after))


def find_drift(data: Dataset, since: int) -> list[Drift]:
    """Measure drift of ratings, genres, new movies and new users since a moment.

    The ratings after the moment are compared with as many before it. The drift by chance alone is
    found by permutation: for each user with ratings on both sides, the sides are exchanged at
    random; users on one side only are exchanged as a whole. So many ratings by one user count as
    one user.

    Source: Siddiqi 2006, "Credit risk scorecards", for the population stability index and 0.1;
    Yurdakul and Naranjo 2020, "Statistical properties of the population stability index", for why
    a threshold that knows nothing of sample sizes is not enough.
    """
    windows = Windows.of(data.ratings, since)
    return [
        _drift(name, categories, windows, counts)
        for name, categories, counts in _views(data, windows)
    ]


def stability_index(before: Floats, after: Floats) -> Floats:
    """Compute the population stability index of counts (..., K): sum of (q - p) ln(q / p).

    >>> round(float(stability_index(np.array([50.0, 50.0]), np.array([80.0, 20.0]))), 2)
    0.41
    """
    p, q = (_shares(counts) for counts in (before, after))
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def _shares(counts: Floats) -> Floats:
    smoothed = counts + _SMOOTHING
    return np.asarray(smoothed / smoothed.sum(axis=-1, keepdims=True))


View = tuple[str, list[str], tuple[Floats, Floats]]  # name, K categories, (n, K) counts per rating


def _views(data: Dataset, windows: Windows) -> Iterator[View]:
    """Yield each feature of the ratings: its categories, and the counts of each rating."""
    sides = (windows.before, windows.after)
    steps = int((HIGHEST_RATING - LOWEST_RATING) * 2) + 1
    stars = [f"{LOWEST_RATING + k / 2:g} stars" for k in range(steps)]
    places = [np.rint((side.ratings - LOWEST_RATING) * 2).astype(np.int64) for side in sides]
    yield "ratings", stars, _pair([np.eye(steps)[place] for place in places])
    genres = _genres(data)
    names = [*data.catalogue.genre_names, "no genre"]
    yield "genres", names, _pair([genres[side.movies] for side in sides])
    ratings = data.ratings
    for name, keys, wanted in (
        ("new movies", ratings.movies, [side.movies for side in sides]),
        ("new users", ratings.users, [side.users for side in sides]),
    ):
        first = np.full(int(keys.max(initial=0)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, keys, ratings.rated_at)
        new = [
            _is_new(first[key.astype(np.int64)], side)
            for key, side in zip(wanted, sides, strict=True)
        ]
        yield name, [name, "others"], _pair([np.stack([n, ~n], axis=1).astype(float) for n in new])


def _pair(both: list[Floats]) -> tuple[Floats, Floats]:
    return both[0], both[1]


def _is_new(first_rated: Ints, side: RatingTable) -> Bools:
    """Return True where the item was first rated within the window, (n,)."""
    return np.asarray(first_rated >= side.rated_at.min(initial=np.iinfo(np.int64).max))


def _genres(data: Dataset) -> Floats:
    """Return each movie's genres as equal shares, (M, G + 1); the last column is for none."""
    catalogue = data.catalogue
    n_genres = np.diff(catalogue.genre_starts)
    parts = np.zeros((catalogue.n_movies, len(catalogue.genre_names) + 1))
    movie_of = np.repeat(np.arange(catalogue.n_movies), n_genres)
    parts[movie_of, catalogue.genres] = 1 / n_genres[movie_of]
    parts[n_genres == 0, -1] = 1.0
    return parts


def _drift(
    name: str, categories: list[str], windows: Windows, counts: tuple[Floats, Floats]
) -> Drift:
    totals = counts[0].sum(axis=0), counts[1].sum(axis=0)
    before, after = (_shares(total) for total in totals)
    most = int(np.argmax(np.abs(after - before)))
    index, by_chance, p_value = float("nan"), float("nan"), 1.0
    if min(len(windows.before), len(windows.after)) >= MIN_WINDOW_RATINGS:
        index = float(stability_index(*totals))
        moved = _by_chance(*_blocks(windows, counts))
        by_chance = float(np.quantile(moved, 1 - DRIFT_LEVEL))
        p_value = float((np.count_nonzero(moved >= index - 1e-12) + 1) / (PERMUTATIONS + 1))
    return Drift(
        name=name,
        index=index,
        by_chance=by_chance,
        p_value=p_value,
        drifted=index >= MIN_INDEX and p_value <= DRIFT_LEVEL,
        most_changed=categories[most],
        share_before=float(before[most]),
        share_after=float(after[most]),
    )


def _blocks(windows: Windows, counts: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return the counts of each user before and after, (B, K) each.

    Where there are many users, they share random blocks.
    """
    n_users = windows.before.n_users
    group = np.random.default_rng(0).permutation(n_users) % MAX_BLOCKS
    n_groups = min(n_users, MAX_BLOCKS)
    found = []
    for side, each in zip((windows.before, windows.after), counts, strict=True):
        block = np.zeros((n_groups, each.shape[1]))
        np.add.at(block, group[side.users], each)
        found.append(block)
    return found[0], found[1]


def _by_chance(before: Floats, after: Floats) -> Floats:
    """Return the index where blocks change sides at random, (PERMUTATIONS,)."""
    rng = np.random.default_rng(1)
    n_before, n_after = before.sum(axis=1) > 0, after.sum(axis=1) > 0
    paired = n_before & n_after
    single = np.concatenate([before[n_before & ~paired], after[n_after & ~paired]])  # (S, K)
    n_single_after = int((n_after & ~paired).sum())
    swapped = rng.random((PERMUTATIONS, int(paired.sum()))) < 0.5
    moved = after[paired].sum(axis=0) + swapped @ (before - after)[paired]  # (P, K)
    chosen = rng.random((PERMUTATIONS, len(single))).argsort(axis=1) < n_single_after
    moved = moved + chosen @ single
    return stability_index(before.sum(axis=0) + after.sum(axis=0) - moved, moved)
