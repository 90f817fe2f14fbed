"""Seconds and memory from a database to columns and to what an engine stands on, first and again.

    python -m benchmarks.loading --db movies.db [--repeat 3]

Works on a copy of the database. Every figure is of a process of its own, the median of as many as
asked for. Memory is what the step adds at its peak to what the process had before it.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset, read_dataset
from reeltune.domain.study import StudyConfig
from reeltune.ratings.dataset import Dataset
from reeltune.storage.array_cache import ArrayCache
from reeltune.tasks.ratings import RatingsEvaluator

Figures = dict[str, float]


@contextmanager
def measured(found: Figures) -> Iterator[None]:
    """Fill `found` with what the `with` block takes."""
    cpu, wall, before = time.process_time(), time.perf_counter(), _resident_megabytes()
    yield
    found["cpu"] = time.process_time() - cpu
    found["wall"] = time.perf_counter() - wall
    found["megabytes"] = max(0.0, _peak_megabytes() - before)


def step_read(db: Path, found: Figures) -> None:
    """Columns from the database itself, kept nowhere."""
    with connection(db) as conn, measured(found):
        data = read_dataset(conn)
    _describe(data, found)


def step_load_first(db: Path, found: Figures) -> None:
    """Columns from the database, hashed and kept."""
    shutil.rmtree(ArrayCache.beside(db).directory, ignore_errors=True)
    with connection(db) as conn, measured(found):
        load_dataset(conn)


def step_load_again(db: Path, found: Figures) -> None:
    """Columns as kept."""
    with connection(db) as conn, measured(found):
        load_dataset(conn)


def step_prepare_first(db: Path, found: Figures) -> None:
    """Split, fit, and what the engine stands on; kept nowhere."""
    with connection(db) as conn:
        data = replace(load_dataset(conn), cache=None)
    with measured(found):
        RatingsEvaluator.of(data, StudyConfig()).prepare()


def step_prepare_again(db: Path, found: Figures) -> None:
    """The same as kept."""
    with connection(db) as conn:
        data = load_dataset(conn)
    RatingsEvaluator.of(data, StudyConfig()).prepare()
    with measured(found):
        RatingsEvaluator.of(data, StudyConfig()).prepare()


STEPS: dict[str, Callable[[Path, Figures], None]] = {
    "read the database": step_read,
    "load, first time": step_load_first,
    "load again": step_load_again,
    "prepare, first time": step_prepare_first,
    "prepare again": step_prepare_again,
}


def in_a_process(step: str, db: Path) -> Figures:
    """Return the figures of one step."""
    words = [sys.executable, "-m", "benchmarks.loading", "--db", str(db), "--step", step]
    done = subprocess.run(words, capture_output=True, check=True, text=True)
    figures: Figures = json.loads(done.stdout)
    return figures


def main() -> None:
    """Print the table, or the figures of one step as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, default=Path(os.environ.get("REELTUNE_DB", "movies.db")))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        found: Figures = {}
        STEPS[options.step](options.db, found)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory(prefix="reeltune-") as directory:
        copy = Path(directory) / "movies.db"
        shutil.copy(options.db, copy)
        for step in STEPS:
            runs = [in_a_process(step, copy) for _ in range(options.repeat)]
            middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
            print(_line(step, middle), flush=True)


def _line(step: str, found: Figures) -> str:
    line = f"{step:<22}{found['cpu']:>8.3f} s CPU {found['wall']:>8.3f} s"
    line += f" {found['megabytes']:>8.0f} MB"
    if "ratings" in found:
        line += f"   ({found['ratings']:,.0f} ratings, {found['columns']:.0f} MB of columns)"
    return line


def _describe(data: Dataset, found: Figures) -> None:
    table = data.ratings
    columns = (table.users, table.movies, table.ratings, table.rated_at)
    found["ratings"] = len(table)
    found["columns"] = sum(column.nbytes for column in columns) / 2**20


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
