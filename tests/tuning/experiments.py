"""Runs and experiments in memory, as a database would give them."""

from typing import Any

from reeltune.components.hyperparameters import SPACE
from reeltune.domain.experiment import Experiment, TuningRun, experiment_id

RUN_ID = "random_20261120_210000"


def run_of(**values: Any) -> TuningRun:
    usual: dict[str, Any] = {
        "tuning_run_id": RUN_ID,
        "created_at": "2026-11-20T21:00:00Z",
        "method": "random",
        "objective": "accuracy",
        "model": "hand-weighted",
        "split": "user-time",
        "space_fingerprint": SPACE.fingerprint,
        "seed": 7,
        "n_configs": 5,
        "status": "running",
    }
    return TuningRun(**usual | values)


def experiment(number: int, value: float | None = None, **values: Any) -> Experiment:
    """A completed experiment where it has a value, else a pending one."""
    usual: dict[str, Any] = {
        "experiment_id": experiment_id(RUN_ID, number),
        "tuning_run_id": RUN_ID,
        "number": number,
        "status": "pending" if value is None else "completed",
        "created_at": "2026-11-20T21:00:00Z",
        "hyperparameters": {"number": number},
        "objective_value": value,
        "tuning_method": "random",
        "exploration_phase": "explore",
        "seed": 7,
    }
    return Experiment(**usual | values)
