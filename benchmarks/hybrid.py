"""Speed of the hybrid: CPU seconds of a configuration, of weights alone, of a fit and of users.

    python -m benchmarks.hybrid --db movies.db [--configs N]

On the validation set of the split by user and time, by one process with one thread. *All changed*
are random configurations; *weights* differ in `tau` and `weight_penalty` alone, one by one and as
one batch. *Reference* scores each with the recommender itself, without the engine.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # CPU seconds are told

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.space import Configuration
from reeltune.domain.study import HYBRID
from reeltune.rating_models.hybrid import Hybrid
from reeltune.tasks.ratings import RatingsTask


def cpu_seconds(do: Callable[[], object]) -> float:
    """Return the CPU seconds that a call takes."""
    began = time.process_time()
    do()
    return time.process_time() - began


def random_configurations(n: int) -> list[Configuration]:
    """Return configurations that differ in everything."""
    rng = np.random.default_rng(5)
    return [Hybrid.space.decode(rng.random(len(Hybrid.space.dimensions))) for _ in range(n)]


def other_weights(n: int) -> list[Configuration]:
    """Return the defaults with other values of what only decides weights."""
    taus, penalties = np.linspace(0.3, 0.95, n), np.geomspace(1e-4, 1e-2, n)
    return [
        {**Hybrid.space.defaults(), "tau": float(tau), "weight_penalty": float(penalty)}
        for tau, penalty in zip(taus, penalties, strict=True)
    ]


def render(rows: Sequence[tuple[str, list[float]]]) -> None:
    """Print the table."""
    table = Table("what", "CPU seconds each", "least", box=None)
    for what, seconds in rows:
        table.add_row(what, f"{np.median(seconds):.3f}", f"{min(seconds):.3f}")
    Console().print(table)
    if hasattr(os, "getloadavg"):
        click.echo(f"load {os.getloadavg()[0]:.1f}")


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--configs", type=click.IntRange(1), default=6, show_default=True)
def main(db_path: Path, configs: int) -> None:
    """Measure and print."""
    with connection(db_path) as conn:
        data = load_dataset(conn)
    task, defaults = RatingsTask(data, HYBRID), Hybrid.space.defaults()
    evaluator = task.evaluator()
    evaluator.evaluate(defaults)  # compiles, and makes what experiments share
    changed = random_configurations(configs)
    weights = other_weights(configs)
    rows = [("all changed", [cpu_seconds(partial(evaluator.evaluate, c)) for c in changed])]
    evaluator.evaluate(defaults)
    rows += [
        ("weights, one by one", [cpu_seconds(partial(evaluator.evaluate, c)) for c in weights]),
        ("weights, a batch", [cpu_seconds(lambda: evaluator.evaluate_many(weights)) / configs]),
        ("reference", [cpu_seconds(lambda: evaluator.evaluate_by_reference(defaults))]),
        ("fit on all ratings", [cpu_seconds(lambda: task.fit(defaults))]),
    ]
    render(rows)


if __name__ == "__main__":
    main()
