"""Options that several commands take, each declared once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def option_db(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--db`, by which every command finds its database."""
    return click.option(
        "--db",
        "db_path",
        type=click.Path(path_type=Path, dir_okay=False),
        default="movies.db",
        envvar="REELTUNE_DB",
        show_default=True,
        show_envvar=True,
        help="The database.",
    )(function)


def option_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`, for output that a script reads."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def option_quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--quiet`: print results and errors only."""
    return click.option("--quiet", is_flag=True, help="Print results and errors only.")(function)


def option_wait(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--wait`, for when another run or another program holds the database."""
    return click.option(
        "--wait",
        type=click.FloatRange(0),
        default=0.0,
        metavar="SECONDS",
        help="Wait so long for another run to end, or another program to let go of the database; "
        "without it, exit with 4: at once for a run, after 30 seconds for a program.",
    )(function)
