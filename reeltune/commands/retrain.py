"""The front door: retrain, tune, deploy."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.exits import Command
from reeltune.cli.notify import option_notify
from reeltune.cli.options import option_db, option_json, option_quiet, option_wait
from reeltune.commands.command_log import reported
from reeltune.commands.remarks import print_remarks
from reeltune.commands.retraining_tables import render_retraining
from reeltune.commands.study_options import option_study
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.deployed import load_deployed
from reeltune.db.versions import load_production
from reeltune.domain.errors import GateError, InputError
from reeltune.domain.experiment import Experiment
from reeltune.domain.space import Configuration
from reeltune.domain.strict_json import MAX_CHARACTERS, read_object
from reeltune.domain.study import StudyConfig
from reeltune.rating_models.registry import model_class
from reeltune.reports.tuning_tables import render_summary
from reeltune.search import STRATEGIES
from reeltune.storage.files import read_text
from reeltune.storage.run_lock import run_lock
from reeltune.tasks.registry import subject_of
from reeltune.tracking.steps import steps_shown
from reeltune.tuning.proposer import DEFAULT_CONFIGS
from reeltune.tuning.ratings import HyperparameterTuner
from reeltune.versioning.finalists import load_deployable
from reeltune.versioning.request import MIN_NEW_RATINGS, NOBODY, Order, Retraining
from reeltune.versioning.retraining import retrain
from reeltune.views.summary import summarise

_SPELT = {"tune": "tune", "report": "tune-report"}


@click.command(cls=Command)
@click.option("--tune", "action", flag_value="tune", help="Store candidates to be tried.")
@click.option("--tune-report", "action", flag_value="report", help="Show what was tried.")
@click.option(
    "--tune-method",
    type=click.Choice(list(STRATEGIES)),
    default="bayesian",
    show_default=True,
    help="How candidates are proposed.",
)
@click.option(
    "--tune-configs",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="How many candidates to store.  [default: 50; grid 63, bayesian and gp 20]",
)
@click.option(
    "--apply-hp", metavar="WHAT", help="Deploy: JSON, @FILE, 'best', or an experiment id."
)
@click.option("--force", is_flag=True, help="Retrain however few ratings are new.")
@click.option(
    "--dry-run", is_flag=True, help="Deploy nothing; the look at the test part counts all the same."
)
@click.option(
    "--min-new-ratings",
    type=click.IntRange(0),
    default=MIN_NEW_RATINGS,
    show_default=True,
    help="Retrain only if so many ratings are new.",
)
@click.option(
    "--accuracy-threshold",
    type=click.FloatRange(0, 1),
    help="Least test accuracy, this time.  [default: the deployed accuracy_threshold]",
)
@click.option(
    "--panel",
    type=click.IntRange(100),
    metavar="N",
    help="Where only ratings are new, measure on a fixed sample of N users.",
)
@option_notify("afterwards")
@option_study
@option_wait
@option_db
@option_json
@option_quiet
def main(
    action: str | None,
    tune_method: str,
    tune_configs: int | None,
    apply_hp: str | None,
    notify: str | None,
    wait: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
    study: StudyConfig,
    **conditions: Any,
) -> None:
    """Retrain with the deployed hyperparameters, gate, and promote.

    With --apply-hp deploys other hyperparameters the same way; with --tune stores candidates for
    tune_orchestrator.py instead.
    """
    if study.further_objectives:
        raise click.UsageError("one --objective decides here; tune_orchestrator.py takes several")
    if action and apply_hp is not None:
        raise click.UsageError(f"--apply-hp deploys, --{_SPELT[action]} does not: give one of them")
    if apply_hp is not None and conditions["panel"]:
        raise click.UsageError("--apply-hp measures everybody: leave out --panel")
    if action == "report":
        with connection(db_path) as conn:
            _report(conn, as_json)
    elif action == "tune":
        with connection(db_path, wait_seconds=wait) as conn, run_lock(db_path, wait):
            _tune(conn, study, tune_method, tune_configs, as_json, quiet)
    else:
        with reported(db_path, "retrain", notify, records=not conditions["dry_run"]) as told:
            with connection(db_path, wait_seconds=wait) as conn, run_lock(db_path, wait):
                order = _order(conn, study, apply_hp, conditions)
                with steps_shown(remark_console(), quiet=quiet or as_json):
                    data = load_dataset(conn)
                print_remarks(remark_console(quiet=quiet), data, order.study)
                with steps_shown(remark_console(), quiet=quiet or as_json):
                    result = retrain(conn, data, order)
            told |= result.as_dict()
            _show(result, as_json)


def _order(
    conn: Connection, study: StudyConfig, apply_hp: str | None, conditions: Mapping[str, Any]
) -> Order:
    if apply_hp is None:
        return Order(study=_in_production(conn, study), **conditions)
    return applied(conn, study, apply_hp, conditions)


def applied(
    conn: Connection,
    study: StudyConfig,
    wanted: Configuration | str,
    conditions: Mapping[str, Any],
) -> Order:
    """Return the order to deploy the hyperparameters that `wanted` means, under `conditions`.

    Raises:
        InputError: they are malformed or not valid; all that is wrong is named.
        NotFoundError: there is no such experiment.
    """
    hyperparameters, experiment = read_apply_hp(conn, study, wanted)
    return Order(
        study=study,
        hyperparameters=hyperparameters,
        experiment_id=None if experiment is None else experiment.experiment_id,
        reason="applied " + (experiment.experiment_id if experiment else "given hyperparameters"),
        **conditions,
    )


def _in_production(conn: Connection, study: StudyConfig) -> StudyConfig:
    """The study with the model that is in production, unless one is named on the command line."""
    source = click.get_current_context().get_parameter_source("model")
    production = load_production(conn)
    if production is None or source is ParameterSource.COMMANDLINE:
        return study
    return replace(study, model=production.training.model)


def read_apply_hp(
    conn: Connection, study: StudyConfig, given: Configuration | str
) -> tuple[Configuration, Experiment | None]:
    """The configuration that `--apply-hp` means, and the experiment it comes from, if from one.

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


def _tune(
    conn: Connection, study: StudyConfig, method: str, n: int | None, as_json: bool, quiet: bool
) -> None:
    tuner = HyperparameterTuner(conn, load_dataset(conn), study)
    run_id, made = tuner.save_candidates(method, n or DEFAULT_CONFIGS[method])
    if as_json:
        print_json({"tuning_run_id": run_id, "experiments": [e.experiment_id for e in made]})
        return
    result_console().print(f"{len(made)} {method} candidates are stored in run {run_id}")
    if len(made) < (n or 0):
        remark_console(quiet=quiet).print("there are no more: everything else was tried before")
    remark_console(quiet=quiet).print(
        f"try them: python tune_orchestrator.py --method {method} --configs {len(made)}"
    )


def _report(conn: Connection, as_json: bool) -> None:
    summary = summarise(conn, subject_of=subject_of)
    if as_json:
        print_json(summary.as_dict())
    else:
        render_summary(result_console(), summary)


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
