"""Tuning runs: apply, retrain, record, for every candidate; resume; summary."""

from dataclasses import replace
from pathlib import Path

import click
from click.core import ParameterSource

from reeltune.cli.console import print_json, result_console
from reeltune.commands.compare import show_compared
from reeltune.commands.patterns import show_patterns
from reeltune.commands.plan_options import option_plan
from reeltune.commands.runs import RUN_COMMANDS
from reeltune.commands.study_options import option_study
from reeltune.commands.tune_function import OPTION_CONFIGS, TuneGroup, check_grid
from reeltune.commands.tuning_session import Sitting, option_sitting
from reeltune.db.connection import connection
from reeltune.db.dataset import load_dataset
from reeltune.domain.study import StudyConfig
from reeltune.reports.tuning_tables import render_summary
from reeltune.search import STRATEGIES
from reeltune.tasks.registry import subject_of
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import DEFAULT_CONFIGS
from reeltune.tuning.ratings import TuningOrchestrator
from reeltune.tuning.result import RunResult
from reeltune.views.summary import summarise

__all__ = ["RunResult", "TuningOrchestrator", "main"]

_ANYWHERE = {"jobs", "promotes", "finalists", "notify", "wait", "db_path", "as_json", "quiet"}
_GOES_WITH_RESUME = _ANYWHERE | {"resume", "timeout"}
_GOES_WITH_CONFIG = _ANYWHERE | {"config", "dry_run"}


@click.group(
    cls=TuneGroup, invoke_without_command=True, subcommand_metavar="[FILE.py:NAME | COMMAND] ..."
)
@click.option("--method", type=click.Choice(list(STRATEGIES)), help="Tune, proposing this way.")
@OPTION_CONFIGS
@option_plan
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE",
    help="Run the sweep in a YAML file, or all in a folder.",
)
@click.option("--dry-run", is_flag=True, help="With --config: only say what would be run.")
@click.option("--resume", metavar="RUN", help="Go on with an interrupted run.")
@click.option("--summary", is_flag=True, help="Show what was tried and found.")
@click.option("--run", "run_id", metavar="RUN", help="With --summary: that run in detail.")
@click.option(
    "--compare",
    nargs=2,
    metavar="A B",
    help="Show how B differs from A: experiments, or versions as v3. Never looks at test.",
)
@click.option(
    "--patterns", is_flag=True, help="Show what new runs may begin with, and if it helps."
)
@click.option("--phase2", is_flag=True, help="Tune the hyperparameters of phase 2.")
@option_study
@option_sitting
@click.pass_context
def main(
    ctx: click.Context,
    method: str | None,
    configs: int | None,
    plan: Plan,
    config: Path | None,
    dry_run: bool,
    resume: str | None,
    summary: bool,
    run_id: str | None,
    compare: tuple[str, str] | None,
    patterns: bool,
    phase2: bool,
    study: StudyConfig,
    sitting: Sitting,
) -> None:
    """Try configurations, each by a full retraining, and say which is best.

    With FILE.py:NAME or package.module:NAME, tune a function of your own: its options come after.
    """
    if ctx.invoked_subcommand is not None:
        _check_given(ctx, set(), f"options come after {ctx.invoked_subcommand!r}")
        return
    asked = (method, config, resume, summary, compare, patterns, phase2)
    if sum(map(bool, asked)) != 1:
        raise click.UsageError(
            "give one of --method, --config, --resume, --summary, --compare, --patterns and "
            "--phase2, or a command"
        )
    if dry_run and not config:
        raise click.UsageError("--dry-run goes with --config FILE")
    if summary:
        _show_summary(sitting, run_id)
    elif patterns:
        show_patterns(sitting.db_path, as_json=sitting.as_json)
    elif compare:
        show_compared(sitting.db_path, study, *compare, as_json=sitting.as_json)
    elif config:
        _check_given(ctx, _GOES_WITH_CONFIG, "a sweep says all in its file")
        from reeltune.commands.sweeps import (
            run_sweeps,
            show_forecasts,
        )  # YAML and JSON Schema: for files only

        jobs_source = ctx.get_parameter_source("jobs")
        run = show_forecasts if dry_run else run_sweeps
        run(config, sitting, own_jobs=jobs_source is not ParameterSource.COMMANDLINE)
    elif resume:
        _check_given(ctx, _GOES_WITH_RESUME, "a resumed run keeps its own settings")
        sitting.resume(resume, plan.stop.timeout_seconds)
    elif method:
        planned = replace(plan, method=method, n_configs=configs or DEFAULT_CONFIGS[method])
        sitting.tune(study, check_grid(planned))
    else:
        with connection(sitting.db_path) as conn:
            TuningOrchestrator(conn, load_dataset(conn), study).run_phase_2_tuning()


for _command in RUN_COMMANDS:
    main.add_command(_command)


def _check_given(ctx: click.Context, allowed: set[str], rule: str) -> None:
    """Refuse options on the command line that have no place there."""
    given = [
        param.opts[0]
        for param in ctx.command.params
        if param.name not in allowed
        and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"{rule}: leave out {', '.join(given)}")


def _show_summary(sitting: Sitting, run_id: str | None) -> None:
    with connection(sitting.db_path) as conn:
        found = summarise(conn, run_id=run_id, subject_of=subject_of)
    if sitting.as_json:
        print_json(found.as_dict())
    else:
        render_summary(result_console(), found)
