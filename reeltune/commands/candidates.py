"""Command: candidates. Stores configurations that a later run tries."""

from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, Decorator, option
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.options import option_db, option_json, option_quiet, option_wait
from reeltune.commands.plan_options import METHODS_PARAGRAPH, SEARCH, option_configs
from reeltune.commands.study_options import (
    STUDY_PARAGRAPHS,
    following_production,
    given_names,
    study_from_click,
    study_options,
)
from reeltune.db.connection import Connection, connection
from reeltune.db.dataset import load_dataset
from reeltune.db.versions import database_path, load_production
from reeltune.domain.study import StudyConfig
from reeltune.reports.cells import outside_text
from reeltune.search import STRATEGIES
from reeltune.storage.run_lock import run_lock
from reeltune.tasks.registry import subject_of
from reeltune.tuning.proposer import DEFAULT_CONFIGS
from reeltune.tuning.ratings import HyperparameterTuner
from reeltune.tuning.resume import is_preview
from reeltune.views.next_step import tune_line
from reeltune.views.stored import describe_stored


def option_method(
    name: str, topic: str = SEARCH, text: str = "How candidates are proposed."
) -> Decorator:
    """Return the option that says how candidates are proposed."""
    return option(
        topic,
        name,
        setting="search.method",
        type=click.Choice(list(STRATEGIES)),
        default="bayesian",
        show_default=True,
        metavar="NAME",
        help=text,
    )


@click.command(
    cls=Command,
    paragraphs=METHODS_PARAGRAPH | STUDY_PARAGRAPHS,
    examples=("--method random --configs 5", "--configs 3 --seed 7", "--method sobol --json"),
)
@option_method("--method")
@option_configs("--configs")
@study_options()
@option_wait
@option_db
@option_json
@option_quiet
def candidates(
    method: str,
    configs: int | None,
    wait: float,
    db_path: Path,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Propose candidates and store them for a later run to try."""
    store_candidates(
        db_path, study_from_click(given), method, configs, wait=wait, as_json=as_json, quiet=quiet
    )


def store_candidates(
    db_path: Path,
    study: StudyConfig,
    method: str,
    n: int | None,
    *,
    wait: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Store `n` candidates, by default as many as a run of `method` tries, and print their run."""
    with connection(db_path) as conn, run_lock(db_path, wait):
        study = following_production(conn, study, given_names())
        tuner = HyperparameterTuner(conn, load_dataset(conn), study)
        run_id, made = tuner.save_candidates(method, n or DEFAULT_CONFIGS[method])
        how = try_line(conn, run_id)
    if as_json:
        print_json({"tuning_run_id": run_id, "experiments": [e.experiment_id for e in made]})
        return
    result_console().print(f"{len(made)} {method} candidates are stored in run {run_id}")
    remarks = remark_console(quiet=quiet)
    if len(made) < (n or 0):
        remarks.print("there are no more: all other configurations were tried before")
    n_previews = sum(map(is_preview, made)) if STRATEGIES[method].is_adaptive else 0
    if n_previews:
        remarks.print(
            f"{method} learns from results: {len(made) - n_previews} are tried as they are, "
            f"{n_previews} are previews, proposed anew as results come in (--as-stored keeps them)"
        )
    remarks.print(f"try them: {outside_text(remarks, how)}", soft_wrap=True, highlight=False)


def try_line(conn: Connection, run_id: str) -> str:
    """Return the command that tries the candidates of a planned run."""
    runs = describe_stored(conn, subject_of=subject_of).runs
    line = next(run for run in runs if run.tuning_run_id == run_id)
    production = load_production(conn)
    return tune_line(
        line,
        line.method,
        max(1, line.experiments_by_status.get("pending", 0)),
        database_path(conn),
        None if production is None else production.training.model,
    )
