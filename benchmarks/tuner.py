"""Cost of the tuner itself per experiment: CPU, commits and bytes, beside Optuna on SQLite.

    python -m benchmarks.tuner [--history 100,1000,5000] [--methods random,grid,tpe,gp]

An experiment is proposed, begun and completed durably; measuring it is left out. "One by one" has
two commits each; "in batches" 64 experiments are proposed and recorded together, as the loop does
where measuring is quick and proposals do not look back. Optuna, where installed, proposes and
records by its own SQLite storage, which takes long: up to the first history of those asked for.
"""

import argparse
import importlib
import importlib.util
import os
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.engine import machine
from benchmarks.search_costs import Steps
from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection, connection
from reeltune.search import STRATEGIES, Strategy

SINGLE, BATCH = 64, 64  # experiments that are measured


class Cost(NamedTuple):
    """Of one experiment."""

    milliseconds: float  # of CPU
    commits: float | None
    size: float  # bytes

    def as_text(self) -> str:
        """For the table."""
        commits = "not counted" if self.commits is None else f"{self.commits:.2f} commits"
        return f"{self.milliseconds:>9.2f} ms  {commits:<12} {self.size:>7,.0f} bytes"


class Meter:
    """Counts what happens to a database in a `with` block, per experiment."""

    def __init__(self, conn: Connection, path: Path, n: int) -> None:
        self.conn, self.path, self.n = conn, path, n
        self.commits = 0
        self.cost: Cost | None = None

    def __enter__(self) -> "Meter":
        self.before = self._size()
        self.conn.set_trace_callback(self._count)
        self.began = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.process_time() - self.began
        self.conn.set_trace_callback(None)
        grown = self._size() - self.before
        self.cost = Cost(1000 * seconds / self.n, self.commits / self.n, grown / self.n)

    def _count(self, statement: str) -> None:
        self.commits += statement.strip().upper().startswith("COMMIT")

    def _size(self) -> int:
        self.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return self.path.stat().st_size


def cost(strategy: Strategy, n: int, *, together: bool) -> Cost:
    """Of an experiment after `n` others."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "costs.db"
        with connection(path, create=True) as conn:
            steps = Steps(conn, n)
            count = BATCH if together else SINGLE
            with Meter(conn, path, count) as meter:
                if together:
                    steps.batch(strategy, count)
                else:
                    for _ in range(count):
                        steps.step(strategy)
    assert meter.cost is not None
    return meter.cost


def optuna_cost(sampler: str, n: int) -> Cost | None:
    """Of one of Optuna's trials after `n` others, in its SQLite storage; None if not installed."""
    if importlib.util.find_spec("optuna") is None:
        return None
    optuna: Any = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rng = np.random.default_rng(n)
    axes = [f"x{k}" for k in range(len(SPACE.dimensions))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optuna.db"
        study = optuna.create_study(
            storage=f"sqlite:///{path}", sampler=getattr(optuna.samplers, sampler)(seed=0)
        )

        def objective(trial: Any) -> float:
            for axis in axes:
                trial.suggest_float(axis, 0.0, 1.0)
            return float(rng.normal())

        study.optimize(objective, n_trials=n)
        before, began = path.stat().st_size, time.process_time()
        study.optimize(objective, n_trials=SINGLE)
        seconds, grown = time.process_time() - began, path.stat().st_size - before
    return Cost(1000 * seconds / SINGLE, None, grown / SINGLE)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", default="100,1000,5000")
    parser.add_argument("--methods", default="random,grid,tpe,gp")
    options = parser.parse_args()
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    histories = [int(n) for n in options.history.split(",")]
    for n in histories:
        for name in options.methods.split(","):
            strategy = STRATEGIES[name]
            for how, together in (("one by one", False), ("in batches", True)):
                if together and strategy.is_adaptive:
                    continue
                print(
                    f"{n:>6,} {name:<14}{how:<12}{cost(strategy, n, together=together).as_text()}"
                )
        if n == histories[0]:
            for sampler in ("RandomSampler", "TPESampler"):
                found = optuna_cost(sampler, n)
                if found is not None:
                    print(f"{n:>6,} Optuna {sampler:<19}{found.as_text()}")


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()
