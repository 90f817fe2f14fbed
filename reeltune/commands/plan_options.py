"""The options that say how a tuning run goes about it, and when it ends."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from reeltune.cli.sizes import ByteSize
from reeltune.search.grid import Grid
from reeltune.tuning.plan import Plan
from reeltune.tuning.pruning_rules import PRUNERS
from reeltune.tuning.stopping import StopRules


def option_plan(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a run's plan; handed on as one `plan`, its method still to be said."""

    @wraps(function)
    def with_plan(
        *args: Any,
        timeout: float | None,
        target: float | None,
        patience: int | None,
        min_experiments: int,
        until_converged: bool,
        timeout_per_experiment: float | None,
        memory_bytes: int | None,
        starts_warm: bool,
        pruner: str | None,
        progressive: bool,
        grid_radius: float | None,
        grid_levels: int | None,
        panel: int | None,
        **rest: Any,
    ) -> Any:
        stop = StopRules(
            timeout_seconds=timeout,
            target=target,
            patience=patience,
            min_experiments=min_experiments,
            until_converged=until_converged,
        )
        plan = Plan(
            stop=stop,
            starts_warm=starts_warm,
            pruner=pruner,
            grid=Grid(grid_radius, grid_levels, progressive),
            timeout_seconds=timeout_per_experiment,
            memory_bytes=memory_bytes,
            panel=panel,
        )
        return function(*args, plan=plan, **rest)

    for option in reversed(_OPTIONS):
        with_plan = option(with_plan)
    return with_plan


_SECONDS = click.FloatRange(0, min_open=True)

_OPTIONS = (
    click.option("--timeout", metavar="SECONDS", type=_SECONDS, help="End the run after so long."),
    click.option(
        "--timeout-per-experiment",
        metavar="SECONDS",
        type=_SECONDS,
        help="An experiment that takes longer fails.",
    ),
    click.option(
        "--memory-limit",
        "memory_bytes",
        type=ByteSize(),
        help="An experiment that needs more beyond the data fails, as in 500M or 2G.",
    ),
    click.option(
        "--target", type=float, metavar="VALUE", help="End the run once the objective is so good."
    ),
    click.option(
        "--patience",
        type=click.IntRange(1),
        metavar="N",
        help="End the run after N experiments without a new best.",
    ),
    click.option(
        "--min-experiments",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Neither --patience nor --until-converged ends the run before N experiments.",
    ),
    click.option(
        "--pruner",
        type=click.Choice(list(PRUNERS)),
        help="Stop experiments that some of the users show to be clearly worse than the best, or "
        "not among the best quarter.",
    ),
    click.option(
        "--panel",
        type=click.IntRange(100),
        metavar="N",
        help="Measure experiments on a fixed sample of N users; fits and the gate see everybody.",
    ),
    click.option(
        "--no-warm-start",
        "starts_warm",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Begin neither with a surrogate's guesses nor with what helped on similar data.",
    ),
    click.option(
        "--progressive",
        is_flag=True,
        help="With --method grid: in coarse steps first, then in finer ones around the best.",
    ),
    click.option(
        "--grid-radius",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="SHARE",
        help="With --method grid: how far to go, of each range.  [default: 0.1; progressive 0.4]",
    ),
    click.option(
        "--grid-levels",
        type=click.IntRange(1, 100),
        metavar="N",
        help="With --method grid: steps on the way, to either side.  [default: 2; progressive 1]",
    ),
    click.option(
        "--until-converged",
        is_flag=True,
        help="End the run once further improvement is expected to be below the noise.",
    ),
)
