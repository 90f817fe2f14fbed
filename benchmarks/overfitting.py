"""Over-fitting of the search: what more experiments choose on validation is worth on the test set.

    python -m benchmarks.overfitting --db movies.db [--model hybrid] [--numbers 40,200,1000]

Random configurations, each measured on the validation set. Of the first 40, the first 200 and so
on the one with the best lower bound of its gain over the defaults is chosen, as a run chooses; each
is then measured on the test set, once, and compared there with the choice of the fewest, user by
user.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.arrays import Floats
from reeltune.domain.evaluation import Evaluation
from reeltune.domain.experiment import LOWER_BOUND_ERRORS
from reeltune.domain.space import Configuration
from reeltune.domain.study import BUILT_IN
from reeltune.stats.paired_gain import paired_gain
from reeltune.stats.paired_tests import paired_difference
from reeltune.tasks.ratings import RatingsEvaluator, RatingsTask

AT_A_TIME = 20  # configurations


@dataclass(frozen=True)
class Choice:
    """Best of the first experiments: its value on validation, and what it is on the test set."""

    n_experiments: int
    validation: float
    test: Evaluation


def lower_bounds(
    evaluator: RatingsEvaluator, configurations: Sequence[Configuration], objective: str
) -> tuple[list[float], list[float]]:
    """Return value and lower bound of the gain over the first configuration, of each."""
    values, bounds = [], []
    baseline = evaluator.evaluate(configurations[0]).per_unit[objective]
    for start in range(0, len(configurations), AT_A_TIME):
        for found in evaluator.evaluate_many(configurations[start : start + AT_A_TIME]):
            values.append(found.values[objective])
            bounds.append(_lower_bound(found.per_unit[objective], baseline))
    return values, bounds


def _lower_bound(values: Floats, baseline: Floats) -> float:
    gain = paired_gain(values, baseline)
    error = float("inf") if gain is None else gain.error
    return paired_difference(values, baseline).difference - LOWER_BOUND_ERRORS * error


def choices(task: RatingsTask, objective: str, numbers: Sequence[int], seed: int) -> list[Choice]:
    """Choose among the first experiments of each number on validation; then measure on test."""
    rng = np.random.default_rng(seed)
    n_axes = len(task.space.dimensions)
    drawn = [task.space.decode(rng.random(n_axes)) for _ in range(max(numbers))]
    configurations = [task.space.defaults(), *drawn]
    values, bounds = lower_bounds(task.evaluator(), configurations, objective)
    bounds[0] = 0.0  # the defaults stay unless something is surely better
    best = [int(np.argmax(bounds[: n + 1])) for n in numbers]
    found = task.evaluator("test").evaluate_many([configurations[each] for each in best])
    return [
        Choice(n, values[each], test) for n, each, test in zip(numbers, best, found, strict=True)
    ]


def render(found: Sequence[Choice], objective: str) -> None:
    """Print the table."""
    table = Table("experiments", "validation", "test", "against the fewest", box=None)
    first = found[0].test.per_unit[objective]
    for each in found:
        gain = paired_difference(each.test.per_unit[objective], first)
        against = f"{gain.difference:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
        value = each.test.values[objective]
        table.add_row(f"{each.n_experiments:,}", f"{each.validation:.4f}", f"{value:.4f}", against)
    Console().print(table)


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--db", "db_path", type=click.Path(path_type=Path), default="movies.db")
@click.option("--model", default=BUILT_IN, show_default=True)
@click.option("--objective", default="accuracy", show_default=True)
@click.option("--numbers", default="40,200,1000", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
def main(db_path: Path, model: str, objective: str, numbers: str, seed: int) -> None:
    """Choose, measure and print."""
    with connection(db_path) as conn:
        task = RatingsTask(load_dataset(conn), model)
    render(choices(task, objective, sorted(map(int, numbers.split(","))), seed), objective)


if __name__ == "__main__":
    main()
