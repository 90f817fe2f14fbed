"""Consoles: results go to standard output, progress and remarks to standard error."""

import json

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def print_json(value: object) -> None:
    """Print `value` for a script: one JSON document, keys in the order given; never NaN."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def result_console() -> Console:
    """Return the console for results; colour on a terminal only, full width in a pipe or file."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    return console


def remark_console(*, quiet: bool = False) -> Console:
    """Return the console for progress and remarks, on standard error; silent with `quiet`."""
    return Console(stderr=True, highlight=False, quiet=quiet, soft_wrap=True)


def progress_bar(console: Console, unit: str) -> Progress:
    """Return a progress bar that shows on a terminal only, counting `unit`s."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal or console.quiet,
        transient=True,
    )
