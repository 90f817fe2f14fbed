"""Command: retrain. Retrains, gates and promotes what is deployed, or other hyperparameters."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from reeltune.cli.command import Command, option
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.options import (
    option_db,
    option_format,
    option_json,
    option_log_format,
    option_notify,
    option_quiet,
    option_version,
    option_wait,
)
from reeltune.commands.candidates import option_method, store_candidates
from reeltune.commands.command_log import logged
from reeltune.commands.guardrail_options import option_guardrails
from reeltune.commands.plan_options import option_configs
from reeltune.commands.remarks import print_remarks
from reeltune.commands.retraining_tables import render_retraining
from reeltune.commands.runs import show_run
from reeltune.commands.study_options import (
    STUDY_PARAGRAPHS,
    following_production,
    given_names,
    study_from_click,
    study_options,
)
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.deployed import load_deployed
from reeltune.db.tuning_runs import load_run
from reeltune.domain.errors import GateError, InputError
from reeltune.domain.experiment import Experiment
from reeltune.domain.space import Configuration
from reeltune.domain.strict_json import MAX_CHARACTERS, read_object
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.registry import model_class
from reeltune.storage.files import read_text
from reeltune.storage.run_lock import run_lock
from reeltune.tracking.steps import steps_shown
from reeltune.tuning.ratings import HyperparameterTuner
from reeltune.versioning.finalists import load_deployable
from reeltune.versioning.request import MIN_NEW_RATINGS, NOBODY, Retraining, RetrainingRequest
from reeltune.versioning.retraining import retrain

DEPLOY = "What is deployed"
GATE = "Gate"
INSTEAD_OF_RETRAINING = "Instead of retraining"
_SPELT = {"tune": "tune", "report": "tune-report"}


@click.command(
    cls=Command,
    paragraphs=STUDY_PARAGRAPHS,
    examples=(
        "--force --dry-run",
        "--apply-hp best --accuracy-threshold 0.6",
        "--apply-hp '{\"genre_weight\": 0.35}' --dry-run",
    ),
)
@option(
    DEPLOY, "--apply-hp", metavar="WHAT", help="JSON, @FILE, 'best' or the id of an experiment."
)
@study_options("Model and data")
@option(GATE, "--force", is_flag=True, help="Retrain however few ratings are new.")
@option(
    GATE,
    "--min-new-ratings",
    setting="gate.min_new_ratings",
    type=click.IntRange(0),
    default=MIN_NEW_RATINGS,
    show_default=True,
    metavar="N",
    help="Retrain if so many are new.",
)
@option(
    GATE,
    "--accuracy-threshold",
    setting="gate.accuracy_threshold",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="Least test accuracy, this time.",
)
@option_guardrails(GATE)
@option(
    GATE,
    "--panel",
    type=click.IntRange(100),
    metavar="N",
    help="If only ratings are new: sample N users.",
)
@option(GATE, "--dry-run", is_flag=True, help="Measure and judge, but deploy nothing.")
@option(
    INSTEAD_OF_RETRAINING,
    "--tune",
    "action",
    flag_value="tune",
    help="The same as `reeltune candidates`.",
)
@option_method("--tune-method", INSTEAD_OF_RETRAINING, "Method of --tune.")
@option_configs("--tune-configs", INSTEAD_OF_RETRAINING, "Number of candidates of --tune.")
@option(
    INSTEAD_OF_RETRAINING,
    "--tune-report",
    "action",
    flag_value="report",
    help="The same as `reeltune runs show`.",
)
@option_wait
@option_notify("afterwards")
@option_db
@option_log_format
@option_json
@option_format
@option_quiet
@option_version
def main(
    action: str | None,
    apply_hp: str | None,
    notify: str | None,
    wait: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Retrain with the deployed hyperparameters, gate and promote.

    --apply-hp deploys other hyperparameters the same way; an experiment is deployed by the model,
    objective and split of its run, unless you give others. --dry-run counts as a test-set
    evaluation all the same.
    """
    study = _one_objective(study_from_click(given))
    _check_usage(study, action, apply_hp, given["panel"])
    if action == "report":
        show_run(db_path, as_json=as_json)
    elif action == "tune":
        method, n = given["tune_method"], given["tune_configs"]
        store_candidates(db_path, study, method, n, wait=wait, as_json=as_json, quiet=quiet)
    else:
        conditions = {name: given[name] for name in _CONDITIONS}
        with logged(db_path, "retrain", notify, records=not given["dry_run"]) as record:
            with connection(db_path, wait_seconds=wait) as conn, run_lock(db_path, wait):
                request = request_of(conn, study, apply_hp, conditions, given_names())
                with steps_shown(remark_console(), quiet=quiet or as_json):
                    data = load_dataset(conn)
                print_remarks(remark_console(quiet=quiet), data, request.study)
                with steps_shown(remark_console(), quiet=quiet or as_json):
                    result = retrain(conn, data, request)
            record |= result.as_dict()
            _show(result, as_json)


def _one_objective(study: StudyConfig) -> StudyConfig:
    """Return the study with its first objective alone where the settings file names several."""
    source = click.get_current_context().get_parameter_source("objective")
    if source is ParameterSource.COMMANDLINE:
        return study
    return replace(study, further_objectives=())


_CONDITIONS = ("force", "dry_run", "min_new_ratings", "accuracy_threshold", "margins", "panel")


def _check_usage(
    study: StudyConfig, action: str | None, apply_hp: str | None, panel: int | None
) -> None:
    """Refuse options that contradict each other.

    Raises:
        click.UsageError: some do.
    """
    if study.further_objectives:
        raise click.UsageError("one --objective decides here; `reeltune tune` takes several")
    if action and apply_hp is not None:
        raise click.UsageError(f"--apply-hp deploys, --{_SPELT[action]} does not: give one of them")
    if apply_hp is not None and panel:
        raise click.UsageError("--apply-hp measures all users: leave out --panel")


def request_of(
    conn: Connection,
    study: StudyConfig,
    wanted: Configuration | str | None,
    conditions: Mapping[str, Any],
    given: Collection[str] = (),
) -> RetrainingRequest:
    """Return the request to deploy the hyperparameters that `wanted` means, under `conditions`.

    Args:
        conn: the database.
        study: under which they are judged, as far as it is `given`.
        wanted: values, JSON, `@file`, `best`, an experiment's id; None: what is deployed.
        conditions: of the request.
        given: of model, objective and split those that a user chose. The others are those of the
            experiment's run; otherwise the model is that in production.

    Raises:
        InputError: they are malformed or not valid; all that is wrong is named.
        NotFoundError: there is no such experiment.
    """
    named = _named_experiment(wanted)
    if named is None:
        study = following_production(conn, study, given)
    else:
        study = _of_its_run(conn, study, named, given)
    if wanted is None:
        return RetrainingRequest(study=study, **conditions)
    hyperparameters, experiment = read_apply_hp(conn, study, wanted)
    source = "given hyperparameters"
    if experiment is not None:
        best = ", the best of the comparable runs" if named is None else ""
        source = f"{experiment.experiment_id}{best}"
    return RetrainingRequest(
        study=study,
        hyperparameters=hyperparameters,
        experiment_id=None if experiment is None else experiment.experiment_id,
        reason=f"applied {source}",
        **conditions,
    )


def _named_experiment(wanted: Configuration | str | None) -> str | None:
    """Return the experiment's id that `--apply-hp` names, if it is one."""
    if not isinstance(wanted, str):
        return None
    text = wanted.strip()
    return None if text[:1] in ("", "@", "{", "[", '"') or text == "best" else text


def _of_its_run(
    conn: Connection, study: StudyConfig, experiment_id: str, given: Collection[str]
) -> StudyConfig:
    """Return the study of an experiment's run, but for what is `given`.

    Raises:
        InputError: another model is given.
        NotFoundError: there is no such experiment.
    """
    run = load_run(conn, load_deployable(conn, experiment_id).tuning_run_id)
    if "model" in given and study.model != run.model:
        raise InputError(
            f"experiment {experiment_id} is of the model {run.model}, not of {study.model}: leave "
            "out --model"
        )
    of_run = {name: getattr(run, name) for name in ("model", "objective", "split")}
    return replace(study, **{n: value for n, value in of_run.items() if n not in given})


def read_apply_hp(
    conn: Connection, study: StudyConfig, given: Configuration | str
) -> tuple[Configuration, Experiment | None]:
    """Return the configuration that `--apply-hp` means, and the experiment it comes from, if any.

    Values, also as JSON or from an `@file`, may be partial: they are merged over the deployed ones.

    Raises:
        InputError: it is malformed or not valid; all that is wrong is named.
        NotFoundError: there is no such experiment.
    """
    space = model_class(study.model).space
    if not isinstance(given, str):
        return space.merged(load_deployed(conn, space, study.model).hyperparameters, given), None
    text = given.strip()
    if text.startswith("@"):
        text = read_text(Path(text[1:]), MAX_CHARACTERS).strip()
    if text.startswith("{"):
        partial = read_object(text, "--apply-hp")
        return space.merged(load_deployed(conn, space, study.model).hyperparameters, partial), None
    if given.startswith("@") or text[:1] in ("[", '"') or not text:
        raise InputError("--apply-hp must be a JSON object, @FILE, 'best' or an experiment id")
    if text == "best":
        experiment = HyperparameterTuner(conn, load_dataset(conn), study).get_best_experiment()
    else:
        experiment = load_deployable(conn, text)
    return space.checked(experiment.hyperparameters), experiment


def _show(result: Retraining, as_json: bool) -> None:
    """Print what a retraining did; a refusal ends the program with its own exit code."""
    if as_json:
        print_json(result.as_dict())
    else:
        render_retraining(result_console(), result)
    check_not_refused(result)


def check_not_refused(result: Retraining) -> None:
    """Raise what ends a command with 3.

    Raises:
        GateError: the gate refused.
    """
    if result.verdict == "refused":
        raise GateError(f"not promoted: {result.said}")
    if result.verdict == NOBODY:
        raise InputError(result.said)
