"""Command: candidates. Stores configurations that a later run tries."""

from pathlib import Path
from typing import Any

import click

from reeltune.cli.command import Command, Decorator, option
from reeltune.cli.console import print_json, remark_console, result_console
from reeltune.cli.options import option_db, option_json, option_quiet, option_wait
from reeltune.cli.program import command_line
from reeltune.commands.plan_options import METHODS_PARAGRAPH, SEARCH, option_configs
from reeltune.commands.study_options import STUDY_PARAGRAPHS, study_from_click, study_options
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.search import STRATEGIES
from reeltune.storage.run_lock import run_lock
from reeltune.tuning.proposer import DEFAULT_CONFIGS
from reeltune.tuning.ratings import HyperparameterTuner


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
        tuner = HyperparameterTuner(conn, load_dataset(conn), study)
        run_id, made = tuner.save_candidates(method, n or DEFAULT_CONFIGS[method])
    if as_json:
        print_json({"tuning_run_id": run_id, "experiments": [e.experiment_id for e in made]})
        return
    result_console().print(f"{len(made)} {method} candidates are stored in run {run_id}")
    remarks = remark_console(quiet=quiet)
    if len(made) < (n or 0):
        remarks.print("there are no more: all other configurations were tried before")
    words = command_line("tune", "tune_orchestrator.py")
    remarks.print(f"try them: {words} --method {method} --configs {len(made)}")
