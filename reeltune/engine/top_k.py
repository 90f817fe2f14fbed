"""Top list of one user, and the rank of a given movie, compiled.

Single precision decides where it can. All weights are at least 0 and all parts of a score from 0
to 1, so of a score that adds up to `most` at most, no part of the computation in single precision
is off by more than 12 roundings of 2^-24: data, weights, products and sums. TOLERANCE is 16. What
lies within it of a threshold is decided by the exact score.

Source of the bound: Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1.
"""

import numpy as np

from reeltune.domain.arrays import Bools, Floats, Ints32
from reeltune.engine.arrays import (
    CAST,
    FRANCHISE,
    GENRE,
    LANES,
    MAX_FOUND,
    POPULARITY,
    RATING,
    TOP,
    Records,
    Rows,
    Scratch,
    Singles,
)
from reeltune.engine.compile import compiled, inlined
from reeltune.engine.scan import at_least, count_bits, lowest_bit, scan

TOLERANCE = 2.0**-20  # of the most that a score can be
MIN_NORMAL = 2.0**-126  # below it single precision has fewer digits
HALVINGS = 12
AT_ONCE = 32  # numbers compared in one step of compiled code


@inlined
def score_exactly(
    movies: Records, rows: Rows, u: int, weights: Floats, popularity: Floats, movie: int
) -> float:
    """Compute the score of one movie: the operations of `HandWeighted.score`, in the same order."""
    its = movies[movie]
    mix = popularity[0] * its.popularity_mean + popularity[1] * its.popularity_count
    common = weights[RATING] * its.rating + weights[POPULARITY] * mix
    preference, matched = rows.franchise_preferences[u, its.collection], rows.boosted[u, its.genres]
    base = common + weights[FRANCHISE] * preference
    score: float = (base + weights[GENRE] * matched) + weights[CAST] * rows.preferences[
        u, rows.slots[u, movie]
    ]
    return score


@inlined
def highest_possible(weights: Floats, popularity: Floats) -> float:
    """Return an upper bound of all scores."""
    shared = weights[RATING] + weights[POPULARITY] * (popularity[0] + popularity[1])
    most: float = shared + weights[FRANCHISE] + weights[GENRE] + weights[CAST]
    return most


@compiled
def keep_best(n: int, scratch: Scratch) -> int:
    """Keep the TOP best of the first `n` that were found, best first; return their number.

    The position of each is the number of those that are better, counted without a branch.
    """
    found, scores, places = scratch.found, scratch.found_scores, scratch.found_places
    n_whole = (n + AT_ONCE - 1) // AT_ONCE * AT_ONCE
    scores[n:n_whole] = -np.inf
    top, top_scores, top_places = scratch.top, scratch.top_scores, scratch.top_places
    for k in range(n):
        score, place = scores[k], places[k]
        n_better = 0
        for other in range(n_whole):
            equal = (scores[other] == score) & (places[other] < place)
            n_better += (scores[other] > score) | equal
        if n_better < TOP:
            top[n_better], top_scores[n_better], top_places[n_better] = found[k], score, place
    n_top = min(n, TOP)
    for k in range(n_top):
        found[k], scores[k], places[k] = top[k], top_scores[k], top_places[k]
    return n_top


@compiled
def select(
    movies: Records,
    rows: Rows,
    u: int,
    weights: Floats,
    popularity: Floats,
    wanted: int,
    scratch: Scratch,
) -> tuple[int, int]:
    """Find the best TOP movies, and how many come before movie `wanted` (-1: not needed).

    The list goes into `scratch.top`, best first.

    Args:
        movies: (M,) records.
        rows: of the user under work.
        u: the user's position in them.
        weights: (N_COMPONENTS,) of the components, 0 or more.
        popularity: (2,) weights, 0 or more.
        wanted: a movie that can be shown.
        scratch: with the row `base`.

    Returns:
        The length of the list, and the number of movies before `wanted`.
    """
    most = highest_possible(weights, popularity)
    slack = most * TOLERANCE + MIN_NORMAL
    n_before = count_before(movies, rows, u, weights, popularity, wanted, slack, scratch)
    good = np.float32(reached_by_top(scratch.highest, most) - 2.0 * slack)
    row, n_found = scratch.row, 0
    for first in range(0, len(row), LANES):
        fit = at_least(row, first, good)
        while fit != 0:
            movie = first + lowest_bit(fit)
            fit &= fit - np.uint64(1)
            scratch.found[n_found] = movie
            score = score_exactly(movies, rows, u, weights, popularity, movie)
            scratch.found_scores[n_found] = score
            scratch.found_places[n_found] = movies[movie].place
            n_found += 1
        if n_found > MAX_FOUND - LANES:
            n_found = keep_best(n_found, scratch)
            good = max(good, np.float32(scratch.found_scores[TOP - 1] - slack))
    return keep_best(n_found, scratch), n_before


@compiled
def count_before(
    movies: Records,
    rows: Rows,
    u: int,
    weights: Floats,
    popularity: Floats,
    wanted: int,
    slack: float,
    scratch: Scratch,
) -> int:
    """Fill `scratch.row` and `scratch.highest`; return how many movies come before `wanted`."""
    close = scratch.close
    bar = np.inf
    if wanted >= 0:
        bar = score_exactly(movies, rows, u, weights, popularity, wanted)
    n_before: int = scan(
        scratch.base,
        rows.genre[u],
        rows.cast[u],
        np.float32(weights[GENRE]),
        np.float32(weights[CAST]),
        np.float32(bar + slack),
        np.float32(bar - slack),
        scratch.row,
        scratch.highest,
        close,
    )
    for block in range(len(close)):
        asked = close[block]
        while asked != 0:
            movie = block * LANES + lowest_bit(asked)
            asked &= asked - np.uint64(1)
            score = score_exactly(movies, rows, u, weights, popularity, movie)
            earlier = movies[movie].place < movies[wanted].place
            n_before += score > bar or (score == bar and earlier)
    return n_before


@compiled
def reached_by_top(highest: Singles, most: float) -> float:
    """Return a score that TOP movies reach, and few more; 0, which all reach, if there is none.

    At each of the LANES places of a block stand other movies, so the TOP-th highest of `highest`
    (LANES,) is such a score. It is found by halving what lies between 0 and `most`.
    """
    low, high = 0.0, most
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if count_bits(at_least(highest, 0, np.float32(middle))) < TOP:
            high = middle
        else:
            low = middle
    return low


@compiled
def best_liked(movies: Records, scores: Floats, held: Ints32, liked: Bools) -> int:
    """Return the liked held-out movie that ranks first; -1 if none is liked."""
    best, bar = -1, -np.inf
    for h in range(len(held)):
        if liked[h] and (
            best < 0
            or scores[h] > bar
            or (scores[h] == bar and movies[held[h]].place < movies[best].place)
        ):
            best, bar = int(held[h]), scores[h]
    return best
