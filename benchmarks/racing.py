"""Racing: many configurations measured on ever more users, exactly for what survives.

    python -m benchmarks.racing --db movies.db [--configs 2048] [--json racing.json]

All on 2 of 32 groups of users, the best quarter of them on 8, the best quarter of those on all: the
rungs of `--pruner halving`, with all configurations known from the start. Beside it, all of them
measured on all users: how many per second, and what the winner of the race is worth among them.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.engine import machine, only, random_configurations
from reeltune.components.hyperparameters import WEIGHTS
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats, Ints
from reeltune.domain.space import Configuration
from reeltune.domain.study import StudyConfig
from reeltune.engine.engine import Engine
from reeltune.stats.paired_gain import random_groups
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.pruning_rules import REDUCTION, RUNGS


class Found(NamedTuple):
    """Result of a way of measuring."""

    per_second: float
    best: int  # which configuration


def values(engine: Engine, configurations: Sequence[Configuration], objective: str) -> Floats:
    """(N,) the objective of each configuration on the users of `engine`."""
    found = dict(engine.evaluate(configurations))
    return np.array([found[k].values[objective] for k in range(len(configurations))])


def race(parts: Sequence[Engine], configurations: Sequence[Configuration], objective: str) -> int:
    """Return the winner: on each part but the last, one in REDUCTION goes on."""
    left: Ints = np.arange(len(configurations))
    for number, engine in enumerate(parts):
        found = values(engine, [configurations[k] for k in left], objective)
        keep = max(1, len(left) // REDUCTION) if number < len(parts) - 1 else 1
        left = left[np.argsort(-found, kind="stable")[:keep]]
    return int(left[0])


def parts_of(trainer: RatingsEvaluator) -> list[Engine]:
    """Return the engine for the users of each rung, and for all."""
    whole = trainer.engine
    assert whole is not None, "there is no engine for this data"
    users = whole.index.users
    groups = random_groups(len(users), 1)
    rungs = [whole.among(np.sort(np.concatenate([users[g] for g in groups[:n]]))) for n in RUNGS]
    return [*rungs, whole]


def timed(n: int, work: Callable[[], int]) -> Found:
    """Return how many of `n` configurations per second `work` does, and which it finds best."""
    began = time.perf_counter()
    best = work()
    return Found(n / (time.perf_counter() - began), best)


def compare(
    parts: Sequence[Engine], configurations: Sequence[Configuration], objective: str
) -> dict[str, float]:
    """Rates of both ways, and how the winner of the race stands among all."""
    n = len(configurations)
    raced = timed(n, lambda: race(parts, configurations, objective))
    exact: list[Floats] = []
    measured = timed(n, lambda: _best(parts[-1], configurations, objective, exact))
    (worth,) = exact
    return {
        "raced_per_second": round(raced.per_second, 1),
        "measured_per_second": round(measured.per_second, 1),
        "times": round(raced.per_second / measured.per_second, 2),
        "best": round(float(worth[measured.best]), 4),
        "winner": round(float(worth[raced.best]), 4),
        "better_than_winner": int((worth > worth[raced.best]).sum()),
    }


def _best(
    engine: Engine, configurations: Sequence[Configuration], objective: str, exact: list[Floats]
) -> int:
    exact.append(values(engine, configurations, objective))
    return int(np.argmax(exact[0]))


def main() -> None:
    """Print both ways; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, default=Path(os.environ.get("REELTUNE_DB", "movies.db")))
    parser.add_argument("--configs", type=int, default=2048)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with connection(options.db) as conn:
        trainer = RatingsEvaluator.of(load_dataset(conn), StudyConfig())
    some = random_configurations(options.configs, seed=0)
    parts = parts_of(trainer)
    race(parts, some[:8], "accuracy")  # compiled, and all users' parts made
    found = {
        what: compare(parts, configurations, "accuracy")
        for what, configurations in (
            ("weights changed", only([member.name for member in WEIGHTS.members], some)),
            ("everything changed", some),
        )
    }
    where = machine()
    print(", ".join(f"{name} {value}" for name, value in where.items()))
    for what, figures in found.items():
        print(
            f"{what}: {figures['raced_per_second']:,} raced per second, "
            f"{figures['measured_per_second']:,} measured ({figures['times']}x); "
            f"{'accuracy'} of the winner {figures['winner']:.4f}, of the best of "
            f"{options.configs:,} {figures['best']:.4f}: {figures['better_than_winner']} are better"
        )
    if options.json:
        options.json.write_text(json.dumps({"machine": where, "found": found}, indent=1))


if __name__ == "__main__":
    main()
