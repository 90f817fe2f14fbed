"""Python functions of the two main jobs: deploy hyperparameters, tune; as the commands do."""

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from reeltune.commands.command_log import logged
from reeltune.commands.retrain import check_not_refused, request_of
from reeltune.commands.study_options import following_production
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.errors import GateError, InputError
from reeltune.domain.space import Configuration
from reeltune.domain.study import BUILT_IN, StudyConfig
from reeltune.metrics.objectives import deciding_objectives
from reeltune.rating_models.registry import resolved_name
from reeltune.ratings.splits import SPLITS
from reeltune.storage.run_lock import run_lock
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import DEFAULT_CONFIGS
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.tuning.result import RunResult
from reeltune.versioning.request import Retraining
from reeltune.versioning.retraining import retrain
from reeltune.views.next_step import DEFAULT_DB


def apply_hyperparameters(
    hyperparameters: Configuration | str = "best",
    *,
    db: Path | str = DEFAULT_DB,
    model: str | None = None,
    split: str | None = None,
    objective: str | None = None,
    accuracy_threshold: float | None = None,
    margins: Mapping[str, float] | None = None,
    force: bool = False,
    dry_run: bool = False,
    wait: float = 0.0,
) -> Retraining:
    """Retrain with these hyperparameters, gate, and promote; as `retrain_model.py --apply-hp`.

    Args:
        hyperparameters: values by name, those not given being the deployed ones; or an experiment's
            id; or `best`, the best of all comparable runs on this data.
        db: the database.
        model: the recommender, as `--model` takes it; None: that of the experiment's run, else
            that in production, else the built-in one.
        split: what is held out: `user-time` or `calendar`; None: as in the experiment's run, else
            `user-time`.
        objective: the metric that is compared with what is deployed; None: that of the
            experiment's run, else accuracy.
        accuracy_threshold: least test accuracy; None: that of the hyperparameters.
        margins: shares of its deployed value that a guarded metric may lose, by name as of
            `--guardrails`, where they are not the default.
        force: retrain the deployed hyperparameters however few ratings are new.
        dry_run: deploy nothing; the look at the test part counts all the same.
        wait: seconds to wait for another run to end.

    Returns:
        What was found and done. A refusal is a verdict, not an error.

    Raises:
        BusyError: another run holds the database for longer than `wait`.
        InputError: something asked for is not possible; all that is wrong is named.
        NotFoundError: there is no such database or experiment.
    """
    path = Path(db)
    asked = {"model": model, "split": split, "objective": objective}
    given = [name for name, value in asked.items() if value is not None]
    study = _study(model, split or "user-time", objective or "accuracy")
    conditions = {
        "accuracy_threshold": accuracy_threshold,
        "margins": {} if margins is None else dict(margins),
        "force": force,
        "dry_run": dry_run,
    }
    with suppress(GateError), logged(path, "retrain", None, records=not dry_run) as told:
        with connection(path) as conn, run_lock(path, wait):
            order = request_of(conn, study, hyperparameters, conditions, given)
            result = retrain(conn, load_dataset(conn), order)
        told |= result.as_dict()
        check_not_refused(result)  # recorded as the command's exit code 3 is
    return result


def run_hyperparameter_tuning(
    method: str = "bayesian",
    n_configs: int | None = None,
    *,
    db: Path | str = DEFAULT_DB,
    model: str | None = None,
    split: str = "user-time",
    objective: str = "accuracy",
    seed: int | None = None,
    jobs: int = 1,
    wait: float = 0.0,
) -> RunResult:
    """Try configurations, each by a full retraining; as `tune_orchestrator.py --method`.

    What it finds is deployed by `apply_hyperparameters(result.best_experiment_id)`.

    Args:
        method: how candidates are proposed.
        n_configs: how many; None: as many as the command tries.
        db: the database.
        model: the recommender, as `--model` takes it; None: that in production.
        split: what is held out: `user-time` or `calendar`.
        objective: the metric to maximise on the validation part.
        seed: of everything random; None: the number of earlier runs.
        jobs: cores to use; changes nothing but the time.
        wait: seconds to wait for another run to end.

    Raises:
        BusyError: another run holds the database for longer than `wait`.
        InputError: something asked for is not possible, or the first experiments all failed.
        InterruptedRunError: it was interrupted; it can be resumed.
        NotFoundError: there is no such database.
    """
    path = Path(db)
    wanted = DEFAULT_CONFIGS.get(method, 1) if n_configs is None else n_configs
    asked = _study(model, split, objective, n_configs=wanted)
    with logged(path, "tune", None) as told, ExitStack() as held:
        conn = held.enter_context(connection(path))
        held.enter_context(run_lock(path, wait))
        given = () if model is None else ("model",)
        study = following_production(conn, replace(asked, seed=seed), given)
        orchestrator = TuningOrchestrator(conn, load_dataset(conn), study, jobs=jobs)
        result = orchestrator.run(Plan(method=method, n_configs=wanted))
        told |= result.as_dict()
        if result.status == "failed":
            raise InputError(f"run {result.tuning_run_id} failed: {result.stop_reason}")
    return result


def _study(model: str | None, split: str, objective: str, *, n_configs: int = 1) -> StudyConfig:
    """Return what is asked for.

    Raises:
        InputError: it is not possible; all that is wrong is named.
    """
    rules = {
        f"split must be one of {', '.join(SPLITS)}, got {split!r}": split in SPLITS,
        f"objective must be one of {', '.join(deciding_objectives())}, got {objective!r}": (
            objective in deciding_objectives()
        ),
        f"n_configs must be 1 or more, got {n_configs}": n_configs >= 1,
    }
    wrong = [rule for rule, holds in rules.items() if not holds]
    if wrong:
        raise InputError("; ".join(wrong))
    return StudyConfig(model=resolved_name(model or BUILT_IN), split=split, objective=objective)
