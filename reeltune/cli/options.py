"""Options that several commands take, each declared once."""

from pathlib import Path
from typing import Any

import click

from reeltune import __version__
from reeltune.cli.command import OUTPUT, Decorator, Option, option
from reeltune.cli.console import FORMAT_KEY, TABLE_FORMATS
from reeltune.cli.json_log import json_log
from reeltune.cli.sources import LOG_FORMAT

RESOURCES = "Resources"
RESULT = "After it has ended"

option_db = option(
    OUTPUT,
    "--db",
    "db_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="movies.db",
    envvar="REELTUNE_DB",
    metavar="FILE",
    help="The database ($REELTUNE_DB, else movies.db).",
)
"""`--db`, by which every command finds its database."""

option_json = option(OUTPUT, "--json", "as_json", is_flag=True, help="Print one JSON document.")
"""`--json`, for output that a script reads."""


def _keep_format(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[FORMAT_KEY] = value


option_format = option(
    OUTPUT,
    "--format",
    "table_format",
    type=click.Choice(TABLE_FORMATS),
    metavar="NAME",
    expose_value=False,
    callback=_keep_format,
    help="Tables as plain, github, csv, html, latex.",
)
"""`--format`, of every command that prints a table; `result_console` reads it."""

option_quiet = option(OUTPUT, "--quiet", is_flag=True, help="Print results and errors only.")
"""`--quiet`, for no progress and no remarks."""

option_wait = option(
    RESOURCES,
    "--wait",
    setting="run.wait",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SEC",
    help="Wait this long for another run or program.",
)
"""`--wait`, for when another run holds the database."""


def _log_as(ctx: click.Context, _: click.Parameter, value: str) -> None:
    ctx.meta[LOG_FORMAT] = value
    if value == "json" and not ctx.resilient_parsing:
        ctx.with_resource(json_log())


option_log_format = option(
    OUTPUT,
    "--log-format",
    setting="run.log_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    is_eager=True,  # so that what is wrong with other options is told in that format too
    expose_value=False,
    callback=_log_as,
    help="Lines of the log.",
)
"""`--log-format`, of commands that take long: standard error as JSON, an object a line."""

option_version = click.version_option(
    __version__,
    message="reeltune %(version)s",
    cls=Option,
    help="Print the version and exit.",
)
"""`--version`, of every program."""


def option_notify(when: str) -> Decorator:
    """Return `--notify`; `when` the command is run, in the words of its help."""
    return option(
        RESULT,
        "--notify",
        setting="run.notify",
        metavar="COMMAND",
        help=f"Run this {when}, with JSON on its stdin.",
    )


def argument(name: str, text: str, **settings: Any) -> Decorator:
    """Return a decorator that adds a positional argument with its help."""
    decorator: Decorator = click.argument(name, help=text, **settings)
    return decorator
