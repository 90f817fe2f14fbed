"""Resume: runs that are stored when they are begun, interrupted or planned ahead."""

from dataclasses import replace

from reeltune.db.connection import Connection
from reeltune.db.experiments import delete_experiment, load_experiments, save_experiment
from reeltune.db.tuning_runs import load_run_totals, save_run
from reeltune.domain.errors import InputError
from reeltune.domain.experiment import Experiment, TuningRun
from reeltune.search import STRATEGIES
from reeltune.tracking.lineage import code_differences, proposes_as
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import Proposer, check_method, new_experiment


def check_resumable(tuner: Proposer, run: TuningRun) -> None:
    """Refuse to go on with a run whose results could not be compared with new ones.

    Raises:
        InputError: it was never started, or data, code, space or what is drawn have changed since.
    """
    if run.status == "planned":
        raise InputError(
            f"run {run.tuning_run_id} was never started: start it with "
            f"`tune_orchestrator.py --method {run.method}`"
        )
    check_method(run.method)
    key = tuner.task.key(run.objective)
    changed = []
    if run.code_version not in key.code_versions:
        changed = [each.what for each in code_differences(run.code_version, run.model, run.task)]
        changed = changed or ["the handling of equal times and events"]
    if run.data_fingerprint != key.data_fingerprint:
        changed.insert(0, "the data")
    if run.space_fingerprint != tuner.space.fingerprint:
        changed.append("the model's space")
    if changed:
        raise InputError(
            f"{' and '.join(changed)} changed since run {run.tuning_run_id} began, so its "
            "results cannot be compared with new ones: start a new run"
        )
    if not proposes_as(run.code_version):
        raise InputError(
            f"how searches draw ordered hyperparameters changed since run {run.tuning_run_id} "
            "began, so it would not go on as it would have: start a new run, to which its results "
            "are known"
        )


def seconds_left(conn: Connection, run: TuningRun) -> float | None:
    """Return what the time limit leaves after the work of earlier sessions, if there is one."""
    limit = Plan.of(run).stop.timeout_seconds
    if limit is None:
        return None
    totals = load_run_totals(conn).get(run.tuning_run_id)
    return max(0.0, limit - ((totals and totals.seconds) or 0.0))


def set_aside(tuner: Proposer, run: TuningRun) -> None:
    """Keep stored candidates beyond what `run` asks for in a planned run of their own."""
    stored = load_experiments(tuner.conn, run.tuning_run_id)
    extra = [e for e in stored if e.number > run.n_configs]
    if not extra:
        return
    later = replace(
        tuner.new_run(run.method, len(extra)),
        tuning_run_id=f"{run.tuning_run_id}_rest",
        seed=run.seed,
    )
    save_run(tuner.conn, later)
    for place, old in enumerate(extra, 1):
        delete_experiment(tuner.conn, old.experiment_id)
        moved = new_experiment(later, place, old.hyperparameters, old.exploration_phase)
        save_experiment(tuner.conn, moved)


def take_back_previews(conn: Connection, run: TuningRun) -> None:
    """Take back the stored candidates of a method that learns, but for its first guesses.

    They were proposed without each other's results; the run proposes those numbers anew as the
    results come in.
    """
    if Plan.of(run).as_stored or not check_method(run.method).is_adaptive:
        return
    for experiment in load_experiments(conn, run.tuning_run_id):
        if is_preview(experiment):
            delete_experiment(conn, experiment.experiment_id)


def is_preview(experiment: Experiment) -> bool:
    """Return whether a strategy proposed a stored candidate, and not a task or a person."""
    return experiment.tuning_method in STRATEGIES
