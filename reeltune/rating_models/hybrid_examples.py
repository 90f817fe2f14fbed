"""Examples for the combiner: windows of the past, in which it is known what users liked next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from reeltune.components.learned import LEARNED_COMPONENTS
from reeltune.components.learned_component import History, LearnedComponent
from reeltune.domain.arrays import Bools, Floats32, Ints
from reeltune.domain.space import Configuration
from reeltune.rating_models.combiner import Examples
from reeltune.rating_models.hybrid_features import (
    RatedMovies,
    best_candidates,
    planes_of,
    signed_log,
    standardised,
)
from reeltune.ratings.catalogue import Catalogue
from reeltune.ratings.hashing import mixed
from reeltune.ratings.splits import places_by_time, split_by_user_time
from reeltune.ratings.table import RELEVANT_RATING, RatingTable

N_WINDOWS = 2  # as long as a test part each
N_BEST = 120  # of each plane that are candidates
MAX_LEARNED_FROM = 1_000  # of a window that the combiner learns from
USERS_AT_A_TIME = 256  # users whose planes are held at a time
MAX_OF_A_KIND = 40  # liked movies of a user in pairs, and others
FEW_RATINGS = 5  # users with fewer are newcomers
N_NEXT = 10  # ratings of a newcomer after the first ones, which are to be found


@dataclass(frozen=True, eq=False)
class Window:
    """Part of the past: a history, and what users rated after it."""

    history: History
    held_out: RatingTable


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
    """Return candidates of the users, at most `MAX_LEARNED_FROM` of them, with features.

    Shared by configurations with the same components.
    """
    users = np.flatnonzero(np.diff(window.held_out.starts))
    if len(users) > MAX_LEARNED_FROM:
        by_hash = np.argsort(mixed(window.held_out.user_ids[users].astype(np.uint64)))
        users = np.sort(users[by_hash[:MAX_LEARNED_FROM]])
    blocks = [
        _block(window, components, users[start : start + USERS_AT_A_TIME])
        for start in range(0, len(users), USERS_AT_A_TIME)
    ]
    return _joined(blocks)


def _block(window: Window, components: Sequence[LearnedComponent], users: Ints) -> Examples:
    candidates = RatedMovies.of(window.history.ratings).unrated(users)
    planes = [standardised(plane, candidates) for plane in planes_of(components, users).values()]
    wanted = ~RatedMovies.of(window.held_out).unrated(users)
    for plane in planes:
        wanted |= best_candidates(plane, candidates, N_BEST)
    features = np.empty((int(wanted.sum()), 2 * len(planes)), dtype=np.float32)
    for k, plane in enumerate(planes):
        features[:, 2 * k] = plane[wanted]
        features[:, 2 * k + 1] = signed_log(plane[wanted])
    return _labelled(window.held_out, users, wanted, features)


def _labelled(held_out: RatingTable, users: Ints, wanted: Bools, features: Floats32) -> Examples:
    """Return rows of the `wanted` (U, M) movies with what the users thought of them."""
    starts = np.concatenate([[0], np.cumsum(wanted.sum(axis=1))])
    row_of = np.cumsum(wanted).reshape(wanted.shape) - 1
    shares, liked, other, pair_shares = np.zeros(len(features)), [], [], []
    for k, user in enumerate(users):
        own = slice(held_out.starts[user], held_out.starts[user + 1])
        rows = row_of[k, held_out.movies[own]]
        is_liked = held_out.ratings[own] >= RELEVANT_RATING
        shares[rows[is_liked]] = 1 / max(1, int(is_liked.sum()))
        first, second = rows[is_liked][-MAX_OF_A_KIND:], rows[~is_liked][-MAX_OF_A_KIND:]
        n_pairs = len(first) * len(second)
        liked.append(np.repeat(first, len(second)))
        other.append(np.tile(second, len(first)))
        pair_shares.append(np.full(n_pairs, 1 / max(1, n_pairs)))
    return Examples(
        features=features,
        starts=starts,
        shares=shares,
        liked=np.concatenate(liked),
        other=np.concatenate(other),
        pair_shares=np.concatenate(pair_shares),
    )


def _joined(blocks: Sequence[Examples]) -> Examples:
    """Return the examples of all blocks as one."""
    first = np.cumsum([0, *(len(each.features) for each in blocks)])
    moved = [
        replace(each, starts=each.starts + at, liked=each.liked + at, other=each.other + at)
        for each, at in zip(blocks, first, strict=False)
    ]
    return Examples(
        features=np.concatenate([each.features for each in moved]),
        starts=np.concatenate([[0], *(each.starts[1:] for each in moved)]).astype(np.int64),
        shares=np.concatenate([each.shares for each in moved]),
        liked=np.concatenate([each.liked for each in moved]),
        other=np.concatenate([each.other for each in moved]),
        pair_shares=np.concatenate([each.pair_shares for each in moved]),
    )
