"""CPU time of lists from memory, of getting ready, and memory, for the version in production.

    python -m benchmarks.recommending --db movies.db [--users 600] [--repeat 3]

Getting ready is measured in processes of their own, whose imports count. Lists are asked for one
after the other, each user's in turn, so that none is made twice in a row; CPU time is that of the
process, the reference is `recommend` on the same loaded model and ratings.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.versions import load_production
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.recommend import recommend
from reeltune.serving import Recommendations
from reeltune.versioning.request import RetrainingRequest
from reeltune.versioning.retraining import retrain

N_REFERENCE = 30  # users by the reference, which takes long
GIVEN = (3, 50)  # ratings of somebody new
READY = """
import json, sys, time
from pathlib import Path
began = time.perf_counter()
from reeltune.serving import Recommendations
served = Recommendations.open(sys.argv[1])
served.for_user(int(served.movies.loaded.user_ids[0]))
wall = time.perf_counter() - began
text = Path("/proc/self/smaps_rollup").read_text()
lines = dict(line.split(":") for line in text.splitlines()[1:])
own = sum(int(lines[name].split()[0]) for name in ("Private_Dirty", "Private_Clean"))
print(json.dumps({"cpu": time.process_time(), "wall": wall,
                  "resident": int(lines["Rss"].split()[0]) / 1024, "own": own / 1024}))
"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, default=Path(os.environ.get("REELTUNE_DB", "movies.db")))
    parser.add_argument("--users", type=int, default=600)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with deployed(options.db) as db:
        measure(db, options.users, options.repeat)


@contextmanager
def deployed(db: Path) -> Iterator[Path]:
    """Yield the database; where no version is in production, a copy in which one is."""
    with connection(db) as conn:
        has_production = load_production(conn) is not None
    if has_production:
        yield db
        return
    with tempfile.TemporaryDirectory(prefix="reeltune-") as directory:
        copy = Path(directory) / "movies.db"
        shutil.copy(db, copy)
        request = RetrainingRequest(study=StudyConfig(), force=True, accuracy_threshold=0.0)
        with connection(copy) as conn:
            retrain(conn, load_dataset(conn), request)
        yield copy


def measure(db: Path, n_users: int, repeat: int) -> None:
    """Print the figures of the version in production."""
    served = Recommendations.open(db)
    loaded = served.movies.loaded
    print(
        f"version {served.version}, {loaded.version.training.model}: {len(loaded.movie_ids):,}"
        f" movies, {len(served.ratings.table):,} ratings; load {os.getloadavg()[0]:.1f}"
    )
    print_ready(db, repeat)
    users = [int(user) for user in islice(cycle(loaded.user_ids.tolist()), n_users)]
    print_lists(served, users)
    print_reference(served, users[:N_REFERENCE])
    print_newcomers(served)
    movies = loaded.movie_ids[:: max(1, len(loaded.movie_ids) // 200)].tolist()
    print_step("similar movies", [partial(served.similar, m) for m in movies])
    now = [(1, int(movies[0]), 4.0, 2_000_000_000)]
    print_step("the same version with a rating more", [partial(served.with_ratings, now)] * 200)


def print_ready(db: Path, repeat: int) -> None:
    """Print what a process needs until it has made its first list."""
    words = [sys.executable, "-c", READY, str(db)]
    runs = [
        json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout)
        for _ in range(repeat)
    ]
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print(
        f"from start to the first list: {found['cpu']:.2f} CPU s, {found['wall']:.2f} s;"
        f" {found['resident']:.0f} MB resident, {found['own']:.0f} MB of them its own"
    )


def print_lists(served: Recommendations, users: Sequence[int]) -> None:
    """Print what lists of users of the fit take."""
    print_step("list of a user", [partial(served.for_user, u) for u in users])
    some = [partial(served.for_user, u, explain=True) for u in users]
    print_step("the same, explained", some)
    print_step("list of 100", [partial(served.for_user, u, 100) for u in users])
    print_step("list of a stranger", [partial(served.for_user, "nobody")] * len(users))


def print_reference(served: Recommendations, users: Sequence[int]) -> None:
    """Print what the reference takes for the same users; its lists must be the same."""
    model, ratings = served.movies.loaded.model, served.ratings.table
    print_step("list by the reference", [partial(recommend, model, ratings, u) for u in users])
    for user in users:
        expected = [(each.movie_id, each.score) for each in recommend(model, ratings, user)]
        assert [(each.movie_id, each.score) for each in served.for_user(user)] == expected


def print_newcomers(served: Recommendations) -> None:
    """Print what somebody new takes whose ratings come with the question."""
    rng = np.random.default_rng(1)
    counts = np.bincount(served.ratings.table.movies, minlength=served.ratings.table.n_movies)
    movie_ids = served.movies.loaded.movie_ids
    for n in GIVEN:
        draws = [
            rng.choice(len(counts), n, replace=False, p=counts / counts.sum()) for _ in range(100)
        ]
        given = [
            [(int(movie_ids[m]), float(rng.integers(1, 11)) / 2) for m in some] for some in draws
        ]
        print_step(f"list by {n} ratings given", [partial(served.for_ratings, g) for g in given])


def print_step(name: str, calls: Iterable[Callable[[], object]]) -> None:
    """Print mean, median and 99th percentile of the CPU milliseconds of calls, after a warm-up."""
    calls = list(calls)
    calls[0]()
    took = []
    for call in calls:
        began = time.process_time_ns()
        call()
        took.append((time.process_time_ns() - began) / 1e6)
    middle, high = np.percentile(took, [50, 99])
    print(f"{name:<38}{np.mean(took):>9.3f} {middle:>9.3f} {high:>9.3f} CPU ms", flush=True)


if __name__ == "__main__":
    main()
