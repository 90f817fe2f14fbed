"""Functions of a user's own, written to a file and tuned."""

from pathlib import Path
from textwrap import dedent

from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_runs
from reeltune.domain.experiment import Experiment

HEAD = """
    import os
    import sys
    import time

    import reeltune
    from reeltune import Hyperparameter, Single, Space

    X = Hyperparameter(name="x", default=0.5, low=0.0, high=1.0, meaning="")


"""
PLAIN = """
    @reeltune.objective(space=Space((Single(X),)), metrics={"loss": "minimize"})
    def measure(configuration):
        return (configuration["x"] - 0.3) ** 2
"""
TUNE = ("-m", "reeltune", "tune")
RANDOM = ("--method", "random", "--configs", "5", "--seed", "3")


def written(folder: Path, body: str, name: str = "mine.py") -> str:
    """Write a module with a function `measure`; the name by which it is tuned."""
    (folder / name).write_text(dedent(HEAD) + dedent(body))
    return f"{folder / name}:measure"


def experiments(database: Path) -> list[Experiment]:
    """The experiments of the only run."""
    with connection(database) as conn:
        (found,) = load_runs(conn)
        return load_experiments(conn, found.tuning_run_id)
