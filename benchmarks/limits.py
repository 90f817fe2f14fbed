"""Share that the engine reaches of what memory and arithmetic of this machine allow.

    python -m benchmarks.limits --db movies.db [--configs 256]

One pass of one user's movies under one vector of weights must read three rows in single precision,
write one, and do two fused multiplications and additions per movie. Measured in the same run on one
core: bytes per second of a sum over rows that stay in the core's cache, as those of the engine do,
and such operations per second on a few numbers in its first-level cache.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from benchmarks.engine import machine, only, random_configurations
from reeltune.components.hyperparameters import WEIGHTS
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats
from reeltune.domain.study import StudyConfig
from reeltune.engine.arrays import LANES, Singles
from reeltune.tasks.ratings import RatingsEvaluator

ROWS_READ, ROWS_WRITTEN, OPERATIONS = 3, 1, 2  # per movie; an operation multiplies and adds
REPEATS = 2_000


@njit(fastmath=True)
def triad(a: Singles, b: Singles, c: Singles, target: Singles, repeats: int) -> None:
    """Read three rows and write one, again and again."""
    for repeat in range(repeats):
        x, y = np.float32(repeat), np.float32(1.0) / np.float32(repeat + 1)
        for k in range(len(a)):
            target[k] = a[k] + x * b[k] + y * c[k]


@njit(fastmath=True)
def multiply_add(state: Singles, repeats: int) -> None:
    """Multiply and add, on a few numbers."""
    factor, term = np.float32(0.999), np.float32(0.001)
    for _ in range(repeats):
        for k in range(len(state)):
            state[k] = state[k] * factor + term


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of five."""
    work()
    return min(_once(work) for _ in range(5))


def _once(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def bytes_per_second(n_movies: int) -> float:
    """Of rows as long as the catalogue."""
    rng = np.random.default_rng(0)
    a, b, c, target = (rng.random(n_movies).astype(np.float32) for _ in range(4))
    moved = REPEATS * (ROWS_READ + ROWS_WRITTEN) * a.nbytes
    return moved / seconds(lambda: triad(a, b, c, target, REPEATS))


def operations_per_second() -> float:
    """Multiplications with an addition, in single precision."""
    state: Floats = np.random.default_rng(0).random(8 * LANES)
    singles = state.astype(np.float32)
    done = 100 * REPEATS * len(singles)
    return done / seconds(lambda: multiply_add(singles, 100 * REPEATS))


def main() -> None:
    """Print the limits and how near one core comes to them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, default=Path(os.environ.get("REELTUNE_DB", "movies.db")))
    parser.add_argument("--configs", type=int, default=256)
    options = parser.parse_args()
    os.environ["NUMBA_NUM_THREADS"] = "1"
    with connection(options.db) as conn:
        trainer = RatingsEvaluator.of(load_dataset(conn), StudyConfig())
    names = [member.name for member in WEIGHTS.members]
    configurations = only(names, random_configurations(options.configs, seed=0))
    rate = len(configurations) / seconds(lambda: trainer.evaluate_many(configurations))
    users, movies = len(np.unique(trainer.held_out.users)), trainer.fitting.n_movies
    cells = users * movies
    by_memory = bytes_per_second(movies) / (cells * 4 * (ROWS_READ + ROWS_WRITTEN))
    by_arithmetic = operations_per_second() / (cells * OPERATIONS)
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    print(f"{users:,} users x {movies:,} movies, weights changed, one core")
    print(f"measured, exact and with all metrics  {rate:>10,.0f} configurations/s")
    for what, limit in (("moving the bytes", by_memory), ("the arithmetic", by_arithmetic)):
        print(f"limit of {what:<28} {limit:>10,.0f} configurations/s  {rate / limit:.0%} reached")


if __name__ == "__main__":
    main()
