"""Examples for the combiner: windows of the past, in which it is known what users liked next."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from reeltune.components.compiled_loops import plane_loops
from reeltune.components.learned import LEARNED_COMPONENTS
from reeltune.components.learned_component import History, LearnedComponent
from reeltune.domain.arrays import Bools, Floats, Ints, Ints32
from reeltune.domain.space import Configuration
from reeltune.rating_models.combiner import Examples
from reeltune.rating_models.hybrid_features import (
    FEATURES_PER_PLANE,
    PlaneCache,
    RatedMovies,
    blocks,
    bounded,
)
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.hashing import mixed
from reeltune.ratings.splits import places_by_time, split_by_user_time
from reeltune.ratings.table import RELEVANT_RATING, RatingTable

N_WINDOWS = 2  # as long as a test part each
MAX_SAMPLED = 80  # of a user's candidates that are no held-out movies, by a hash
MAX_LEARNED_FROM = 1_000  # users of a window that the combiner learns from
MAX_OF_A_KIND = 10  # latest liked movies of a user in pairs, and others
FEW_RATINGS = 5  # users with fewer are newcomers
N_NEXT = 10  # ratings of a newcomer after the first ones, which are to be found

KEPT_PLANES = PlaneCache()


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out ratings of n users, and pairs of one that the user liked and one that was not."""

    users: Ints  # (n,)
    rows: Ints  # (H,) which of the users each rating is of, ascending
    movies: Ints32  # (H,)
    shares: Floats  # (H,) 1 / number liked for a liked movie, else 0
    liked: Ints  # (P,) which of the ratings
    other: Ints  # (P,)
    pair_shares: Floats  # (P,) 1 / number of pairs of the user

    @classmethod
    def of(cls, table: RatingTable, users: Ints) -> "HeldOut":
        """Return those of `users` (n,)."""
        n = np.diff(table.starts)[users]
        ends = np.cumsum(n)
        rows = np.repeat(np.arange(len(users)), n)
        entries = np.arange(len(rows)) + np.repeat(table.starts[users] - (ends - n), n)
        is_liked = table.ratings[entries] >= RELEVANT_RATING
        n_liked = np.bincount(rows[is_liked], minlength=len(users))
        pairs = [_pairs(is_liked[end - k : end], end - k) for end, k in zip(ends, n, strict=True)]
        n_pairs = np.array([len(liked) for liked, _ in pairs], dtype=np.int64)
        return cls(
            users=users,
            rows=rows,
            movies=table.movies[entries],
            shares=is_liked / np.maximum(n_liked, 1)[rows],
            liked=np.concatenate([liked for liked, _ in pairs]),
            other=np.concatenate([other for _, other in pairs]),
            pair_shares=np.repeat(1 / np.maximum(n_pairs, 1), n_pairs),
        )


@dataclass(frozen=True, eq=False)
class Window:
    """Part of the past: a history, and what users rated after it."""

    history: History
    held_out: RatingTable

    @cached_property
    def rated(self) -> RatedMovies:
        """Movies that users had rated, which are no candidates."""
        return RatedMovies.of(self.history.ratings)

    @cached_property
    def blocks(self) -> list[HeldOut]:
        """Held-out ratings of at most `MAX_LEARNED_FROM` users, by a hash, in pieces."""
        users = np.flatnonzero(np.diff(self.held_out.starts))
        if len(users) > MAX_LEARNED_FROM:
            by_hash = np.argsort(mixed(self.held_out.user_ids[users].astype(np.uint64)))
            users = np.sort(users[by_hash[:MAX_LEARNED_FROM]])
        return [HeldOut.of(self.held_out, some) for some in blocks(users, self.held_out.n_movies)]


@lru_cache(maxsize=4)
def windows(ratings: RatingTable, catalogue: Catalogue) -> tuple[Window, ...]:
    """Return the latest windows, each as long as a test part, the later one first."""
    found, known = [], ratings
    for _ in range(N_WINDOWS):
        split = split_by_user_time(known)
        known = split.fitting_for("test")
        found.append(Window(History(known, catalogue), split.test))
    return tuple(each for each in found if len(each.held_out))


@lru_cache(maxsize=4)
def newcomers_window(ratings: RatingTable, catalogue: Catalogue) -> Window:
    """Return a window in which half of the users are known by their first few ratings only.

    Who they are and how many ratings are known, from 0 to 4, is decided by a hash of the user.
    """
    hashes = mixed(ratings.user_ids.astype(np.uint64))
    n_known = (hashes // np.uint64(2) % np.uint64(FEW_RATINGS)).astype(np.int64)
    is_new = (hashes % np.uint64(2) == 1)[ratings.users]
    place = places_by_time(ratings) - ratings.starts[ratings.users]  # from 0
    n_before = n_known[ratings.users]
    held_out = is_new & (place >= n_before) & (place < n_before + N_NEXT)
    kept = ~is_new | (place < n_before)
    return Window(History(ratings.where(kept), catalogue), ratings.where(held_out))


@lru_cache(maxsize=40)
def fitted(name: str, history: History, values: tuple[tuple[str, float], ...]) -> LearnedComponent:
    """Return a component fitted to `history`, shared by configurations with the same `values`."""
    return LEARNED_COMPONENTS[name].fit(history, dict(values))


def fit_all(
    history: History, configuration: Configuration, names: Sequence[str]
) -> tuple[LearnedComponent, ...]:
    """Return the components of these names, fitted to `history`."""
    return tuple(
        fitted(
            name,
            history,
            tuple((each.name, configuration[each.name]) for each in kind.hyperparameters),
        )
        for name, kind in LEARNED_COMPONENTS.items()
        if name in names
    )


@lru_cache(maxsize=6)
def examples_of(window: Window, components: tuple[LearnedComponent, ...]) -> Examples:
    """Return candidates of the window's users with features, of others a sample.

    Candidates are each plane's best movies, and those that the user rated next. Shared by
    configurations with the same components.
    """
    return Examples.joined([_block(window, components, held) for held in window.blocks])


def _block(window: Window, components: Sequence[LearnedComponent], held: HeldOut) -> Examples:
    planes = KEPT_PLANES.planes_of(components, held.users, window.rated).values()
    shape = (len(held.users), window.held_out.n_movies)
    wanted = np.zeros(shape, dtype=np.bool_)
    for plane in planes:
        wanted.reshape(-1)[plane.best] = True
    wanted[held.rows, held.movies] = False
    wanted, n_others = _sampled(window.held_out, held.users, wanted)
    wanted[held.rows, held.movies] = True
    rows, movies = np.nonzero(wanted)
    features = np.empty((len(rows), FEATURES_PER_PLANE * len(planes)), dtype=np.float32)
    for k, plane in enumerate(planes):
        features[:, 2 * k] = plane.at(rows, movies)
        features[:, 2 * k + 1] = bounded(features[:, 2 * k])
    places = rows * shape[1] + movies  # ascending
    held_at = np.searchsorted(places, held.rows * shape[1] + held.movies)
    offsets = np.log(np.maximum(n_others / MAX_SAMPLED, 1.0))[rows]
    offsets[held_at] = 0.0
    shares = np.zeros(len(rows))
    shares[held_at] = held.shares
    return Examples(
        features=features,
        starts=np.searchsorted(rows, np.arange(len(held.users) + 1)),
        offsets=offsets,
        shares=shares,
        liked=held_at[held.liked],
        other=held_at[held.other],
        pair_shares=held.pair_shares,
    )


def _sampled(table: RatingTable, users: Ints, wanted: Bools) -> tuple[Bools, Ints]:
    """Return at most `MAX_SAMPLED` of each user's `wanted` movies, and how many there were."""
    seeds = mixed(table.user_ids[users].astype(np.uint64))
    hashes = mixed(table.movie_ids.astype(np.uint64))
    found: tuple[Bools, Ints] = plane_loops().sampled(wanted, seeds, hashes, MAX_SAMPLED)
    return found


def _pairs(is_liked: Bools, first: int) -> tuple[Ints, Ints]:
    """Return all pairs of a user's last liked ratings and last others, by places from `first`."""
    liked = np.flatnonzero(is_liked)[-MAX_OF_A_KIND:] + first
    other = np.flatnonzero(~is_liked)[-MAX_OF_A_KIND:] + first
    return np.repeat(liked, len(other)), np.tile(other, len(liked))
