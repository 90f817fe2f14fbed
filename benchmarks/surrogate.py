"""Best of a run with and without the surrogate's first guesses.

    python -m benchmarks.surrogate --db movies.db [--seeds 5] [--split calendar] [--json FILE]

Each run has a copy of the database without history, begins with the hyperparameters' defaults and
is a real one: four experiments in flight, everything recorded. Its best after so many experiments
is chosen on the validation part. The test part is looked at for the report only: it chooses
nothing.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from reeltune.cli.console import remark_console
from reeltune.cli.options import option_db
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import Experiment
from reeltune.domain.study import StudyConfig
from reeltune.ratings.splits import SPLITS
from reeltune.tasks.ratings import RatingsEvaluator
from reeltune.tuning.measuring import Measurer
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import TuningOrchestrator

STOPS = (1, 2, 5, 10, 20, 50)


def run_found(db_path: Path, study: StudyConfig, plan: Plan) -> list[Experiment]:
    """Return the experiments of a run on a copy of the database, without history."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(db_path, Path(folder) / "copy.db"))
        with connection(path) as conn:
            result = TuningOrchestrator(conn, load_dataset(conn), study).run(plan)
            return load_experiments(conn, result.tuning_run_id)


def best_by_then(experiments: list[Experiment]) -> list[Experiment]:
    """Return the best on the validation part after the deployed one and each of `STOPS` more."""
    return [
        max(experiments[: stop + 1], key=lambda e: (e.objective_value or 0.0, -e.number))
        for stop in STOPS
    ]


def measured(db_path: Path, split: str, guesses: bool, seeds: range, method: str) -> Floats:
    """(seeds, 2, stops) accuracy on the validation and the test part."""
    found = []
    for seed in seeds:
        study = StudyConfig(split=split, seed=seed)
        plan = Plan(method=method, n_configs=max(STOPS), starts_warm=guesses)
        best = best_by_then(run_found(db_path, study, plan))
        with connection(db_path) as conn:
            test = RatingsEvaluator.of(load_dataset(conn), study, "test")
        looked = Measurer(test, "accuracy").measure_many([e.hyperparameters for e in best])
        found.append([[e.objective_value for e in best], [m.objective_value for m in looked]])
    return np.array(found, dtype=np.float64)


@click.command(help=__doc__.split("\n\n")[0])
@option_db
@click.option("--seeds", default=5, show_default=True, help="Runs of each kind.")
@click.option("--split", type=click.Choice(list(SPLITS)), default="user-time", show_default=True)
@click.option("--method", default="bayesian", show_default=True, help="The strategy.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write all figures here.")
def main(db_path: Path, seeds: int, split: str, method: str, target: Path | None) -> None:
    """Run both kinds, print the medians, and write all figures."""
    figures = {}
    title = f"Accuracy of the best so far, median of {seeds} runs of {method}, {split}"
    table = Table("", *(str(stop) for stop in STOPS), title=title)
    for name, guesses in (("without", False), ("with", True)):
        remark_console().print(f"{name} guesses ...")
        values = measured(db_path, split, guesses, range(seeds), method)
        figures[name] = values.tolist()
        for part, row in zip(("validation", "test"), np.median(values, axis=0), strict=True):
            table.add_row(f"{name} guesses, {part}", *(f"{value:.4f}" for value in row))
    Console(width=110).print(table)
    if target is not None:
        target.write_text(json.dumps({"stops": STOPS, "accuracy": figures}) + "\n")


if __name__ == "__main__":
    main()
