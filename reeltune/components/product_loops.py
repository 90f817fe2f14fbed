"""Products of sparse and dense matrices, compiled.

Each user's row is computed by that user's data alone and in one order, so that it is the same to
the last bit whoever else is asked for. `reeltune.components.compiled_loops` loads them.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from reeltune.domain.arrays import Floats, Floats32, Ints, Ints32

_LANES = 128  # users at a time

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def shared_strength(
    users: Ints,
    starts: Ints,
    movies: Ints32,
    values: Floats,
    column_starts: Ints,
    column_users: Ints32,
    column_values: Floats,
    n_users: int,
) -> Floats:
    """Return W X', (n, U): W are the rows of `users` (n,) and X is given by columns (M,)."""
    found = np.zeros((len(users), n_users))
    for k in range(len(users)):
        row = found[k]
        for entry in range(starts[users[k]], starts[users[k] + 1]):
            movie, value = movies[entry], values[entry]
            for other in range(column_starts[movie], column_starts[movie + 1]):
                row[column_users[other]] += value * column_values[other]
    return found


@_compiled
def times_dense(left: Floats, right: Floats) -> Floats:
    """Return left @ right, (n, W), for (n, V) and (V, W)."""
    n, n_inner = left.shape
    found = np.empty((n, right.shape[1]))
    turned = np.zeros((n_inner, _LANES))
    total = np.zeros(_LANES)
    for first in range(0, n, _LANES):
        here = min(_LANES, n - first)
        _turn(left[first : first + here], turned)
        for column in range(right.shape[1]):
            total[:] = 0.0
            for v in range(n_inner):
                factor = right[v, column]
                for lane in range(_LANES):
                    total[lane] += factor * turned[v, lane]
            for lane in range(here):
                found[first + lane, column] = total[lane]
    return found


@_compiled
def times_columns(left: Floats, column_starts: Ints, rows: Ints32, values: Floats) -> Floats32:
    """Return left (n, V) times a sparse matrix (V, M) that is given by columns, (n, M)."""
    n, n_inner = left.shape
    n_movies = len(column_starts) - 1
    found = np.zeros((n, n_movies), dtype=np.float32)
    turned = np.zeros((n_inner, _LANES), dtype=np.float32)
    totals = np.zeros((_LANES, _LANES), dtype=np.float32)
    for first in range(0, n, _LANES):
        here = min(_LANES, n - first)
        _turn(left[first : first + here], turned)
        for first_movie in range(0, n_movies, _LANES):
            last_movie = min(n_movies, first_movie + _LANES)
            for movie in range(first_movie, last_movie):
                at = movie - first_movie
                for lane in range(_LANES):
                    totals[at, lane] = 0
                for entry in range(column_starts[movie], column_starts[movie + 1]):
                    factor, v = np.float32(values[entry]), rows[entry]
                    for lane in range(_LANES):
                        totals[at, lane] += factor * turned[v, lane]
            for lane in range(here):
                for movie in range(first_movie, last_movie):
                    found[first + lane, movie] = totals[movie - first_movie, lane]
    return found


@_compiled
def less_rows(
    scores: Floats32, users: Ints, starts: Ints, movies: Ints32, values: Floats, factors: Floats
) -> None:
    """Replace scores S (n, M) by W - (W - S) * factors (M,); W are the rows of `users` (n,)."""
    for k in range(len(users)):
        row = scores[k]
        for movie in range(len(row)):
            row[movie] *= np.float32(factors[movie])
        for entry in range(starts[users[k]], starts[users[k] + 1]):
            movie = movies[entry]
            row[movie] += np.float32(values[entry] * (1.0 - factors[movie]))


@_compiled
def times_rows(
    users: Ints, starts: Ints, movies: Ints32, values: Floats, right: Floats32
) -> Floats32:
    """Return the rows of `users` (n,) of a sparse matrix times a dense one (V, W), (n, W)."""
    found = np.zeros((len(users), right.shape[1]), dtype=np.float32)
    for k in range(len(users)):
        row = found[k]
        for entry in range(starts[users[k]], starts[users[k] + 1]):
            factor, line = np.float32(values[entry]), right[movies[entry]]
            for column in range(len(row)):
                row[column] += factor * line[column]
    return found


@_compiled
def times_sparse(
    users: Ints,
    starts: Ints,
    movies: Ints32,
    values: Floats,
    next_starts: Ints,
    next_movies: Ints32,
    next_values: Floats,
) -> Floats32:
    """Return the rows of `users` (n,) of a sparse matrix times a sparse one (M, M), (n, M)."""
    found = np.zeros((len(users), len(next_starts) - 1), dtype=np.float32)
    for k in range(len(users)):
        row = found[k]
        for entry in range(starts[users[k]], starts[users[k] + 1]):
            value, movie = values[entry], movies[entry]
            if value > 0.0:
                for other in range(next_starts[movie], next_starts[movie + 1]):
                    row[next_movies[other]] += np.float32(value * next_values[other])
    return found


@_compiled
def quadratic_columns(inner: Floats, column_starts: Ints, rows: Ints32, values: Floats) -> Floats:
    """Return x' inner x (M,) for each column x of a sparse matrix; `inner` is (V, V)."""
    found = np.zeros(len(column_starts) - 1)
    for movie in range(len(found)):
        for one in range(column_starts[movie], column_starts[movie + 1]):
            line, part = inner[rows[one]], 0.0
            for other in range(column_starts[movie], column_starts[movie + 1]):
                part += line[rows[other]] * values[other]
            found[movie] += part * values[one]
    return found


@_compiled
def _turn(rows: Floats, turned: NDArray[Any]) -> None:
    """Fill the columns of `turned` (V, _LANES) from the rows (n, V), one for one."""
    for lane in range(len(rows)):
        for v in range(len(turned)):
            turned[v, lane] = rows[lane, v]
