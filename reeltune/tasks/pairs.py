"""Pairs of movies that a user liked and did not like: the initial guesses are fitted on them."""

from dataclasses import dataclass

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints
from reeltune.metrics.ranking_metrics import RELEVANT
from reeltune.ratings.table import RatingTable

MAX_USERS = 1_000  # drawn at random where there are more
MAX_PAIRS = 100  # of one user


@dataclass(frozen=True, eq=False)
class Pairs:
    """Rated movies of some users, and pairs among them."""

    users: Ints  # (N,) position of each rating's user
    movies: Ints  # (N,) position of its movie
    liked: Ints  # (P,) which of these ratings is the liked one of each pair
    others: Ints  # (P,) and which the other
    shares: Floats  # (P,) users count alike: what each pair counts, of sum 1

    def differences(self, columns: Floats) -> Floats:
        """Return (P, K) by how much the liked one exceeds the other in `columns` (N, K)."""
        found: Floats = columns[self.liked] - columns[self.others]
        return found


def sample_pairs(held_out: RatingTable, seed: int) -> Pairs | None:
    """Return pairs of up to `MAX_USERS` users, drawn by `seed`; None where no user has one."""
    rng = np.random.default_rng(seed)
    is_liked = held_out.ratings >= RELEVANT
    users = _mixed(held_out, is_liked)
    if not len(users):
        return None
    if len(users) > MAX_USERS:
        users = np.sort(rng.choice(users, MAX_USERS, replace=False))
    rows = [np.arange(held_out.starts[u], held_out.starts[u + 1]) for u in users]
    firsts = np.cumsum([0, *map(len, rows)])[:-1].tolist()
    drawn = [_pairs_of(is_liked[mine], rng) for mine in rows]
    numbered = list(zip(firsts, drawn, strict=True))
    taken = np.concatenate(rows)
    return Pairs(
        users=held_out.users[taken].astype(np.int64),
        movies=held_out.movies[taken].astype(np.int64),
        liked=np.concatenate([first + liked for first, (liked, _) in numbered]),
        others=np.concatenate([first + others for first, (_, others) in numbered]),
        shares=np.concatenate([np.full(len(a), 1 / len(a)) for a, _ in drawn]) / len(users),
    )


def _mixed(held_out: RatingTable, is_liked: Bools) -> Ints:
    """Return the users with both a liked and another rating."""
    n = held_out.n_users
    n_liked = np.bincount(held_out.users[is_liked], minlength=n)
    return np.flatnonzero((n_liked > 0) & (n_liked < np.diff(held_out.starts)))


def _pairs_of(is_liked: Bools, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return places of the liked and the other movie in up to `MAX_PAIRS` pairs of one user."""
    liked, others = np.flatnonzero(is_liked), np.flatnonzero(~is_liked)
    n = len(liked) * len(others)
    chosen = np.arange(n) if n <= MAX_PAIRS else rng.choice(n, MAX_PAIRS, replace=False)
    return liked[chosen // len(others)], others[chosen % len(others)]
