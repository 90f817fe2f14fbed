"""What a tuning run came to, as one record; `result.schema.json` says what it is as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from domain.experiment import RunStatus
from domain.space import Configuration, Space
from reports.front import Point, front_of
from training.ledger import FINISHED, Ledger
from training.stopping import Stop, StoppedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a tuning run came to. Values are in units of its objective."""

    tuning_run_id: str
    method: str
    objective: str  # the first, which decides which is best
    objectives: tuple[str, ...]
    seed: int
    status: RunStatus
    stopped_by: StoppedBy  # the rule that ended it
    stop_reason: str  # the same in words
    best_experiment_id: str | None  # None where no experiment was completed
    best_experiment_number: int | None  # 0: the deployed configuration
    best_hyperparameters: Configuration | None  # complete and valid
    best_value: float | None
    best_lower_bound: float | None  # what that exceeds with a confidence of 95 %; none has more
    baseline_value: float | None
    improvement: float | None  # of the best value over the baseline's
    front: tuple[Point, ...]  # where there are several objectives: beaten by no other in all
    experiments_run: int
    experiments_completed: int
    experiments_failed: int
    experiments_pruned: int
    seconds: float  # of this sitting

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def run_result(
    ledger: Ledger, space: Space, status: RunStatus, stop: Stop, seconds: float
) -> RunResult:
    """The record of a run over `space` that ended now."""
    best, run, baseline = ledger.best, ledger.run, ledger.baseline.objective_value
    value = None if best is None else best.objective_value
    return RunResult(
        tuning_run_id=run.tuning_run_id,
        method=run.method,
        objective=run.objective,
        objectives=run.objectives,
        seed=run.seed,
        status=status,
        stopped_by=stop.by,
        stop_reason=stop.said,
        best_experiment_id=None if best is None else best.experiment_id,
        best_experiment_number=None if best is None else best.number,
        best_hyperparameters=None if best is None else complete(space, best.hyperparameters),
        best_value=value,
        best_lower_bound=None if best is None else best.lower_bound,
        baseline_value=baseline,
        improvement=None if value is None or baseline is None else value - baseline,
        front=front_of(list(ledger.experiments.values()), run.objectives),
        experiments_run=ledger.count(*FINISHED),
        experiments_completed=ledger.count("completed"),
        experiments_failed=ledger.count("failed"),
        experiments_pruned=ledger.count("pruned"),
        seconds=seconds,
    )


def complete(space: Space, found: Mapping[str, object]) -> Configuration:
    """What was found, over the defaults of `space` for what it does not name, checked once more.

    Raises:
        InputError: that is not valid.
    """
    return space.checked({**space.defaults(), **found})
