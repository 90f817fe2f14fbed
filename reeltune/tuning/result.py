"""Result of a tuning run, as one record; `result.schema.json` describes it as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reeltune.db.experiments import load_group_gains
from reeltune.domain.experiment import BASELINE, FINISHED, RunStatus
from reeltune.domain.space import Configuration, Space
from reeltune.tuning.ledger import Ledger
from reeltune.tuning.stopping import Stop, StoppedBy
from reeltune.views.pareto_front import Point, front_of
from reeltune.views.selection_bias import more_helps, selection_bias_of_best
from reeltune.views.summary import ranking
from reeltune.views.trade_off import TradeOff, trade_off


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Result of a tuning run. Values are in units of its objective."""

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
    best_lower_bound: float | None  # it is as good or better with a confidence of 95 %: none more
    baseline_value: float | None
    improvement: float | None  # of the best over the baseline; above 0: better
    corrected_improvement: float | None  # less what being picked has added; None without a gain
    more_search_helps: bool | None  # or adds more luck than gain; None: too few to tell
    front: tuple[Point, ...]  # where there are several objectives: beaten by no other in all
    experiments_run: int
    experiments_completed: int
    experiments_failed: int
    experiments_pruned: int
    experiments_infeasible: int  # completed, but violate a guardrail: never the best
    trade_off: TradeOff | None  # where guardrails keep all out that is better
    seconds: float  # of this session

    def as_dict(self) -> dict[str, Any]:
        """Return the record for `--json`."""
        return asdict(self)


def run_result(
    ledger: Ledger, space: Space, status: RunStatus, stop: Stop, seconds: float
) -> RunResult:
    """Return the record of a run over `space` that ended now."""
    best, run, baseline = ledger.best, ledger.run, ledger.baseline.objective_value
    value = None if best is None else best.objective_value
    improvement = None
    if value is not None and baseline is not None:
        improvement = run.direction.gain(value, baseline)
    completed = ranking(list(ledger.experiments.values()))
    chance = selection_bias_of_best(completed, load_group_gains(ledger.conn, run.tuning_run_id))
    gained = improvement is not None and best is not None and best.number != BASELINE
    return RunResult(
        tuning_run_id=run.tuning_run_id,
        method=run.method,
        objective=run.objective,
        objectives=run.objectives,
        seed=run.seed,
        status=status,
        stopped_by=stop.by,
        stop_reason=stop.message,
        best_experiment_id=None if best is None else best.experiment_id,
        best_experiment_number=None if best is None else best.number,
        best_hyperparameters=None if best is None else complete(space, best.hyperparameters),
        best_value=value,
        best_lower_bound=None if best is None else best.lower_bound,
        baseline_value=baseline,
        improvement=improvement,
        corrected_improvement=(improvement or 0.0) - chance.of_best if gained and chance else None,
        more_search_helps=more_helps(chance, len(completed) - 1),
        front=front_of(list(ledger.experiments.values()), run.objectives, run.directions),
        experiments_run=ledger.count(*FINISHED),
        experiments_completed=ledger.count("completed"),
        experiments_failed=ledger.count("failed"),
        experiments_pruned=ledger.count("pruned"),
        experiments_infeasible=sum(not each.is_feasible for each in completed),
        trade_off=trade_off(list(ledger.experiments.values())),
        seconds=seconds,
    )


def complete(space: Space, found: Mapping[str, object]) -> Configuration:
    """Return what was found, over the defaults of `space` for what it does not name.

    Raises:
        InputError: that is not valid.
    """
    return space.checked(space.overlaid(space.defaults(), found))
