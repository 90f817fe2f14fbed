"""Stored tuning: runs, candidates that wait, counts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from reeltune.db.columns import snapshot
from reeltune.db.connection import Connection
from reeltune.db.deployed import DEFAULTS, OWN_DEFAULTS, load_deployed
from reeltune.db.experiments import load_experiments
from reeltune.db.tuning_runs import RunTotals, load_run_totals, load_runs
from reeltune.domain.direction import Direction
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import FINISHED, Experiment, ExperimentStatus, RunStatus, TuningRun
from reeltune.domain.space import Configuration, Space
from reeltune.domain.subject import Subject
from reeltune.views.changes import Change, changes
from reeltune.views.json_ready import json_ready

NO_TOTALS = RunTotals(
    n_by_status={}, baseline_value=None, best_value=None, best_experiment_id=None, seconds=None
)
SubjectOf = Callable[[TuningRun], Subject]
"""Function that returns the space and the metrics of that which a run tuned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """Line about one run. Values are in units of the run's objective."""

    tuning_run_id: str
    method: str
    objective: str  # the first, which decides
    objectives: tuple[str, ...]
    directions: tuple[Direction, ...]  # which way each of them is better
    task: str
    model: str
    split: str
    status: RunStatus
    stop_reason: str | None
    seed: int
    n_configs: int
    panel: int | None  # users it was measured on; None: all
    created_at: str
    started_at: str | None
    finished_at: str | None
    data_fingerprint: str | None
    experiments_by_status: dict[ExperimentStatus, int]
    best_experiment_id: str | None
    best_value: float | None
    improvement: float | None  # of the best over the baseline; above 0: better
    seconds: float | None  # at work; long pauses, as before a resume, left out
    experiments_per_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Configuration that waits to be tried."""

    tuning_run_id: str
    number: int
    experiment_id: str
    phase: str
    changed_most: tuple[Change, ...]  # against the deployed configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Runs, the earliest first, and the first candidates of those that are only planned."""

    runs: tuple[RunLine, ...]
    runs_by_method: dict[str, int]
    experiments_by_status: dict[str, int]
    n_waiting: int  # candidates of planned runs
    waiting: tuple[Candidate, ...]  # the first of them

    def as_dict(self) -> dict[str, object]:
        """Return what `--json` prints, without NaN."""
        return json_ready(self)


def describe_stored(conn: Connection, *, subject_of: SubjectOf, top: int = 10) -> Stored:
    """Return what is stored, with the first `top` waiting candidates of planned runs."""
    with snapshot(conn):
        runs, totals = load_runs(conn), load_run_totals(conn)
        lines = tuple(_run_line(run, totals.get(run.tuning_run_id, NO_TOTALS)) for run in runs)
        counts: Counter[str] = Counter()
        for line in lines:
            counts.update(line.experiments_by_status)
        planned = [line for line in lines if line.status == "planned"]
        waiting = [run for run in runs if run.status == "planned"]
        return Stored(
            runs=lines,
            runs_by_method=dict(sorted(Counter(run.method for run in runs).items())),
            experiments_by_status=dict(counts),
            n_waiting=sum(line.experiments_by_status.get("pending", 0) for line in planned),
            waiting=_waiting(conn, waiting, subject_of, top),
        )


def deployed_configuration(conn: Connection, subject: Subject, model: str) -> Configuration | None:
    """Return the deployed configuration; None where it is not valid any more.

    Of what is never deployed, the defaults stand in its place.
    """
    if not subject.deploys:
        return subject.space.defaults() or None
    try:
        return load_deployed(conn, subject.space, model).hyperparameters
    except InputError:
        return None


def is_deployed(conn: Connection, subject: Subject, model: str, values: Configuration) -> bool:
    """Return whether a configuration of a model is deployed: not where another model is."""
    if not subject.deploys:
        return False
    try:
        deployed = load_deployed(conn, subject.space, model)
    except InputError:
        return False
    return deployed.source not in (DEFAULTS, OWN_DEFAULTS) and deployed.hyperparameters == values


def panel_of(run: TuningRun) -> int | None:
    """Return the number of users that a run was measured on; None where on all."""
    stored = run.settings.get("panel")
    return stored if isinstance(stored, int) else None


def _run_line(run: TuningRun, totals: RunTotals) -> RunLine:
    n_done = sum(totals.n_by_status.get(status, 0) for status in FINISHED)
    best, baseline, seconds = totals.best_value, totals.baseline_value, totals.seconds
    improvement = None
    if best is not None and baseline is not None:
        improvement = run.direction.gain(best, baseline)
    return RunLine(
        tuning_run_id=run.tuning_run_id,
        method=run.method,
        objective=run.objective,
        objectives=run.objectives,
        directions=run.directions,
        task=run.task,
        model=run.model,
        split=run.split,
        status=run.status,
        stop_reason=run.stop_reason,
        seed=run.seed,
        n_configs=run.n_configs,
        panel=panel_of(run),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        data_fingerprint=run.data_fingerprint,
        experiments_by_status=totals.n_by_status,
        best_experiment_id=totals.best_experiment_id,
        best_value=best,
        improvement=improvement,
        seconds=seconds,
        # Moments are kept to the second: a rate from less than that would mean nothing.
        experiments_per_second=n_done / seconds if seconds and seconds >= 1 else None,
    )


def _waiting(
    conn: Connection, planned: list[TuningRun], subject_of: SubjectOf, top: int
) -> tuple[Candidate, ...]:
    found: list[Candidate] = []
    for run in planned:
        if len(found) >= top:
            break
        subject = subject_of(run)
        deployed = deployed_configuration(conn, subject, run.model)
        pending = [e for e in load_experiments(conn, run.tuning_run_id) if e.status == "pending"]
        found += [_candidate(e, deployed, subject.space) for e in pending[: top - len(found)]]
    return tuple(found)


def _candidate(experiment: Experiment, deployed: Configuration | None, space: Space) -> Candidate:
    return Candidate(
        tuning_run_id=experiment.tuning_run_id,
        number=experiment.number,
        experiment_id=experiment.experiment_id,
        phase=experiment.exploration_phase,
        changed_most=changes(deployed, experiment.hyperparameters, space)[:2],
    )
