"""Summary of tuning: the best of a run against the deployed configuration, and what is stored."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import load_progress, load_run
from reeltune.db.versions import database_path, load_production
from reeltune.domain.experiment import BASELINE, Experiment, Progress
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.domain.metric import Metric
from reeltune.domain.space import Configuration, Space
from reeltune.domain.study import STUDY
from reeltune.domain.subject import Subject
from reeltune.views.best_of_runs import Deployable, deployable
from reeltune.views.changes import Change, changes
from reeltune.views.comparison import Difference, compare_with_baseline
from reeltune.views.json_ready import json_ready
from reeltune.views.next_step import first_command, next_command
from reeltune.views.pareto_front import Point, points
from reeltune.views.stored import (
    RunLine,
    Stored,
    SubjectOf,
    deployed_configuration,
    describe_stored,
    is_deployed,
)
from reeltune.views.trade_off import TradeOff, trade_off

MAX_FAILURES = 3
NOTHING_YET = "no experiment has been completed yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Experiment and its results."""

    number: int
    experiment_id: str
    method: str
    value: float  # the objective, on the validation part
    lower_bound: float  # of that value, at 95 %
    improvement: float | None  # against the baseline; above 0: better
    least_improvement: float | None  # its lower bound, at 95 %
    metrics: dict[str, float | None]  # all, on the validation part
    guardrails: dict[str, GuardrailFigure]  # by guardrail; empty where they are not known
    is_feasible: bool  # it is not known to violate one
    test_accuracy: float | None  # None until it was retrained to be deployed
    changed: tuple[Change, ...]  # against the baseline, the greatest share of its range first


@dataclass(frozen=True, slots=True)
class Failure:
    """Experiment that failed."""

    number: int
    experiment_id: str
    error: str


@dataclass(frozen=True, slots=True)
class Milestone:
    """Best after a number of experiments."""

    iteration: int
    best_value: float
    lower_bound: float  # of that value; the best has the best
    best_experiment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFindings:
    """Results of one run."""

    run: RunLine
    baseline: Finding | None  # the deployed configuration of then; None unless it was completed
    best: Finding | None  # within the guardrails by its lower bound; of equals the earliest
    difference: Difference
    remark: str | None  # on how the best value may be read
    top: tuple[Finding, ...]
    milestones: tuple[Milestone, ...]  # after 1, 2, 5, 10, 20, 50 ... experiments, and the last
    best_bounds: tuple[float, ...]  # lower bound of the best so far after each experiment
    n_infeasible: int  # candidates that violate a guardrail; they come last
    trade_off: TradeOff | None  # where guardrails keep out all that is better
    means: dict[str, float]  # of the completed candidates: the objective, and accuracy
    n_failed: int
    failures: tuple[Failure, ...]  # the first of them
    metrics: dict[str, Metric]  # what the run measured by, as far as it is known
    deploys: bool  # whether a model comes of it; else the defaults stand for what is deployed
    points: tuple[Point, ...]  # what each was worth, where there are several objectives
    is_deployed: bool  # the best configuration is the deployed one by now
    of_deployed: bool  # the baseline was what was deployed then; else another model was

    @property
    def subject(self) -> Subject:
        """Subject of the run, but for its space."""
        has_baseline = self.run.task != STUDY
        return Subject(Space(()), self.metrics, self.deploys, has_baseline, self.of_deployed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Stored runs, results of one run, and the command to type next."""

    stored: Stored
    findings: RunFindings | None  # None where no experiment was completed or failed
    message: str | None  # said where no experiment of the run shown was completed
    next_command: str
    next_reason: str | None = None  # why that, where the findings of the run do not say it

    def as_dict(self) -> dict[str, object]:
        """Return what `--json` prints, without NaN."""
        return json_ready(self)


def summarise(
    conn: Connection, *, run_id: str | None = None, subject_of: SubjectOf, top: int = 10
) -> Summary:
    """Return what was found, as of one moment.

    Args:
        conn: the database.
        run_id: the run to show; by default the latest with a completed experiment, else the
            latest with a failed one.
        subject_of: gives the space and the metrics of that which a run tuned.
        top: how many of the best configurations to show.

    Raises:
        NotFoundError: there is no run `run_id`.
    """
    with snapshot(conn):
        stored, db = describe_stored(conn, subject_of=subject_of, top=top), database_path(conn)
        line = _chosen(conn, stored.runs, run_id)
        production = load_production(conn)
        model = None if production is None else production.training.model
        findings = None
        if line is not None:
            run = load_run(conn, line.tuning_run_id)
            subject = subject_of(run)
            findings = _findings(conn, line, subject, top)
        if findings is None or findings.best is None:
            command = first_command(stored, db, model)
            return Summary(
                stored=stored, findings=findings, message=NOTHING_YET, next_command=command
            )
        choice = deployable(conn, run, subject) if findings.deploys else Deployable()
        return Summary(
            stored=stored,
            findings=findings,
            message=None,
            next_command=next_command(findings.run, choice.experiment_id, db, model),
            next_reason=choice.reason,
        )


def _chosen(conn: Connection, runs: Sequence[RunLine], run_id: str | None) -> RunLine | None:
    if run_id is not None:
        run_id = load_run(conn, run_id).tuning_run_id  # refuses an unknown one
        return next(run for run in runs if run.tuning_run_id == run_id)
    for status in ("completed", "failed"):
        for run in reversed(runs):
            if status in run.experiments_by_status:
                return run
    return None


def _findings(conn: Connection, line: RunLine, subject: Subject, top: int) -> RunFindings:
    space = subject.space
    experiments = load_experiments(conn, line.tuning_run_id)
    first = next((e for e in experiments if e.number == BASELINE), None)
    now = deployed_configuration(conn, subject, line.model)
    then = now if first is None else first.hyperparameters
    ranked = ranking(experiments)
    best = ranked[0] if ranked else None
    measured = first if first is not None and first.status == "completed" else None
    failed = [e for e in experiments if e.status == "failed"]
    steps = best_so_far(load_progress(conn, line.tuning_run_id), ranked)
    return RunFindings(
        run=line,
        baseline=None if measured is None else _finding(measured, measured, then, space),
        best=None if best is None else _finding(best, measured, then, space),
        difference=compare_with_baseline(conn, line.objective, best, first, ranked, subject),
        remark=_remark(ranked, subject) if best is not None and best.number != BASELINE else None,
        top=tuple(_finding(e, measured, then, space) for e in ranked[:top]),
        milestones=milestones(steps),
        best_bounds=tuple(step.lower_bound for step in steps),
        n_infeasible=sum(not e.is_feasible for e in ranked),
        trade_off=trade_off(experiments),
        means=_means(ranked, line.objective),
        n_failed=len(failed),
        failures=tuple(
            Failure(e.number, e.experiment_id, e.error or "") for e in failed[:MAX_FAILURES]
        ),
        metrics={name: metric.plain for name, metric in subject.metrics.items()},
        deploys=subject.deploys,
        points=points(experiments, line.objectives, line.directions),
        is_deployed=best is not None
        and is_deployed(conn, subject, line.model, best.hyperparameters),
        of_deployed=subject.is_deployed,
    )


def ranking(experiments: Sequence[Experiment]) -> list[Experiment]:
    """Return the completed ones by lower bound, the best first; of equals the earliest.

    Those that violate a guardrail come after all others.
    """
    completed = [e for e in experiments if e.status == "completed"]
    return sorted(
        completed, key=lambda e: (not e.is_feasible, -e.direction.upwards(_bound(e)), e.number)
    )


def best_so_far(
    history: Sequence[Progress], completed: Sequence[Experiment]
) -> tuple[Milestone, ...]:
    """Return a run's history in units of its objective, from where there is a best."""
    by_id = {e.experiment_id: e for e in completed}
    steps = [(p.iteration, by_id.get(p.best_experiment_id or "")) for p in history]
    return tuple(
        Milestone(iteration, _value(best), _bound(best), best.experiment_id)
        for iteration, best in steps
        if best is not None
    )


def milestones(steps: Sequence[Milestone]) -> tuple[Milestone, ...]:
    """Return the steps after 0, 1, 2, 5, 10, 20, 50 ... experiments, and the last one."""
    return tuple(step for step in steps if step is steps[-1] or _is_round(step.iteration))


def _is_round(n: int) -> bool:
    """Return whether it is 0, or 1, 2 or 5 times a power of ten."""
    digits = str(n)
    return digits[0] in "0125" and set(digits[1:]) <= {"0"}


def _value(experiment: Experiment) -> float:
    assert experiment.objective_value is not None  # the table demands it of a completed one
    return experiment.objective_value


def _bound(experiment: Experiment) -> float:
    bound = experiment.lower_bound
    assert bound is not None
    return bound


def _finding(
    experiment: Experiment, baseline: Experiment | None, then: Configuration | None, space: Space
) -> Finding:
    value, gain = _value(experiment), experiment.direction.gain
    return Finding(
        number=experiment.number,
        experiment_id=experiment.experiment_id,
        method=experiment.tuning_method,
        value=value,
        lower_bound=_bound(experiment),
        improvement=None if baseline is None else gain(value, _value(baseline)),
        least_improvement=None if baseline is None else gain(_bound(experiment), _value(baseline)),
        metrics=dict(experiment.metrics),
        guardrails=dict(experiment.guardrails),
        is_feasible=experiment.is_feasible,
        test_accuracy=experiment.test_accuracy,
        changed=changes(then, experiment.hyperparameters, space),
    )


def _means(completed: Sequence[Experiment], objective: str) -> dict[str, float]:
    """Return the means over all candidates of the objective and of accuracy, as far as known."""
    found = {}
    for name in dict.fromkeys((objective, "accuracy")):
        values = [e.metrics.get(name) for e in completed if e.number != BASELINE]
        known = [value for value in values if value is not None]
        if known:
            found[name] = math.fsum(known) / len(known)
    return found


def _remark(ranked: Sequence[Experiment], subject: Subject) -> str:
    """Return what the best value must not be taken for."""
    n = sum(experiment.number != BASELINE for experiment in ranked)
    if not subject.deploys:
        return f"The best was picked out of {n} candidates, so that its value is optimistic."
    other = "" if subject.is_deployed else " Another model is deployed: the gate compares with it."
    return (
        f"The best was picked out of {n} candidates on the validation set, so its value there is "
        f"optimistic. The test set is used only when it is retrained to be deployed.{other}"
    )
