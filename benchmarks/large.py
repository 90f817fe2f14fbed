"""Made-up worlds of many millions of ratings, from import to the night after: time and memory.

    python -m benchmarks.large DIRECTORY [--millions 1 10 30] [--panel 5000] [--configs 100]

Movies are 60,000 in each, and users have 150 ratings each, so that a world of 30 million has
200,000 users. Every step is a command in a process of its own; its peak memory is that process's.
The world of 30 million needs 2 GB of disk in the directory, which stays as it is afterwards:
databases that are there already are not made again.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reeltune.db.connection import connection, transaction
from reeltune.db.dataset import load_dataset
from reeltune.db.ratings import save_ratings
from reeltune.domain.arrays import Ints
from reeltune.ratings.table import RatingTable

MOVIES = 60_000
RATINGS_PER_USER = 150
NIGHT_SHARE = 0.01  # of the ratings, new in a night


@dataclass(frozen=True)
class Taken:
    """Cost of one command."""

    step: str
    millions: float
    cpu: float  # seconds, its own and its workers'
    wall: float
    megabytes: float
    code: int

    def __str__(self) -> str:
        code = f"  (exit code {self.code})" if self.code else ""
        return (
            f"{self.millions:>5g} M  {self.step:<28}{self.cpu:>9.1f} s CPU"
            f"{self.wall:>9.1f} s{self.megabytes:>8.0f} MB{code}"
        )


def run(step: str, millions: float, words: Sequence[str]) -> Taken:
    """Run a command to its end; a gate that refuses (3) has done its work."""
    began = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    process = os.posix_spawn(
        sys.executable, [sys.executable, *words], os.environ, file_actions=silent
    )
    _, status, usage = os.wait4(process, 0)
    return Taken(
        step=step,
        millions=millions,
        cpu=usage.ru_utime + usage.ru_stime,
        wall=time.perf_counter() - began,
        megabytes=usage.ru_maxrss / 2**10,
        code=os.waitstatus_to_exitcode(status),
    )


def steps(millions: float, db: Path, panel: int, configs: int) -> Iterator[Taken]:
    """One world's whole life."""
    users = round(millions * 1e6 / RATINGS_PER_USER)
    ratings = round(millions * 1e6)
    here = ["--db", str(db), "--quiet"]
    tune = ["tune_orchestrator.py", "--method", "random", "--panel", str(panel), *here]
    if not db.exists():
        made = ["--users", str(users), "--movies", str(MOVIES), "--ratings", str(ratings)]
        yield run("import", millions, ["-m", "reeltune", "import", "demo", *made, *here])
    yield run("load, first time", millions, _load(db))
    yield run("load again", millions, _load(db))
    yield run("prepare and try 1", millions, [*tune, "--configs", "1"])
    yield run(f"try {configs} on {panel} users", millions, [*tune, "--configs", str(configs)])
    retrain = ["retrain_model.py", "--accuracy-threshold", "0.5", *here]
    deploy = [*retrain, "--apply-hp", "best"]
    yield run("measure on all, deploy", millions, deploy)
    yield run("a night's new ratings", millions, ["-m", "benchmarks.large", "--night", str(db)])
    night = [*retrain, "--force", "--panel", str(panel)]
    yield run("retrain after the night", millions, night)


def add_a_night(db: Path) -> None:
    """Add 1 % of ratings that are newer than all, each of a movie that its user has not rated."""
    with connection(db) as conn:
        table = load_dataset(conn).ratings
        users, movies = _unrated(table, round(NIGHT_SHARE * len(table)))
        rng = np.random.default_rng(len(table))
        stars = rng.integers(1, 11, len(users)) / 2
        rated_at = int(table.rated_at.max()) + 1 + np.sort(rng.integers(0, 86_400, len(users)))
        with transaction(conn):
            save_ratings(conn, table.user_ids[users], table.movie_ids[movies], stars, rated_at)


def slope(taken: Sequence[Taken], step: str) -> float:
    """Growth of a step's CPU time: log time over log size, by least squares."""
    points = [(math.log(t.millions), math.log(t.cpu)) for t in taken if t.step == step]
    x, y = np.array(points).T
    return float(np.polyfit(x, y, 1)[0])


def main() -> None:
    """Print each step as it ends, then how each grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, nargs="?")
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 10, 30])
    parser.add_argument("--panel", type=int, default=5_000)
    parser.add_argument("--configs", type=int, default=100)
    parser.add_argument("--night", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.night:
        add_a_night(options.night)
        return
    if options.directory is None:
        parser.error("name a directory for the databases")
    options.directory.mkdir(parents=True, exist_ok=True)
    taken: list[Taken] = []
    for millions in options.millions:
        db = options.directory / f"{millions:g}m.db"
        for each in steps(millions, db, options.panel, options.configs):
            taken.append(each)
            print(each, flush=True)
    for step in dict.fromkeys(each.step for each in taken):
        if len({each.millions for each in taken if each.step == step}) > 1:
            print(f"{step}: grows as size to the power of {slope(taken, step):.2f}")


def _load(db: Path) -> list[str]:
    code = (
        "import sys, pathlib; from reeltune.db.connection import connection;"
        " from reeltune.db.dataset import load_dataset\n"
        "with connection(pathlib.Path(sys.argv[1])) as conn: load_dataset(conn)"
    )
    return ["-c", code, str(db)]


def _unrated(table: RatingTable, n: int) -> tuple[Ints, Ints]:
    """(n,) users and movies, by position, at random, of pairs without a rating, in order."""
    rng = np.random.default_rng(n)
    size = 2 * n
    keys = rng.integers(0, table.n_users, size) * table.n_movies
    keys += rng.integers(0, table.n_movies, size)
    rated = np.sort(table.users.astype(np.int64) * table.n_movies + table.movies)
    keys = np.unique(keys)
    places = np.minimum(np.searchsorted(rated, keys), len(rated) - 1)
    keys = rng.permutation(keys[rated[places] != keys])[:n]
    users, movies = np.divmod(np.sort(keys), table.n_movies)
    return users, movies


if __name__ == "__main__":
    main()
