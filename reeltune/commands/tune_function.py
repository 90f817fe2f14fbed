"""The command that tunes a function of the user's: `reeltune tune FILE.py:NAME`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from reeltune.cli.exits import Command, Front
from reeltune.commands.plan_options import option_plan
from reeltune.commands.study_options import OPTION_SEED
from reeltune.commands.tuning_session import Sitting, option_sitting
from reeltune.domain.objectives import SECONDS, read_objectives
from reeltune.domain.study import FUNCTION, NO_SPLIT, StudyConfig
from reeltune.search import STRATEGIES
from reeltune.search.grid import Grid
from reeltune.tasks.function import load_objective
from reeltune.tracking.own_code import resolved_name
from reeltune.tuning.plan import Plan
from reeltune.tuning.proposer import DEFAULT_CONFIGS


class TuneGroup(Front):
    """Commands of tuning; what has a colon is the name of a function, and tunes it."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name."""
        found = super().get_command(ctx, cmd_name)
        return found if found is not None or ":" not in cmd_name else function_command(cmd_name)


def function_command(name: str) -> click.Command:
    """Return the command that tunes the function of that name."""

    def tune(
        method: str,
        configs: int | None,
        objectives: str | None,
        seed: int | None,
        plan: Plan,
        sitting: Sitting,
    ) -> None:
        plan = replace(plan, method=method, n_configs=configs or DEFAULT_CONFIGS[method])
        sitting.tune(function_study(name, objectives, seed), check_grid(plan))

    tune.__doc__ = f"Tune {name}, a function that was declared by @reeltune.objective."
    decorated: Callable[..., Any] = tune
    for option in (option_sitting, OPTION_SEED, _OBJECTIVE, option_plan, OPTION_CONFIGS, _METHOD):
        decorated = option(decorated)
    return click.command(name, cls=Command)(decorated)


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


def check_grid(plan: Plan) -> Plan:
    """Return the plan, unless it has a grid's options and another method.

    Raises:
        click.UsageError: it has.
    """
    if plan.grid != Grid() and plan.method != "grid":
        raise click.UsageError(
            "--progressive, --grid-radius and --grid-levels go with --method grid, "
            f"not {plan.method}"
        )
    return plan


OPTION_CONFIGS = click.option(
    "--configs",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="How many candidates to try.  [default: 50; grid 63, bayesian and gp 20]",
)
_METHOD = click.option(
    "--method",
    type=click.Choice(list(STRATEGIES)),
    default="bayesian",
    show_default=True,
    help="Propose this way.",
)
_OBJECTIVE = click.option(
    "--objective",
    "objectives",
    metavar="NAME[,NAME...]",
    help="What to be best at, of the function's metrics; or a list of two or three, also of "
    "seconds.  [default: the first metric]",
)
