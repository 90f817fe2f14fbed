"""What a tuning run came to, as one record."""

from dataclasses import asdict, dataclass
from typing import Any

from domain.experiment import RunStatus
from domain.space import Configuration
from training.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a tuning run came to."""

    tuning_run_id: str
    status: RunStatus
    stop_reason: str
    best_experiment_id: str | None
    best_hyperparameters: Configuration | None
    best_value: float | None
    baseline_value: float | None
    experiments_completed: int
    experiments_failed: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def run_result(ledger: Ledger, status: RunStatus, reason: str, seconds: float) -> RunResult:
    """The record of a run that ended now."""
    best = ledger.best
    return RunResult(
        tuning_run_id=ledger.run.tuning_run_id,
        status=status,
        stop_reason=reason,
        best_experiment_id=None if best is None else best.experiment_id,
        best_hyperparameters=None if best is None else best.hyperparameters,
        best_value=None if best is None else best.objective_value,
        baseline_value=ledger.baseline.objective_value,
        experiments_completed=ledger.count("completed"),
        experiments_failed=ledger.count("failed"),
        seconds=seconds,
    )
