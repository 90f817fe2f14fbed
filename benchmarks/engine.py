"""Configurations per second through fit and exact evaluation, beside the plain reference.

    python -m benchmarks.engine --db movies.db [--configs 64] [--threads N] [--json engine.json]

Rates are of wall time; those of CPU time, in brackets, are what a free core would give.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from reeltune.components.hyperparameters import SPACE, WEIGHTS
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.engine.measure import n_threads
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.measuring import Measurer

REFERENCES = 2  # configurations the reference is given: it is slow


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    configurations: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Configurations per second."""
        return self.configurations / self.seconds

    def as_text(self, reference: float) -> str:
        """Name, rates and how many times the reference's rate that is."""
        cpu = self.configurations / max(self.cpu_seconds, 1e-9)
        return f"{self.name:<38}{self.rate:>9.1f}/s  ({cpu:>7.1f}) {self.rate / reference:>8.0f}x"


def timed(name: str, configurations: int, work: Callable[[], object]) -> Row:
    """Return the time that `work` takes, as a row."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Row(name, configurations, time.perf_counter() - wall, time.process_time() - cpu)


def random_configurations(n: int, seed: int) -> list[Configuration]:
    """`n` valid configurations, everything in them changed."""
    rng = np.random.default_rng(seed)
    return [SPACE.decode(rng.random(len(SPACE.dimensions))) for _ in range(n)]


def only(names: Sequence[str], changed: Sequence[Configuration]) -> list[Configuration]:
    """Return the default configuration with `names` as in each of `changed`."""
    return [{**SPACE.defaults(), **{name: c[name] for name in names}} for c in changed]


def measure(trainer: RatingsEvaluator, n: int) -> list[Row]:
    """Return all rows for one world; the reference comes last."""
    default = [SPACE.defaults()]
    some = random_configurations(n, seed=0)
    weights = only([member.name for member in WEIGHTS.members], some)
    thresholds = only(["cast_lead_threshold"], some)
    measurer = Measurer(trainer, "accuracy")
    rows = [
        timed(
            "cold: first configuration",
            1,
            lambda: measurer.measure_many(default),
        ),
        timed(
            "warm: one configuration alone",
            1,
            lambda: measurer.measure_many(default),
        ),
    ]
    for what, configurations in (
        ("one weight vector changed", weights),
        ("one cast threshold changed", thresholds),
        ("everything changed", some),
    ):
        for size in (4, n):
            part = configurations[:size]
            rows.append(timed(f"{what}, {size} at a time", size, _task(trainer, part)))
    few = some[:REFERENCES]
    reference = timed("reference", len(few), lambda: list(map(trainer.evaluate_by_reference, few)))
    return [*rows, reference]


def _task(
    trainer: RatingsEvaluator, configurations: Sequence[Configuration]
) -> Callable[[], object]:
    return lambda: Measurer(trainer, "accuracy").measure_many(configurations)


def bandwidth(megabytes: int = 256) -> float:
    """Bytes per second that one thread copies, read and written counted: the memory's limit."""
    source: Floats = np.ones(megabytes * 2**17)
    target = np.empty_like(source)
    target[:] = source
    return 2 * source.nbytes / min(_seconds(lambda: np.copyto(target, source)) for _ in range(5))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def machine() -> dict[str, object]:
    """Return what the figures depend on."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": n_threads(),
        "load": None if load is None else round(load, 1),
        "copy_gigabytes_per_second": round(bandwidth() / 1e9, 1),
        "versions": {name: version(name) for name in ("numpy", "numba", "scipy")},
        "python": platform.python_version(),
    }


def main() -> None:
    """Print the table; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, default=Path(os.environ.get("REELTUNE_DB", "movies.db")))
    parser.add_argument("--configs", type=int, default=64)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.threads:
        os.environ["NUMBA_NUM_THREADS"] = str(options.threads)
    with connection(options.db) as conn:
        loading = _seconds(lambda: load_dataset(conn))
        data = load_dataset(conn)
    trainer = RatingsEvaluator.of(data, StudyConfig())
    fit_seconds = _seconds(lambda: trainer.evaluate_many([]))
    rows = measure(trainer, options.configs)
    where = machine()
    users = len(np.unique(trainer.held_out.users))
    print(
        f"{users:,} of {trainer.fitting.n_users:,} users x {trainer.fitting.n_movies:,} movies, "
        f"{len(data.ratings):,} ratings; loaded in {loading:.2f} s, prepared in {fit_seconds:.2f} s"
    )
    print(", ".join(f"{name} {value}" for name, value in where.items()))
    for row in rows:
        print(row.as_text(rows[-1].rate))
    if options.json:
        figures = [row.__dict__ | {"rate": row.rate} for row in rows]
        options.json.write_text(json.dumps({"machine": where, "rows": figures}, indent=1))


if __name__ == "__main__":
    main()
