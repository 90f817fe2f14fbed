"""Writes tuning runs into a database the way a tuning run does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from reeltune.components.hyperparameters import SPACE
from reeltune.db.connection import Connection
from reeltune.db.experiments import (
    complete_experiment,
    fail_experiment,
    save_experiment,
    set_improvement,
)
from reeltune.db.tuning_runs import save_progress, save_run
from reeltune.db.user_values import save_user_values
from reeltune.domain.arrays import Floats
from reeltune.domain.experiment import (
    BASELINE,
    LOWER_BOUND_ERRORS,
    Experiment,
    Measurement,
    PairedGain,
    Progress,
    RunStatus,
    TuningRun,
    experiment_id,
)
from reeltune.stats.paired_gain import paired_gain

STARTED = "2026-11-20T21:00:00Z"


@dataclass
class StoredRun:
    """A run in the making: each call adds its next experiment. The first is the baseline."""

    conn: Connection
    run_id: str = "random_20261120_210000"
    status: RunStatus = "completed"
    objective: str = "accuracy"
    stop_reason: str | None = "all configurations are tried"
    keeps_errors: bool = True  # an earlier program did not
    code_version: str | None = "0" * 12
    best: tuple[float, str] | None = None
    number: int = field(default=BASELINE, init=False)
    baseline: float | None = field(default=None, init=False)
    baseline_users: Floats | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        started = self.status != "planned"
        save_run(
            self.conn,
            TuningRun(
                tuning_run_id=self.run_id,
                created_at=STARTED,
                started_at=STARTED if started else None,
                finished_at="2026-11-20T21:01:00Z" if self.status == "completed" else None,
                method=self.run_id.split("_")[0],
                objective=self.objective,
                model="hand-weighted",
                split="user-time",
                space_fingerprint=SPACE.fingerprint,
                seed=7,
                n_configs=5,
                data_fingerprint="d" * 64 if started else None,
                code_version=self.code_version if started else None,
                history_cutoff=0 if started else None,
                status=self.status,
                stop_reason=self.stop_reason,
            ),
        )
        if not started:
            self.number = BASELINE + 1

    def pending(self) -> str:
        number, self.number = self.number, self.number + 1
        rng = np.random.default_rng(number)
        point = rng.random(len(SPACE.dimensions))
        experiment = Experiment(
            experiment_id=experiment_id(self.run_id, number),
            tuning_run_id=self.run_id,
            number=number,
            status="pending",
            created_at=STARTED,
            hyperparameters=SPACE.defaults() if number == BASELINE else SPACE.decode(point),
            tuning_method=self.run_id.split("_")[0],
            exploration_phase="baseline" if number == BASELINE else "explore",
            seed=7,
        )
        save_experiment(self.conn, experiment)
        return experiment.experiment_id

    def completed(
        self,
        value: float,
        users: Sequence[float] | Floats | None = None,
        *,
        at: str | None = None,
        seconds: float = 1.5,
    ) -> str:
        number, id_ = self.number, self.pending()
        values = np.asarray([] if users is None else users, dtype=np.float64)
        other = {"ndcg@10": 0.05 + value / 10, "recall@20": 0.1, "mrr": None}
        metrics = {"accuracy": 0.5 + value / 2} | other | {self.objective: value}
        found = Measurement(
            objective_value=value, metrics=metrics, user_values=values, seconds=seconds
        )
        at = at or f"2026-11-20T21:00:{min(59, 2 * number + 2):02d}Z"
        if number == BASELINE and users is not None:
            self.baseline_users = values
        gain = self._gain(values)
        complete_experiment(self.conn, id_, found, at, gain)
        if users is not None:
            save_user_values(self.conn, id_, self.objective, values)
        if number == BASELINE:
            self.baseline = value
        if self.baseline is not None:
            set_improvement(self.conn, id_, value - self.baseline)
        bound = value - LOWER_BOUND_ERRORS * (0.0 if gain is None else gain.error)
        if self.best is None or bound > self.best[0]:
            self.best = (bound, id_)
        self._save_progress(number, at)
        return id_

    def _gain(self, values: Floats) -> PairedGain | None:
        before = self.baseline_users
        if not self.keeps_errors or before is None or before.shape != values.shape:
            return None
        return paired_gain(values, before)

    def failed(self, error: str) -> str:
        id_ = self.pending()
        fail_experiment(self.conn, id_, error, 0.5, "2026-11-20T21:00:59Z")
        return id_

    def _save_progress(self, number: int, at: str) -> None:
        assert self.best is not None
        progress = Progress(
            tuning_run_id=self.run_id,
            iteration=number,
            timestamp=at,
            best_accuracy=0.5,  # whatever the objective, a history keeps accuracy
            best_experiment_id=self.best[1],
            exploration_phase="baseline" if number == BASELINE else "explore",
        )
        save_progress(self.conn, progress)
