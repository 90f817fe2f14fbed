"""Best experiment of all comparable runs, and whether it is worth deploying next."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reeltune.db.connection import Connection
from reeltune.db.experiments import load_experiment
from reeltune.db.test_evaluations import GateEvaluation, load_test_evaluations
from reeltune.db.tuning_runs import load_comparable_runs, load_run_totals
from reeltune.db.versions import load_production, load_versions
from reeltune.domain.experiment import BASELINE, Experiment, TaskKey, TuningRun
from reeltune.domain.subject import Subject
from reeltune.domain.version import Version
from reeltune.tracking.lineage import equal_versions
from reeltune.views.stored import is_deployed, panel_of


@dataclass(frozen=True, slots=True)
class BestOfRuns:
    """Best experiment of several runs."""

    experiment: Experiment
    n_runs: int


@dataclass(frozen=True, slots=True)
class Deployable:
    """Experiment to deploy next, if there is one, and why this one or why none."""

    experiment_id: str | None = None
    reason: str | None = None  # None where the findings of the run say it


def key_of(run: TuningRun) -> TaskKey | None:
    """Return what makes results comparable with those of a stored run; None if it is not known."""
    if run.data_fingerprint is None or run.code_version is None:
        return None
    return TaskKey(
        data_fingerprint=run.data_fingerprint,
        split=run.split,
        model=run.model,
        space_fingerprint=run.space_fingerprint,
        objective=run.objective,
        code_versions=equal_versions(run.code_version, plain=False),
        panel=panel_of(run),
    )


def best_of_runs(conn: Connection, key: TaskKey) -> BestOfRuns | None:
    """Return the best experiment of the runs that are comparable by `key`; None if there is none.

    Each run names its best; of these the one with the best lower bound is returned, of equals
    that of the earliest run.
    """
    runs = [run for run in load_comparable_runs(conn, key) if panel_of(run) == key.panel]
    return _best_of(conn, runs)


def _best_of(conn: Connection, runs: Sequence[TuningRun]) -> BestOfRuns | None:
    totals = load_run_totals(conn)
    bests = [totals[run.tuning_run_id].best_experiment_id for run in runs]
    found = [load_experiment(conn, best) for best in bests if best is not None]
    if not found:
        return None
    return BestOfRuns(max(found, key=lambda each: each.worth or -math.inf), len(found))


def deployable(conn: Connection, run: TuningRun, subject: Subject) -> Deployable:
    """Return which experiment is worth deploying after `run`, of all that are comparable with it.

    What the gate has decided on these data, or was deployed by then, is not proposed again.
    """
    key = key_of(run)
    found = _best_of(conn, [run]) if key is None else best_of_runs(conn, key)
    if found is None:
        return Deployable()
    best, versions = found.experiment, load_versions(conn)
    own = _best_of(conn, [run])
    if own is not None and own.experiment.worth == best.worth:  # of equals that of the run shown
        best = own.experiment
    is_elsewhere = best.tuning_run_id != run.tuning_run_id
    name = f"the best of the {found.n_runs} comparable runs" if is_elsewhere else "the best"
    if best.number == BASELINE:
        return Deployable(reason=_unbeaten(found) if is_elsewhere else None)
    if is_deployed(conn, subject, run.model, best.hyperparameters):
        return Deployable(
            reason=f"{name}, {best.experiment_id}, is deployed" if is_elsewhere else None
        )
    decided = _decided(best, run, versions, load_test_evaluations(conn))
    decided = decided or _chosen_since(conn, best, run)
    if decided is not None:
        return Deployable(reason=f"{name}, {best.experiment_id}, {decided}")
    value, bound = best.objective_value, best.lower_bound
    assert value is not None
    assert bound is not None
    figures = f"{run.objective} {value:.4f}, 95 % lower bound {bound:.4f}"
    reason = f"{name} is {best.experiment_id}: {figures}" if is_elsewhere else None
    return Deployable(best.experiment_id, reason)


def _unbeaten(found: BestOfRuns) -> str:
    run_id = found.experiment.tuning_run_id
    return (
        f"nothing in {found.n_runs} comparable runs is better beyond noise than what run {run_id} "
        "began with"
    )


def _decided(
    best: Experiment,
    run: TuningRun,
    versions: Sequence[Version],
    evaluations: Sequence[GateEvaluation],
) -> str | None:
    """Return what became of a configuration at the gate; None if it was not there yet."""
    now = [
        version
        for version in versions
        if version.training.model == run.model
        and version.training.data_fingerprint == run.data_fingerprint
        and version.training.hyperparameters == best.hyperparameters
    ]
    if now:
        said = {
            "refused": "was refused by the gate on these ratings",
            "candidate": "stays a candidate: the gate could not tell on these ratings",
        }
        return said.get(now[-1].status, "was in production with these ratings, and was replaced")
    verdicts = [
        each.verdict
        for each in evaluations
        if each.experiment_id == best.experiment_id
        and each.data_fingerprint == run.data_fingerprint
    ]
    if not verdicts or verdicts[-1] == "promote":
        return None
    if verdicts[-1] == "refused":
        return "would be refused by the gate on these ratings (dry run)"
    return "is not shown to be better on these ratings (dry run)"


def _chosen_since(conn: Connection, best: Experiment, run: TuningRun) -> str | None:
    """Return which experiment of these data was deployed in its place, if one was."""
    production = load_production(conn)
    if production is None or production.training.experiment_id is None:
        return None
    training = production.training
    is_later = (best.completed_at or best.created_at) <= training.created_at
    if training.data_fingerprint != run.data_fingerprint or not is_later:
        return None
    return (
        f"was passed over: version {production.version}, of {training.experiment_id}, "
        "was deployed after it"
    )
