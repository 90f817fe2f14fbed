"""Time and memory of an import of ratings, beside those of DuckDB and pandas for reading.

    python -m benchmarks.importing [--millions 0.1 0.2] [--directory DIRECTORY]

Ratings are made up and written as CSV and as Parquet: 150 for each user, of 60,000 movies, in
random order within a user. DuckDB and pandas read the same four columns and add each up, so that
nothing is left unread; they check nothing, and store nothing. Each step is a process of its own;
memory is its peak. 20 million ratings need 3 GB of disk.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.db.connection import connection
from reeltune.domain.arrays import Floats, Ints
from reeltune.importers.counts import RowCounts
from reeltune.importers.mapping import SourceMap
from reeltune.importers.sources import opened
from reeltune.importers.table import import_table
from reeltune.importers.table_ratings import read_ratings

MOVIES = 60_000
RATINGS_PER_USER = 150
CHUNK = 1_000_000
NAMES = ("user", "movie", "rating", "time")
MAPPING = {"ratings": {name: name for name in NAMES} | {"scale": "stars"}}
FORMATS = ("csv", "parquet")


def made_up(n: int) -> Iterator[tuple[Ints, Ints, Floats, Ints]]:
    """Yield users, movies, stars and times of `n` ratings; no user rates a movie twice."""
    rng = np.random.default_rng(n)
    step = MOVIES // RATINGS_PER_USER  # each rating of a user is in a range of its own
    for start in range(0, n, CHUNK):
        number = np.arange(start, min(start + CHUNK, n))
        place = (number * 7919) % RATINGS_PER_USER  # all of them, in another order
        movies = place * step + rng.integers(0, step, len(number)) + 1
        stars = rng.integers(1, 11, len(number)) / 2
        yield (
            number // RATINGS_PER_USER + 1,
            movies,
            stars,
            rng.integers(1_000_000_000, 1_700_000_000, len(number)),
        )


def write_csv(path: Path, n: int) -> None:
    """Write ratings as CSV."""
    with path.open("w", encoding="ascii") as file:
        file.write(",".join(NAMES) + "\n")
        for columns in made_up(n):
            rows = zip(*(column.tolist() for column in columns), strict=True)
            file.writelines("%d,%d,%s,%d\n" % row for row in rows)  # noqa: UP031 the quickest


def write_parquet(path: Path, n: int) -> None:
    """Write ratings as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = (pa.int64(), pa.int64(), pa.float64(), pa.int64())
    schema = pa.schema(list(zip(NAMES, kinds, strict=True)))
    with pq.ParquetWriter(path, schema) as writer:
        for columns in made_up(n):
            writer.write_table(pa.table(dict(zip(NAMES, columns, strict=True)), schema))


def step_import(path: Path, db: Path) -> None:
    """`reeltune import table`: read, checked and stored."""
    with connection(db, create=True) as conn:
        films = {"films": _films()}
        import_table(conn, films, {"movies": {"movie": "movie", "title": "title"}})
    began = usage()
    with connection(db) as conn:
        import_table(conn, path, MAPPING)
    report(began)


def step_read(path: Path, _db: Path) -> None:
    """Read and checked alone: to stars, Unix seconds and ids."""
    (said,) = SourceMap.from_dict(MAPPING).ratings
    began = usage()
    with opened(path) as source:
        read_ratings(None, source.table(said), said, RowCounts("table", path.name))
    report(began)


def step_duckdb(path: Path, _db: Path) -> None:
    """DuckDB: all columns added up, on one thread."""
    import duckdb

    began = usage()
    read = "read_csv" if path.suffix == ".csv" else "read_parquet"
    sums = ", ".join(f'sum("{name}")' for name in NAMES)
    conn = duckdb.connect()
    conn.execute("SET threads = 1")
    conn.execute(f"SELECT {sums} FROM {read}('{path}')").fetchall()
    report(began)


def step_pandas(path: Path, _db: Path) -> None:
    """pandas: a data frame, all columns added up."""
    import pandas as pd

    began = usage()
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    frame[list(NAMES)].sum()
    report(began)


STEPS: dict[str, Callable[[Path, Path], None]] = {
    "import": step_import,
    "read alone": step_read,
    "DuckDB": step_duckdb,
    "pandas": step_pandas,
}


def _films() -> Any:
    import pandas as pd

    numbers = range(1, MOVIES + 1)
    return pd.DataFrame({"movie": numbers, "title": [f"Film {n}" for n in numbers]})


def usage() -> tuple[float, float]:
    """Return CPU seconds of this process, and a clock's."""
    return time.process_time(), time.perf_counter()


def report(began: tuple[float, float]) -> None:
    """Print what was taken since, and the peak memory of the process."""
    cpu, wall = (now - then for now, then in zip(usage(), began, strict=True))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    megabytes = int(status["VmHWM"].split()[0]) / 2**10  # not the parent's, as rusage has it
    print(json.dumps({"cpu": cpu, "wall": wall, "megabytes": megabytes}))


@dataclass(frozen=True, slots=True)
class Taken:
    """Cost of one step."""

    step: str
    form: str
    millions: float
    cpu: float
    wall: float
    megabytes: float  # at its peak, the program itself included

    def __str__(self) -> str:
        return (
            f"{self.millions:>6g} M  {self.form:<8} {self.step:<11}{self.cpu:>8.2f} s CPU"
            f"{self.wall:>8.2f} s{self.megabytes:>7.0f} MB"
        )


def in_a_process(step: str, path: Path, millions: float) -> Taken:
    """Return what a step takes that has a process of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as directory:
        words = ["--step", step, "--file", str(path), "--db", f"{directory}/movies.db"]
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.importing", *words],
            stdout=subprocess.PIPE,
            check=True,
        )
    form = path.suffix.removeprefix(".")
    return Taken(step, form, millions, **json.loads(done.stdout))


def measured(directory: Path, millions: Sequence[float]) -> Iterator[Taken]:
    """Yield what each step takes with each size and format."""
    steps = [step for step in STEPS if step != "DuckDB" or importlib.util.find_spec("duckdb")]
    for size in millions:
        for form, write in zip(FORMATS, (write_csv, write_parquet), strict=True):
            path = directory / f"{size:g}m.{form}"
            write(path, round(size * 1e6))
            yield from (in_a_process(step, path, size) for step in steps)
            path.unlink()


def summarise(taken: Sequence[Taken]) -> Iterator[str]:
    """Yield how each step grows, and how many times as long as DuckDB and pandas ours take."""
    for form in FORMATS:
        by_step = {step: [t for t in taken if (t.form, t.step) == (form, step)] for step in STEPS}
        for step, found in by_step.items():
            if len(found) > 1:
                x, y = np.log([[t.millions for t in found], [t.cpu for t in found]])
                yield f"{form}, {step}: grows as size to the power of {np.polyfit(x, y, 1)[0]:.2f}"
        for ours in ("read alone", "import"):
            for theirs in ("DuckDB", "pandas"):
                if by_step[theirs]:
                    ratio = by_step[ours][-1].cpu / max(by_step[theirs][-1].cpu, 1e-9)
                    size = by_step[ours][-1].millions
                    yield f"{form}, {ours}: {ratio:.1f} times {theirs}'s CPU at {size:g} million"


def main() -> None:
    """Print each step as it ends, then growth and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--millions", type=float, nargs="+", default=[0.1, 0.2])
    parser.add_argument("--directory", type=Path, help="where files are made, and removed again")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--db", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        STEPS[options.step](options.file, options.db)
        return
    if importlib.util.find_spec("pyarrow") is None or importlib.util.find_spec("pandas") is None:
        print("importing: left out, it needs pip install -r requirements-bench.txt")
        return
    with tempfile.TemporaryDirectory(prefix="reeltune-", dir=options.directory) as directory:
        taken = []
        for each in measured(Path(directory), options.millions):
            taken.append(each)
            print(each, flush=True)
    for line in summarise(taken):
        print(line)


if __name__ == "__main__":
    main()
