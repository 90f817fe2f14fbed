"""Tuning runs within the test's own process."""

from pathlib import Path
from typing import Any

from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.db.experiments import load_experiments
from reeltune.domain.experiment import Experiment
from reeltune.domain.study import StudyConfig
from reeltune.tracking.progress import SilentWatcher
from reeltune.tuning.plan import Plan
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.tuning.result import RunResult


def tuned(path: Path, plan: Plan, *, jobs: int = 1, **study: Any) -> RunResult:
    with connection(path) as conn:
        chosen = StudyConfig(**{"seed": 7, **study})
        return TuningOrchestrator(conn, load_dataset(conn), chosen, jobs=jobs).run(plan)


def resumed(path: Path, run_id: str, **options: Any) -> RunResult:
    with connection(path) as conn:
        study = StudyConfig(seed=7)
        return TuningOrchestrator(conn, load_dataset(conn), study).resume(run_id, **options)


def found(path: Path, run_id: str) -> list[tuple[Any, ...]]:
    """All that an unbroken run and a resumed one must agree on."""
    with connection(path) as conn:
        return [
            (
                e.number,
                e.status,
                dict(e.hyperparameters),
                e.objective_value,
                e.improvement_from_baseline,
                e.exploration_phase,
                (e.parent_experiment_id or "")[-3:],
            )
            for e in load_experiments(conn, run_id)
        ]


class Interrupting(SilentWatcher):
    """Interrupts a run after `n` experiments, as Ctrl-C does."""

    def __init__(self, n: int) -> None:
        self.n = n

    def finished(self, experiment: Experiment, best: Experiment | None, n_done: int) -> None:
        if n_done == self.n:
            raise KeyboardInterrupt
