"""Command: tune FILE.py:NAME. Tunes a function of the user's."""

from collections.abc import Callable
from typing import Any

import click

from reeltune.cli.command import Command, CommandGroup, option
from reeltune.commands.plan_options import (
    METHODS_PARAGRAPH,
    SEARCH,
    option_configs,
    plan_from_click,
    plan_options,
)
from reeltune.commands.study_options import WHAT_IS_TUNED, option_seed
from reeltune.commands.tuning_session import TuningSession, session_options
from reeltune.domain.objectives import SECONDS, read_objectives
from reeltune.domain.study import FUNCTION, NO_SPLIT, StudyConfig
from reeltune.search import STRATEGIES
from reeltune.tasks.function import load_objective
from reeltune.tracking.own_code import resolved_name
from reeltune.tuning.proposer import DEFAULT_CONFIGS


class TuneGroup(CommandGroup):
    """Commands of tuning; what has a colon is the name of a function, and tunes it."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        found = super().get_command(ctx, cmd_name)
        return found if found is not None or ":" not in cmd_name else function_command(cmd_name)


def function_command(name: str) -> click.Command:
    """Return the command that tunes the function of that name."""

    def tune(**given: Any) -> None:
        method = given["method"]
        plan = plan_from_click(given, method, given["configs"] or DEFAULT_CONFIGS[method])
        study = function_study(name, given["objectives"], given["seed"])
        TuningSession.from_click(given).run(study, plan)

    tune.__doc__ = f"Tune {name}, which was declared by @reeltune.objective."
    decorated: Callable[..., Any] = tune
    for add in (
        session_options,
        option_seed(),
        _OBJECTIVE,
        plan_options,
        option_configs("--configs"),
        _METHOD,
    ):
        decorated = add(decorated)
    return click.command(name, cls=Command, paragraphs=METHODS_PARAGRAPH)(decorated)


def function_study(name: str, objectives: str | None, seed: int | None) -> StudyConfig:
    """Return the study of a function; by default for its first metric.

    Raises:
        InputError: the function cannot be imported, or an objective is none of its metrics.
    """
    metrics = list(load_objective(name).metrics)
    chosen = tuple(metrics[:1])
    if objectives is not None:
        chosen = read_objectives(objectives, metrics, [*metrics, SECONDS])
    return StudyConfig(
        task=FUNCTION,
        model=resolved_name(name),
        split=NO_SPLIT,
        objective=chosen[0],
        further_objectives=chosen[1:],
        seed=seed,
    )


_METHOD = option(
    SEARCH,
    "--method",
    setting="search.method",
    type=click.Choice(list(STRATEGIES)),
    metavar="NAME",
    default="bayesian",
    show_default=True,
    help="How candidates are proposed.",
)
_OBJECTIVE = option(
    WHAT_IS_TUNED,
    "--objective",
    "objectives",
    metavar="NAME[,NAME...]",
    help="What to optimise.  [default: first metric]",
)
