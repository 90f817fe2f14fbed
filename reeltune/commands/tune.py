"""Command: tune. Tries configurations, each by a full retraining, and says which is best."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from reeltune.cli.command import Command, option
from reeltune.cli.options import option_version
from reeltune.commands.compare import show_compared
from reeltune.commands.plan_options import (
    METHODS_PARAGRAPH,
    SEARCH,
    option_configs,
    option_retune,
    plan_from_click,
    plan_options,
)
from reeltune.commands.runs import RUN_COMMANDS, show_run
from reeltune.commands.study_options import (
    STUDY_PARAGRAPHS,
    given_names,
    study_from_click,
    study_options,
)
from reeltune.commands.tune_function import TuneGroup
from reeltune.commands.tuning_session import TuningSession, session_options
from reeltune.commands.warm_starts import show_warm_starts
from reeltune.commands.watch import watch_run
from reeltune.domain.study import HYBRID, StudyConfig
from reeltune.search import STRATEGIES
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import DEFAULT_CONFIGS
from reeltune.tuning.ratings import PHASE_2_METHOD, TuningOrchestrator, phase_2
from reeltune.tuning.result import RunResult
from reeltune.tuning.stopping import StopRules

__all__ = ["RunResult", "TuningOrchestrator", "main"]

QUICK = Plan(name="quick", method="random", n_configs=12, stop=StopRules(timeout_seconds=60.0))

INSTEAD_OF_TUNING = "Instead of tuning"
_ACTIONS = ("method", "config", "resume", "watched", "summary", "compare", "patterns", "phase2")
_ALWAYS = {"jobs", "promotes", "finalists", "notify", "wait", "db_path"}
_ALWAYS |= {"as_json", "table_format", "quiet"}
_WITH_RESUME = _ALWAYS | {"resume", "timeout", "accuracy_threshold"}
_WITH_CONFIG = _ALWAYS | {"config", "dry_run"}


@click.group(
    cls=TuneGroup,
    invoke_without_command=True,
    subcommand_metavar="[FILE.py:NAME | COMMAND]",
    paragraphs=METHODS_PARAGRAPH | STUDY_PARAGRAPHS,
    examples=(
        "--method bayesian --configs 20",
        "--method random --objective ndcg@10 --patience 4",
        "--config examples/sweeps --dry-run",
        "examples/tune_function.py:forecast --configs 9",
    ),
)
@option(
    SEARCH,
    "--method",
    setting="search.method",
    type=click.Choice(list(STRATEGIES)),
    metavar="NAME",
    help="Tune; how candidates are proposed.",
)
@option_configs("--configs")
@option(
    SEARCH,
    "--config",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE",
    help="Tune as a YAML file says, or all in a folder.",
)
@option(SEARCH, "--dry-run", is_flag=True, help="With --config: only show what would run.")
@plan_options
@study_options()
@session_options
@option_retune("always", "How often to search.")
@option(INSTEAD_OF_TUNING, "--resume", metavar="RUN", help="The same as `reeltune runs resume`.")
@option(
    INSTEAD_OF_TUNING,
    "--watch",
    "watched",
    metavar="RUN",
    help="The same as `reeltune runs watch`.",
)
@option(INSTEAD_OF_TUNING, "--summary", is_flag=True, help="The same as `reeltune runs show`.")
@option(INSTEAD_OF_TUNING, "--run", "run_id", metavar="RUN", help="With --summary: of this run.")
@option(
    INSTEAD_OF_TUNING,
    "--compare",
    nargs=2,
    metavar="A B",
    help="The same as `reeltune runs compare`.",
)
@option(INSTEAD_OF_TUNING, "--patterns", is_flag=True, help="The same as `reeltune warm-starts`.")
@option(
    INSTEAD_OF_TUNING, "--phase2", is_flag=True, help="Tune the hybrid, after the hand-set weights."
)
@option_version
@click.pass_context
def main(ctx: click.Context, /, **given: Any) -> None:
    """Try configurations and show which is best.

    Each is fitted on the training set and measured on the validation set. With --promote the best
    is retrained and promoted if the gate passes it. FILE.py:NAME tunes a function of your own.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_others(ctx, set(), f"options come after {ctx.invoked_subcommand!r}")
        return
    action = _action(ctx, given)
    if given["retune"] != "always" and not given["promotes"]:
        raise click.UsageError(f"--retune {given['retune']} goes with --promote")
    session, study = TuningSession.from_click(given), study_from_click(given)
    match action:
        case "method":
            method = given["method"]
            n_configs = given["configs"] or DEFAULT_CONFIGS[method]
            session.run(study, plan_from_click(given, method, n_configs), given_names())
        case "config":
            _sweep(ctx, session, given)
        case "resume":
            _refuse_others(ctx, _WITH_RESUME, "a resumed run keeps its own settings")
            session.resume(given["resume"], given["timeout"])
        case "phase2":
            n_configs = given["configs"] or DEFAULT_CONFIGS[PHASE_2_METHOD]
            plan = plan_from_click(given, PHASE_2_METHOD, n_configs)
            session.run(_phase_2(study), plan, {*given_names(), "model"})
        case _:
            _show(action, session, study, given)


@main.command(
    "quick", cls=Command, paragraphs=STUDY_PARAGRAPHS, examples=("", "--jobs 1", "--json")
)
@study_options()
@session_options
def quick_command(**given: Any) -> None:
    """Try 12 random configurations for a minute at most."""
    TuningSession.from_click(given).run(study_from_click(given), QUICK, given_names())


for _command in RUN_COMMANDS:
    main.add_command(_command)


def _action(ctx: click.Context, given: Mapping[str, Any]) -> str:
    """Return what is to be done: what was typed, else what the settings file says.

    Raises:
        click.UsageError: nothing or more than one thing is asked for.
    """
    asked = [name for name in _ACTIONS if given[name]]
    typed = ParameterSource.COMMANDLINE
    asked = [name for name in asked if ctx.get_parameter_source(name) is typed] or asked
    if len(asked) != 1:
        raise click.UsageError(
            "give one of --method, --config, --resume, --watch, --summary, --compare, --patterns "
            "and --phase2, or a command"
        )
    if given["dry_run"] and asked != ["config"]:
        raise click.UsageError("--dry-run goes with --config FILE")
    return asked[0]


def _show(
    action: str, session: TuningSession, study: StudyConfig, given: Mapping[str, Any]
) -> None:
    """Do what does not tune."""
    match action:
        case "watched":
            watch_run(session.db_path, given["watched"])
        case "summary":
            show_run(session.db_path, given["run_id"], as_json=session.as_json)
        case "compare":
            a, b = given["compare"]
            margins = given["margins"]
            show_compared(session.db_path, study, a, b, margins, as_json=session.as_json)
        case _:
            show_warm_starts(session.db_path, as_json=session.as_json)


def _phase_2(study: StudyConfig) -> StudyConfig:
    """Return the study of phase 2.

    Raises:
        click.UsageError: another model is asked for.
    """
    if "model" in given_names() and study.model != HYBRID:
        raise click.UsageError(f"--phase2 tunes {HYBRID}, not {study.model}: leave --model out")
    return phase_2(study)


def _sweep(ctx: click.Context, session: TuningSession, given: Mapping[str, Any]) -> None:
    # Here: YAML and JSON Schema are for files only.
    from reeltune.commands.sweeps import run_sweeps, show_forecasts

    _refuse_others(ctx, _WITH_CONFIG, "a sweep takes all its settings from its file")
    own_jobs = ctx.get_parameter_source("jobs") is not ParameterSource.COMMANDLINE
    run = show_forecasts if given["dry_run"] else run_sweeps
    run(given["config"], session, own_jobs=own_jobs)


def _refuse_others(ctx: click.Context, allowed: set[str], rule: str) -> None:
    """Refuse options on the command line that have no place there.

    Raises:
        click.UsageError: there are some; all are named.
    """
    others = [
        param.opts[0]
        for param in ctx.command.params
        if param.name not in allowed
        and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    ]
    if others:
        raise click.UsageError(f"{rule}: leave out {', '.join(others)}")
