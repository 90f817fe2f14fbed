"""Report of one run: all that is shown of it at a glance, for any reader."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection
from reeltune.db.experiments import estimate_of, load_experiments
from reeltune.db.tuning_runs import load_run
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import BASELINE, Experiment, TuningRun
from reeltune.domain.guardrail_figure import GuardrailFigure
from reeltune.domain.limits import Limits, restricted
from reeltune.domain.shown import figure, gain_figure
from reeltune.domain.space import Configuration, Space
from reeltune.search.importance import Importance, importance
from reeltune.views.json_ready import json_ready
from reeltune.views.stored import SubjectOf, deployed_configuration
from reeltune.views.summary import RunFindings, Summary, summarise

N_TOP = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One experiment, as figures show it."""

    number: int
    experiment_id: str
    status: str
    phase: str
    value: float | None  # the objective; of a pruned one its estimate
    lower_bound: float | None
    gain: float | None
    seconds: float | None
    completed_at: str | None
    is_feasible: bool
    hyperparameters: Configuration
    metrics: Mapping[str, float | None]
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailRow:
    """One guardrail of a run: how often it was violated, and how the best stands to it."""

    name: str
    bound: float  # the worst that it allows
    n_known: int  # candidates whose figure is known
    n_violated: int
    n_better_violated: int  # of those whose lower bound of the objective beats the baseline
    baseline: float | None
    best: float | None
    best_error: float | None  # standard error of its gain over the baseline; None: not known
    higher_is_better: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """All that is needed to do the run again."""

    data_fingerprint: str | None
    code_version: str | None
    space_fingerprint: str
    seed: int
    settings: Mapping[str, object]
    best_configuration: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Report of one run."""

    summary: Summary
    findings: RunFindings
    space: Space
    traces: tuple[Trace, ...]  # by number
    deployed: Configuration | None  # what the run began from
    importance: Importance | None
    guardrails: tuple[GuardrailRow, ...]
    reproduction: Reproduction

    @property
    def verdict(self) -> str:
        """Verdict in one sentence."""
        found, run = self.findings.difference, self.findings.run
        if self.findings.best is None:
            return self.summary.message or "No experiment has been completed."
        if not self.findings.subject.has_baseline:
            value = figure(self.findings.best.value, run.task)
            n = len(self.traces)
            return f"The best of {n:,} trials, number {self.findings.best.number}, reaches {value}."
        if found.difference is None or found.low is None or found.high is None:
            return f"{found.sentence[:1].upper()}{found.sentence[1:]}."
        title = self.findings.subject.metric(run.objective).gain_title
        gain = gain_figure(found.difference, run.task)
        return f"{title} {gain} over {self.findings.subject.baseline}, {found.sentence}."

    def as_dict(self) -> dict[str, Any]:
        """Return what `--format json` prints, without NaN."""
        summary = self.summary.as_dict()
        return {
            "verdict": self.verdict,
            "findings": summary["findings"],
            "importance": None if self.importance is None else json_ready(self.importance),
            "guardrails": [json_ready(row) for row in self.guardrails],
            "reproduction": json_ready(self.reproduction),
            "experiments": [json_ready(trace) for trace in self.traces],
            "next_command": self.summary.next_command,
        }


def report_run(conn: Connection, run_id: str, *, subject_of: SubjectOf) -> RunReport | None:
    """Return the report of a run; None where no experiment of it was completed or failed.

    Raises:
        NotFoundError: there is no such run.
    """
    with snapshot(conn):
        run = load_run(conn, run_id)
        summary = summarise(conn, run_id=run_id, subject_of=subject_of, top=N_TOP)
        if summary.findings is None:
            return None
        experiments, subject = load_experiments(conn, run_id), subject_of(run)
        first = next((e for e in experiments if e.number == BASELINE), None)
        deployed = (
            deployed_configuration(conn, subject, run.model)
            if first is None
            else first.hyperparameters
        )
    best_id = None if summary.findings.best is None else summary.findings.best.experiment_id
    best = next((e for e in experiments if e.experiment_id == best_id), None)
    return RunReport(
        summary=summary,
        findings=summary.findings,
        space=subject.space,
        traces=tuple(_trace(e, run.objective) for e in experiments),
        deployed=deployed,
        importance=run_importance(run, experiments, subject.space),
        guardrails=_guardrail_rows(experiments, first, best),
        reproduction=Reproduction(
            data_fingerprint=run.data_fingerprint,
            code_version=run.code_version,
            space_fingerprint=run.space_fingerprint,
            seed=run.seed,
            settings=dict(run.settings),
            best_configuration={} if best is None else best.hyperparameters,
        ),
    )


def run_importance(
    run: TuningRun, experiments: Sequence[Experiment], space: Space
) -> Importance | None:
    """Return the importance by a run's results, of pruned ones their estimates.

    None where too few vary, or the space is not that of the run any more.
    """
    if not space.dimensions or space.fingerprint != run.space_fingerprint:
        return None
    space = _searched(run, space)
    known = [(e, _value(e, run.objective)) for e in experiments]
    pairs = [
        (e.hyperparameters, value)
        for e, value in known
        if value is not None and not space.faults(e.hyperparameters)
    ]
    values = np.array([value for _, value in pairs], dtype=np.float64)
    return importance(space, [each for each, _ in pairs], values)


def _searched(run: TuningRun, space: Space) -> Space:
    """Return the part of the space that a run searched; all of it where that is not known."""
    stored = run.settings.get("limits")
    if not isinstance(stored, Mapping):
        return space
    try:
        return restricted(space, Limits.of(stored), space.defaults())
    except InputError:
        return space


def _trace(experiment: Experiment, objective: str) -> Trace:
    return Trace(
        number=experiment.number,
        experiment_id=experiment.experiment_id,
        status=experiment.status,
        phase=experiment.exploration_phase,
        value=_value(experiment, objective),
        lower_bound=experiment.lower_bound,
        gain=experiment.improvement_from_baseline,
        seconds=experiment.duration_seconds,
        completed_at=experiment.completed_at,
        is_feasible=experiment.is_feasible,
        hyperparameters=dict(experiment.hyperparameters),
        metrics=dict(experiment.metrics),
        error=experiment.error,
    )


def _value(experiment: Experiment, objective: str) -> float | None:
    if experiment.status == "pruned":
        return experiment.metrics.get(estimate_of(objective))
    return experiment.objective_value


def _guardrail_rows(
    experiments: Sequence[Experiment], first: Experiment | None, best: Experiment | None
) -> tuple[GuardrailRow, ...]:
    candidates = [e for e in experiments if e.number != BASELINE and e.guardrails]
    names = dict.fromkeys(name for e in candidates for name in e.guardrails)
    worth = -math.inf if first is None or first.worth is None else first.worth
    better = [e for e in candidates if e.worth is not None and e.worth > worth]
    rows = []
    for name in names:
        figures = [e.guardrails[name] for e in candidates if name in e.guardrails]
        of_best = None if best is None else best.guardrails.get(name)
        of_first = None if first is None else first.guardrails.get(name)
        rows.append(
            GuardrailRow(
                name=name,
                bound=figures[0].bound,
                n_known=len(figures),
                n_violated=sum(not f.is_kept for f in figures),
                n_better_violated=sum(
                    name in e.guardrails and not e.guardrails[name].is_kept for e in better
                ),
                baseline=None if of_first is None else of_first.figure,
                best=None if of_best is None else of_best.figure,
                best_error=None if of_best is None else of_best.error,
                higher_is_better=_higher_is_better(figures),
            )
        )
    return tuple(rows)


def _higher_is_better(figures: Sequence[GuardrailFigure]) -> bool:
    """Return which way a guardrail goes, by figures that keep it or do not."""
    kept = [f.figure for f in figures if f.is_kept]
    violated = [f.figure for f in figures if not f.is_kept]
    if not kept or not violated:
        return not kept or float(np.mean(kept)) >= figures[0].bound
    return float(np.mean(kept)) > float(np.mean(violated))
