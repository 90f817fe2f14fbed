"""Ranking of the whole catalogue for each user, under given scores: the reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.errors import InputError
from reeltune.ratings.hashing import mixed
from reeltune.ratings.table import RatingTable

SCORES_BYTES = 64 * 2**20  # of scores of all movies that are computed at a time

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rankings of u users, who together have H held-out ratings, as far as metrics need them.

    A user's candidates are all movies of the catalogue that the fitting part has no rating of
    theirs for. They are ranked by score, the highest first.
    """

    top: Ints  # (u, k) positions of each user's first movies, in order; -1 beyond the last one
    held_out_ranks: Ints  # (H,) rank of each held-out movie among its user's candidates, 1 = first
    held_out_scores: Floats  # (H,) and its score


def tie_order(movie_ids: Ints) -> Ints:
    """Return the rank of each movie among movies of equal score: (M,) a permutation of 0 to M - 1.

    It depends on the ids alone, so that two movies keep their order when others come or go, and
    it mixes them, so that no order of ids (age, for most catalogues) is favoured.

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"
    (SplitMix64), a bijection on 64 bits: no two ids collide.
    """
    by = mixed(movie_ids.astype(np.uint64))
    places = np.empty(len(by), dtype=np.int64)
    places[np.argsort(by)] = np.arange(len(by))
    return places


def rank(
    scores: Floats,
    users: Ints,
    fitting: RatingTable,
    held_out: RatingTable,
    places: Ints,
    k: int,
) -> Ranking:
    """Rank the whole catalogue for each of `users`, without what they rated in `fitting`.

    Args:
        scores: (u, M) finite; the higher, the earlier.
        users: (u,) positions of the users that the rows of `scores` are for.
        fitting: movies a user rated here are no candidates.
        held_out: movies to find the ranks of. (H,) in the result is in the order of `users`, and
            within a user in the order of this table.
        places: (M,) what `tie_order` gives: of equal scores, the lower place comes first.
        k: length of the top list.

    Raises:
        InputError: a score is NaN or infinite, or a held-out movie is also in `fitting`.
    """
    _check_finite(scores, users, fitting)
    by_place = np.argsort(places)  # (M,)
    top = np.full((len(users), k), -1, dtype=np.int64)
    ranks, held_out_scores = [], []
    for row, user in enumerate(users):
        wanted = held_out.movies[held_out.starts[user] : held_out.starts[user + 1]]
        line = scores[row].copy()  # (M,)
        line[fitting.movies[fitting.starts[user] : fitting.starts[user + 1]]] = -np.inf
        held_out_scores.append(line[wanted])
        line = line[by_place]  # from here on, of two equal scores the left one comes first
        ordered = np.sort(line)
        first = _first(line, ordered, k)
        top[row, : len(first)] = by_place[first]
        ranks.append(_ranks(line, ordered, places[wanted]))
    ranking = Ranking(top, _joined(ranks, np.int64), _joined(held_out_scores, np.float64))
    if np.isneginf(ranking.held_out_scores).any():
        raise InputError(
            "a rating must be in the fitting or the held-out part, not in both: "
            f"{np.isneginf(ranking.held_out_scores).sum()} are; split the table again"
        )
    return ranking


def join(rankings: Sequence[Ranking], k: int) -> Ranking:
    """Join rankings with top lists of length `k` to one of all their users, in order."""
    return Ranking(
        top=np.concatenate([np.empty((0, k), np.int64), *(part.top for part in rankings)]),
        held_out_ranks=_joined([part.held_out_ranks for part in rankings], np.int64),
        held_out_scores=_joined([part.held_out_scores for part in rankings], np.float64),
    )


def _first(line: Floats, ordered: Floats, k: int) -> Ints:
    """Return the positions in `line` of the best `k` candidates, or of as many as there are."""
    n_candidates = len(ordered) - int(np.searchsorted(ordered, -np.inf, side="right"))
    k = min(k, n_candidates)
    if k == 0:
        return np.empty(0, dtype=np.int64)
    enough = np.flatnonzero(line >= ordered[-k])  # k or, with ties, more
    return enough[np.argsort(-line[enough], kind="stable")[:k]]


def _ranks(line: Floats, ordered: Floats, wanted: Ints) -> Ints:
    """Return the ranks in `line` of its entries at `wanted`; `ordered` is `line`, ascending."""
    scores = line[wanted]  # (h,)
    up_to = np.searchsorted(ordered, scores, side="right")  # (h,)
    ranks = len(ordered) - up_to + 1  # (h,) as if each came first among its equals
    n_equal = up_to - np.searchsorted(ordered, scores, side="left")  # (h,)
    for i in np.flatnonzero(n_equal > 1):
        ranks[i] += np.count_nonzero(line[: wanted[i]] == scores[i])
    return ranks.astype(np.int64)


def _joined(parts: Sequence[NDArray[Number]], dtype: type[Number]) -> NDArray[Number]:
    return np.concatenate([np.empty(0, dtype), *parts])


def _check_finite(scores: Floats, users: Ints, table: RatingTable) -> None:
    finite = np.isfinite(scores)
    if finite.all():
        return
    row, movie = np.argwhere(~finite)[0]
    raise InputError(
        f"scores must be finite, but {np.count_nonzero(~finite)} of {scores.size} are not: first "
        f"{scores[row, movie]} for user {table.user_ids[users[row]]} and movie "
        f"{table.movie_ids[movie]}; mend the recommender's score"
    )
