"""Runs of the example tasks, in this process, and in one that is killed.

    python -m tests.tasks.runs KIND VARIANT METHOD DATABASE

tunes an example slowly, for a test to kill it.
"""

import sys
import time
from pathlib import Path
from typing import Any

from reeltune.db.connection import connection
from reeltune.db.experiments import load_experiments
from reeltune.domain.experiment import Experiment
from reeltune.domain.study import StudyConfig
from reeltune.tasks.registry import TASKS
from reeltune.tasks.task import Task
from reeltune.tracking.progress import SilentWatcher
from reeltune.tuning.orchestrator import Orchestrator
from reeltune.tuning.plan import Plan
from reeltune.tuning.result import RunResult

N_CONFIGS = 16


def study_of(task: Task, objective: str | None = None) -> StudyConfig:
    """Return the study of a task, for its first metric that has values per unit."""
    chosen = objective or next(iter(task.metrics))
    return StudyConfig(task=task.name, model=task.model, split=task.split, objective=chosen, seed=5)


def plan_of(task: Task, method: str) -> Plan:
    """Return a short plan, with pruning where the task lets some units be measured first."""
    pruner = "halving" if task.has_units else None
    return Plan(method=method, n_configs=N_CONFIGS, pruner=pruner)


def tuned(task: Task, database: Path, plan: Plan, **options: Any) -> RunResult:
    """Tune a task; the database is made if it is missing."""
    with connection(database, create=True) as conn:
        return Orchestrator(conn, task, study_of(task), **options).run(plan)


def resumed(task: Task, database: Path, run_id: str) -> RunResult:
    """Go on with a run."""
    with connection(database) as conn:
        return Orchestrator(conn, task, study_of(task)).resume(run_id)


def found(database: Path, run_id: str) -> list[tuple[Any, ...]]:
    """Return all that must not depend on how a run was carried out."""
    with connection(database) as conn:
        return [
            (e.number, e.status, dict(e.hyperparameters), e.objective_value, dict(e.metrics))
            for e in load_experiments(conn, run_id)
        ]


class Slow(SilentWatcher):
    """Leaves time to be killed after each experiment."""

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        time.sleep(0.2)


if __name__ == "__main__":
    kind, variant, method, database = sys.argv[1:]
    example = TASKS[kind].example(int(variant))
    tuned(example, Path(database), plan_of(example, method), watch=Slow())
