"""Standardised planes of scores, candidates and ranks, compiled.

Each user's values are computed by that user's data alone and in one order, so that they are the
same to the last bit whoever else is asked for. `reeltune.components.compiled_loops` loads them.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from reeltune.domain.arrays import Bools, Floats, Floats32, Ints, Ints32

_LANES = 64  # movies at a time in sums
_BLOCK = 16  # movies that are passed over at once
_BARS = (3.0, 2.0, 1.0, 0.0)  # deviations above the mean, where the best are looked for
STEPS = 2.0**14  # of the grid that standardised scores lie on, in one deviation
_HIGHEST = 1024.0 - 1 / STEPS  # deviations; 24 bits with the grid, as single precision has
BEND = 3.0  # deviations at which a bounded score is half of them
_FLAT = 1e-6  # deviation, as a share of the mean, below which all scores are one

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def moments(
    plane: Floats32, users: Ints, rated_starts: Ints, rated: Ints32
) -> tuple[Floats, Floats]:
    """Return mean and inverse deviation over each user's unrated movies, (n,) each.

    `plane` is (n, M), or (1, M) for all users alike. The inverse is 0 where all scores are one.
    """
    n, n_movies = len(users), plane.shape[1]
    means, scales = np.zeros(n), np.zeros(n)
    total, square = 0.0, 0.0
    for k in range(n):
        row = plane[min(k, len(plane) - 1)]
        if k < len(plane):
            total, square = _sums(row)
        own, own_square = total, square
        count = n_movies
        for entry in range(rated_starts[users[k]], rated_starts[users[k] + 1]):
            value = np.float64(row[rated[entry]])
            own -= value
            own_square -= value * value
            count -= 1
        if count > 0:
            means[k] = own / count
            deviation = np.sqrt(max(own_square / count - means[k] * means[k], 0.0))
            if deviation > _FLAT * max(abs(means[k]), 1.0):
                scales[k] = 1.0 / deviation
    return means, scales


@_compiled
def _sums(row: Floats32) -> tuple[float, float]:
    """Return the sum and the sum of squares."""
    totals, squares = np.zeros(_LANES), np.zeros(_LANES)
    whole = len(row) // _LANES * _LANES
    for first in range(0, whole, _LANES):
        for lane in range(_LANES):
            value = np.float64(row[first + lane])
            totals[lane] += value
            squares[lane] += value * value
    for place in range(whole, len(row)):
        value = np.float64(row[place])
        totals[place - whole] += value
        squares[place - whole] += value * value
    return totals.sum(), squares.sum()


@_compiled
def best_places(
    plane: Floats32,
    means: Floats,
    scales: Floats,
    users: Ints,
    rated_starts: Ints,
    rated: Ints32,
    n_best: int,
) -> Ints:
    """Return places in (n, M), flat, of each user's unrated movies above the `n_best`-th best.

    At most n_best - 1 each: those as good as the `n_best`-th stay out.
    """
    n, n_movies = len(users), plane.shape[1]
    found = np.empty(n * n_best, dtype=np.int64)
    n_found = 0
    is_rated = np.zeros(n_movies, dtype=np.bool_)
    high = np.empty(n_movies, dtype=np.float32)
    places = np.empty(n_movies, dtype=np.int64)
    for k in range(n):
        if scales[k] == 0.0:
            continue
        row = plane[min(k, len(plane) - 1)]
        own = rated[rated_starts[users[k]] : rated_starts[users[k] + 1]]
        for movie in own:
            is_rated[movie] = True
        bar = _reached_bar(row, means[k], scales[k], n_best + len(own))
        n_high = _collect_above(row, bar, is_rated, high, places)
        for movie in own:
            is_rated[movie] = False
        nth = n_high - min(n_best, n_high)
        least = np.partition(high[:n_high], nth)[nth]
        for place in range(n_high):
            if high[place] > least:
                found[n_found] = k * n_movies + places[place]
                n_found += 1
    return found[:n_found].copy()


@_compiled
def _reached_bar(row: Floats32, mean: float, scale: float, n_wanted: int) -> float:
    """Return a score that `n_wanted` movies are above, and few more; -inf where too few are."""
    for deviations in _BARS:
        bar = float(np.float32(mean + deviations / scale))
        if _count_above(row, bar) >= n_wanted:
            return bar
    return -np.inf


@_compiled
def _count_above(row: Floats32, least: float) -> int:
    """Return how many scores are above `least`."""
    count = 0
    for movie in range(len(row)):
        count += int(row[movie] > least)
    return count


@_compiled
def _collect_above(
    row: Floats32, least: float, is_rated: Bools, high: Floats32, places: Ints
) -> int:
    """Fill `high` and `places` with the unrated movies that score above `least`; count them."""
    count = 0
    for first in range(0, len(row), _BLOCK):
        last = min(len(row), first + _BLOCK)
        n_here = 0
        for movie in range(first, last):
            n_here += int(row[movie] > least)
        if n_here:
            for movie in range(first, last):
                high[count], places[count] = row[movie], movie
                count += int((row[movie] > least) & (not is_rated[movie]))
    return count


@_compiled
def sampled(
    wanted: Bools, seeds: NDArray[np.uint64], movie_hashes: NDArray[np.uint64], n_most: int
) -> tuple[Bools, Ints]:
    """Return at most `n_most` of the `wanted` (n, M) of each row by a hash, and how many there are.

    Seeds are of the rows (n,), hashes of the movies (M,).
    """
    n, n_movies = wanted.shape
    chosen = np.zeros(wanted.shape, dtype=np.bool_)
    counts = np.zeros(n, dtype=np.int64)
    hashes = np.empty(n_movies, dtype=np.uint64)
    places = np.empty(n_movies, dtype=np.int64)
    for k in range(n):
        count = 0
        for movie in range(n_movies):
            if wanted[k, movie]:
                z = seeds[k] ^ movie_hashes[movie]
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                hashes[count] = z ^ (z >> np.uint64(27))
                places[count] = movie
                count += 1
        counts[k] = count
        bar = np.uint64(0xFFFFFFFFFFFFFFFF)
        if count > n_most:
            bar = np.partition(hashes[:count], n_most - 1)[n_most - 1]
        for place in range(count):
            if hashes[place] <= bar:
                chosen[k, places[place]] = True
    return chosen, counts


@_compiled
def on_grid_at(
    plane: Floats32, means: Floats, scales: Floats, rows: Ints, movies: Ints
) -> Floats32:
    """Return standardised scores on the grid, (R,), of the movies of rows of a plane."""
    found = np.empty(len(rows), dtype=np.float32)
    for place in range(len(rows)):
        k = rows[place]
        z = (plane[min(k, len(plane) - 1), movies[place]] - means[k]) * scales[k]
        found[place] = np.rint(min(max(z, -_HIGHEST), _HIGHEST) * STEPS) / STEPS
    return found


@_compiled
def add_plane(
    plane: Floats32, means: Floats, scales: Floats, linear: Floats, bounded: Floats, scores: Floats
) -> None:
    """Add to scores (B, n, M) a plane's two features times their weights, (B, n) each.

    All of it lies on a grid on which sums are exact, so that their order decides nothing.
    """
    n, n_movies = len(means), plane.shape[1]
    z, shrunk = np.empty(n_movies), np.empty(n_movies)
    for k in range(n):
        row, mean, scale = plane[min(k, len(plane) - 1)], means[k], scales[k]
        if scale == 0.0:
            continue
        for movie in range(n_movies):
            value = (np.float64(row[movie]) - mean) * scale
            value = np.rint(min(max(value, -_HIGHEST), _HIGHEST) * STEPS) / STEPS
            z[movie] = value
            shrunk[movie] = np.rint(value / (1.0 + abs(value) / BEND) * STEPS) / STEPS
        for b in range(len(scores)):
            total, first, second = scores[b, k], linear[b, k], bounded[b, k]
            if first != 0.0 or second != 0.0:
                for movie in range(n_movies):
                    total[movie] += first * z[movie] + second * shrunk[movie]


@_compiled
def put_first(
    lists: Floats, order: Floats, users: Ints, rated_starts: Ints, rated: Ints32, n_first: int
) -> tuple[Bools, Floats]:
    """Let scores (n, M) of the best `n_first` unrated movies by `lists` stand above all others.

    `lists` becomes the score: of the first its own plus a lead (n,), of the others that by `order`.
    Returns which are first (n, M), with those that are as good as the last of them, and the lead.
    """
    n, n_movies = lists.shape
    is_first = np.zeros(lists.shape, dtype=np.bool_)
    leads = np.zeros(n)
    best = np.empty(n_first)
    for k in range(n):
        row, other, chosen = lists[k], order[k], is_first[k]
        chosen[:] = True
        for movie in rated[rated_starts[users[k]] : rated_starts[users[k] + 1]]:
            chosen[movie] = False
        least = _nth_best(row, chosen, best)
        highest = -np.inf
        for movie in range(n_movies):
            candidate = chosen[movie]
            chosen[movie] = candidate and row[movie] >= least
            if candidate and not chosen[movie]:
                highest = max(highest, other[movie])
        if highest > -np.inf:
            leads[k] = highest - least + 1 / STEPS
        for movie in range(n_movies):
            row[movie] = row[movie] + leads[k] if chosen[movie] else other[movie]
    return is_first, leads


@_compiled
def _nth_best(row: Floats, chosen: Bools, best: Floats) -> float:
    """Return the lowest of the best scores of the `chosen`, as many as `best` has places."""
    best[:] = -np.inf
    for movie in range(len(row)):
        value = row[movie]
        if chosen[movie] and value > best[-1]:
            place = len(best) - 1
            while place > 0 and value > best[place - 1]:
                best[place] = best[place - 1]
                place -= 1
            best[place] = value
    return float(best[-1])


@_compiled
def rank_rows(
    scores: Floats,
    users: Ints,
    rated_starts: Ints,
    rated: Ints32,
    held_starts: Ints,
    held: Ints32,
    places: Ints,
    top: Ints,
    ranks: Ints,
    held_scores: Floats,
) -> None:
    """Rank all unrated movies of each row of `scores` (n, M), which is overwritten.

    Fills `top` (n, k) with the best, -1 beyond the last, and rank and score of each held-out movie,
    those of the rows one after the other. Ties by `places` (M,), as `metrics.ranking` has it.
    """
    n, n_movies = scores.shape
    k = top.shape[1]
    done = 0
    best = np.empty(k)
    for row_number in range(n):
        row, user = scores[row_number], users[row_number]
        for movie in rated[rated_starts[user] : rated_starts[user + 1]]:
            row[movie] = -np.inf
        for movie in held[held_starts[user] : held_starts[user + 1]]:
            value, above, equal = row[movie], 0, 0
            for other in range(n_movies):
                above += int(row[other] > value)
                equal += int(row[other] == value)
            if equal > 1:
                for other in range(n_movies):
                    above += int(row[other] == value and places[other] < places[movie])
            held_scores[done] = value
            ranks[done] = above + 1
            done += 1
        _fill_top(row, places, best, top[row_number])


@_compiled
def _fill_top(row: Floats, places: Ints, best: Floats, top: Ints) -> None:
    """Fill `top` (k,) with the best movies of a row, best first; `best` (k,) is working memory."""
    n_top = 0
    bar = -np.inf
    for movie in range(len(row)):
        value = row[movie]
        if value < bar or value == -np.inf:
            continue
        place = n_top
        while place > 0 and (
            value > best[place - 1]
            or (value == best[place - 1] and places[movie] < places[top[place - 1]])
        ):
            place -= 1
        if place < len(top):
            n_top = min(n_top + 1, len(top))
            for later in range(n_top - 1, place, -1):
                best[later], top[later] = best[later - 1], top[later - 1]
            best[place], top[place] = value, movie
            bar = best[n_top - 1] if n_top == len(top) else -np.inf
    for place in range(n_top, len(top)):
        top[place] = -1
