"""The best movies of one user, and how many come before a given one, compiled.

Single precision decides where it can. All weights are at least 0 and all parts of a score from 0
to 1, so of a score that adds up to `most` at most, no part of the computation in single precision
is off by more than 12 roundings of 2^-24: data, weights, products and sums. TOLERANCE is 16. What
lies within it of a threshold is decided by the exact score.

Source of the bound: Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1.
"""

import numpy as np

from domain.arrays import Bools, Floats, Ints32
from evaluation.fused_arrays import LANES, TOP, Movies, Rows, Scratch, Singles
from evaluation.fused_compiled import compiled, inlined
from evaluation.fused_scan import at_least, count_bits, lowest_bit, scan

TOLERANCE = 2.0**-20  # of the most that a score can be
LEAST = 2.0**-126  # below it single precision has fewer digits


@inlined
def score_exactly(
    movies: Movies, rows: Rows, u: int, weights: Floats, popularity: Floats, movie: int
) -> float:
    """The score of one movie: the operations of `HandWeighted.score` in their order."""
    mix = (
        popularity[0] * movies.popularity_mean[movie]
        + popularity[1] * movies.popularity_count[movie]
    )
    common = weights[0] * movies.rating[movie] + weights[1] * mix
    liking = rows.franchise_likings[u, movies.collection_of[movie]]
    matched = rows.boosted[u, movies.set_of[movie]]
    base = common + weights[2] * liking
    return (base + weights[3] * matched) + weights[4] * rows.cast_likings[u, movie]


@inlined
def tolerance(weights: Floats, popularity: Floats) -> float:
    """How far from its exact value a score in single precision can be, and somewhat more."""
    shared = weights[0] + weights[1] * (popularity[0] + popularity[1])
    return (shared + weights[2] + weights[3] + weights[4]) * TOLERANCE + LEAST


@compiled
def keep_best(
    places: Ints32, movie: int, score: float, n: int, scores: Floats, top: Ints32
) -> int:
    """Put `movie` where it belongs in a list of `n` movies, TOP at most; its new length.

    `scores` (TOP,) are those of the list in `top` (TOP,), best first.
    """
    if n == TOP:
        last = scores[TOP - 1]
        if score < last or (score == last and places[movie] > places[top[TOP - 1]]):
            return n
    place = min(n, TOP - 1)
    while place > 0:
        other, than = scores[place - 1], top[place - 1]
        if score < other or (score == other and places[movie] > places[than]):
            break
        scores[place], top[place] = other, than
        place -= 1
    scores[place], top[place] = score, movie
    return min(n + 1, TOP)


@compiled
def select(
    movies: Movies,
    rows: Rows,
    u: int,
    weights: Floats,
    popularity: Floats,
    wanted: int,
    scratch: Scratch,
) -> tuple[int, int]:
    """Find the best TOP movies, and how many come before movie `wanted` (-1: not asked).

    The list goes into `scratch.top` and `scratch.top_scores`, best first.

    Args:
        movies: exact numbers for `rows`.
        rows: of the user under work.
        u: the user's position in them.
        weights: (5,) of the components, 0 or more.
        popularity: (2,) weights, 0 or more.
        wanted: a movie that can be shown.
        scratch: with the row `base`.

    Returns:
        The length of the list, and the number of movies before `wanted`.
    """
    places, row, close = movies.places, scratch.row, scratch.close
    slack = tolerance(weights, popularity)
    bar = np.inf
    if wanted >= 0:
        bar = score_exactly(movies, rows, u, weights, popularity, wanted)
    n_before = scan(
        scratch.base,
        rows.genre[u],
        rows.cast[u],
        np.float32(weights[3]),
        np.float32(weights[4]),
        np.float32(bar + slack),
        np.float32(bar - slack),
        row,
        scratch.highest,
        close,
    )
    for block in range(len(close)):
        asked = close[block]
        while asked != 0:
            movie = block * LANES + lowest_bit(asked)
            asked &= asked - np.uint64(1)
            score = score_exactly(movies, rows, u, weights, popularity, movie)
            n_before += score > bar or (score == bar and places[movie] < places[wanted])
    scores, top, n_top = scratch.top_scores, scratch.top, 0
    good = np.float32(reached_by_all(scratch.highest) - 2.0 * slack)
    for first in range(0, len(row), LANES):
        fit = at_least(row, first, good)
        while fit != 0:
            movie = first + lowest_bit(fit)
            fit &= fit - np.uint64(1)
            score = score_exactly(movies, rows, u, weights, popularity, movie)
            n_top = keep_best(places, movie, score, n_top, scores, top)
            if n_top == TOP:
                good = max(good, np.float32(scores[TOP - 1] - slack))
    return n_top, n_before


@compiled
def reached_by_all(highest: Singles) -> float:
    """A score that TOP movies reach, and few more: -inf where there are not so many.

    At each of the LANES places of a block stand other movies, so the TOP-th highest of `highest`
    (LANES,) is such a score. It is found by halving, to a thousandth of their range.
    """
    low, high = np.inf, -np.inf
    for lane in range(LANES):
        low, high = min(low, float(highest[lane])), max(high, float(highest[lane]))
    if low == -np.inf:
        low = 0.0
        if count_bits(at_least(highest, 0, np.float32(low))) < TOP:
            return -np.inf
    for _ in range(10):
        middle = np.float32(0.5 * (low + high))
        if count_bits(at_least(highest, 0, middle)) < TOP:
            high = float(middle)
        else:
            low = float(middle)
    return low


@compiled
def best_liked(places: Ints32, scores: Floats, held: Ints32, liked: Bools) -> int:
    """The liked held-out movie that comes first; -1 if none is liked."""
    best, bar = -1, -np.inf
    for h in range(len(held)):
        if liked[h] and (
            best < 0 or scores[h] > bar or (scores[h] == bar and places[held[h]] < places[best])
        ):
            best, bar = int(held[h]), scores[h]
    return best
