"""Options that say how a tuning run proposes configurations, and when it ends."""

from collections.abc import Mapping
from typing import Any, get_args

import click

from reeltune.cli.command import Decorator, option, options
from reeltune.cli.options import RESOURCES
from reeltune.cli.sizes import ByteSize
from reeltune.commands.guardrail_options import option_guardrails
from reeltune.monitoring.retuning import RetuneMode
from reeltune.search import STRATEGIES
from reeltune.search.grid import Grid
from reeltune.tuning.plan import Plan
from reeltune.tuning.pruning_rules import PRUNERS
from reeltune.tuning.stopping import StopRules

SEARCH = "Search"
STOP = "When to stop"
METHODS_PARAGRAPH = {
    "Methods": f"{', '.join(STRATEGIES)}. Number of candidates by default: 50; grid 63, bayesian "
    "and gp 20."
}
"""Paragraph of help that names the methods."""

_SECONDS = click.FloatRange(0, min_open=True)


def option_configs(
    name: str, topic: str = SEARCH, text: str = "Number of candidates."
) -> Decorator:
    """Return the option that says how many candidates are proposed."""
    return option(
        topic,
        name,
        setting="search.configs",
        type=click.IntRange(1, 100_000),
        metavar="N",
        help=text,
    )


def option_retune(default: RetuneMode, text: str, **setting: Any) -> Decorator:
    """Return the option that says when production is searched for and when it is only renewed."""
    return option(
        SEARCH,
        "--retune",
        type=click.Choice(get_args(RetuneMode)),
        default=default,
        show_default=True,
        help=text,
        **setting,
    )


plan_options = options(
    option(
        SEARCH,
        "--pruner",
        setting="search.pruner",
        type=click.Choice(list(PRUNERS)),
        help="Stop poor experiments on part of the users.",
    ),
    option(
        SEARCH,
        "--no-warm-start",
        "starts_warm",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Start without initial guesses.",
    ),
    option(
        SEARCH,
        "--as-stored",
        is_flag=True,
        help="Try stored candidates as they are.",
    ),
    option(
        SEARCH,
        "--progressive",
        is_flag=True,
        help="Grid: coarse steps first, then finer ones.",
    ),
    option(
        SEARCH,
        "--grid-radius",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="SHARE",
        help="Grid: share of each range, 0.1 by default.",
    ),
    option(
        SEARCH,
        "--grid-levels",
        type=click.IntRange(1, 100),
        metavar="N",
        help="Grid: steps to either side, 2 by default.",
    ),
    option(
        SEARCH,
        "--around",
        metavar="EXPERIMENT",
        help="Grid: around this one, or around the `best`.",
    ),
    option_guardrails(SEARCH),
    option(
        STOP,
        "--timeout",
        setting="search.timeout",
        metavar="SEC",
        type=_SECONDS,
        help="Stop after this many seconds.",
    ),
    option(
        STOP, "--target", type=float, metavar="VALUE", help="Stop once the objective is this good."
    ),
    option(
        STOP,
        "--patience",
        setting="search.patience",
        type=click.IntRange(1),
        metavar="N",
        help="Stop after N experiments without a new best.",
    ),
    option(
        STOP,
        "--until-converged",
        setting="search.until_converged",
        is_flag=True,
        help="Stop once no gain beyond noise is expected.",
    ),
    option(
        STOP,
        "--min-experiments",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Ignore patience and convergence before N.",
    ),
    option(
        RESOURCES,
        "--panel",
        setting="search.panel",
        type=click.IntRange(100),
        metavar="N",
        help="Measure on a fixed sample of N users.",
    ),
    option(
        RESOURCES,
        "--timeout-per-experiment",
        setting="search.timeout_per_experiment",
        metavar="SEC",
        type=_SECONDS,
        help="An experiment that takes longer fails.",
    ),
    option(
        RESOURCES,
        "--memory-limit",
        "memory_bytes",
        setting="search.memory_limit",
        type=ByteSize(),
        metavar="SIZE",
        help="An experiment that needs more fails (2G).",
    ),
)
"""The options of a run's plan but method and number, for `plan_from_click`."""


def plan_from_click(given: Mapping[str, Any], method: str, n_configs: int) -> Plan:
    """Return the plan that the values of these options describe.

    Raises:
        click.UsageError: the grid's options are given with another method.
    """
    grid = Grid(given["grid_radius"], given["grid_levels"], given["progressive"])
    if (grid != Grid() or given["around"]) and method != "grid":
        raise click.UsageError(
            "--progressive, --grid-radius, --grid-levels and --around go with --method grid, not "
            f"{method}"
        )
    return Plan(
        method=method,
        n_configs=n_configs,
        stop=StopRules(
            timeout_seconds=given["timeout"],
            target=given["target"],
            patience=given["patience"],
            min_experiments=given["min_experiments"],
            until_converged=given["until_converged"],
        ),
        grid=grid,
        around=given["around"],
        as_stored=given["as_stored"],
        starts_warm=given["starts_warm"],
        pruner=given["pruner"],
        timeout_seconds=given["timeout_per_experiment"],
        memory_bytes=given["memory_bytes"],
        margins=given["margins"],
        panel=given["panel"],
    )
