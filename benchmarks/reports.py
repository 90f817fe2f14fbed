"""Size of a report's page and the CPU time to write it, by the number of experiments.

    python -m benchmarks.reports [--experiments 200] [--experiments 10000]

The experiments are random points of the recommender's own space with a made-up value, written into
a database that is thrown away.
"""

import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import connection, transaction
from reeltune.db.experiments import complete_experiment, save_experiment, set_improvement
from reeltune.db.tuning_runs import save_run
from reeltune.domain.clock import stamp
from reeltune.domain.experiment import Experiment, Measurement, TuningRun, experiment_id
from reeltune.reports.html_page import render_page
from reeltune.reports.run_page import run_page
from reeltune.tasks.registry import subject_of
from reeltune.views.run_report import report_run

RUN = "random_20260101_000000"


def write_run(path: Path, n: int) -> None:
    """Write a run of `n` experiments."""
    rng = np.random.default_rng(1)
    now = stamp()
    run = TuningRun(
        tuning_run_id=RUN,
        created_at=now,
        started_at=now,
        finished_at=now,
        method="random",
        objective="accuracy",
        model="hand-weighted",
        split="user-time",
        space_fingerprint=SPACE.fingerprint,
        seed=1,
        n_configs=n,
        data_fingerprint="d" * 64,
        code_version="0" * 12,
        history_cutoff=0,
        status="completed",
    )
    with connection(path, create=True) as conn, transaction(conn):
        save_run(conn, run)
        for number in range(n):
            point = rng.random(len(SPACE.dimensions))
            values = SPACE.decode(point)
            experiment = Experiment(
                experiment_id=experiment_id(RUN, number),
                tuning_run_id=RUN,
                number=number,
                status="pending",
                created_at=now,
                hyperparameters=SPACE.defaults() if number == 0 else values,
                tuning_method="random",
                exploration_phase="baseline" if number == 0 else "explore",
                seed=1,
            )
            save_experiment(conn, experiment)
            value = 0.6 + 0.1 * values["genre_weight"] + 0.01 * float(rng.standard_normal())
            metrics = {"accuracy": value, "ndcg@10": 0.1 - value / 20 + 0.01 * float(rng.random())}
            found = Measurement(
                objective_value=value,
                metrics=metrics,
                user_values=np.array([]),
                seconds=float(rng.lognormal()),
            )
            complete_experiment(conn, experiment.experiment_id, found, now)
            set_improvement(conn, experiment.experiment_id, value - 0.64)


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--experiments", multiple=True, type=int, default=(200, 1_000, 10_000))
def main(experiments: tuple[int, ...]) -> None:
    """Measure, and print a line for each number of experiments."""
    table = Table("experiments", "kB", "CPU s here", "of it reading", box=None)
    for n in experiments:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "movies.db"
            write_run(path, n)
            began = time.process_time()
            with connection(path) as conn:
                report = report_run(conn, RUN, subject_of=subject_of)
            assert report is not None
            read = time.process_time() - began
            html = render_page(run_page(report))
            took = time.process_time() - began
        size = f"{len(html.encode()) / 1000:.0f}"
        table.add_row(f"{n:,}", size, f"{took:.2f}", f"{read:.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
