"""Consoles: results go to standard output, progress and remarks to standard error."""

import json

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

SIMPLE = "simple"
TABLE_FORMATS = (SIMPLE, "plain", "github", "csv", "html", "latex")
MIN_WIDTH = 20  # columns, whatever the environment says
FORMAT_KEY = "reeltune.table_format"  # of what a command's context holds


def print_json(value: object) -> None:
    """Print `value` for a script: one JSON document, keys in the order given; never NaN."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


class ResultConsole(Console):
    """Console for results, as wide as the terminal; 80 columns where there is none.

    Tables in a format for documents or programs go to standard output alone, all else then to
    standard error, so that a file into which the output is led holds tables only.
    """

    def __init__(self, table_format: str = SIMPLE) -> None:
        super().__init__(stderr=table_format != SIMPLE, highlight=False)
        self.width = max(self.width, MIN_WIDTH)
        self.table_format = table_format
        self._n_tables = 0

    def print_apart(self, text: str) -> None:
        """Print to standard output, after an empty line where something was printed before."""
        click.echo(f"\n{text}" if self._n_tables else text)
        self._n_tables += 1


def result_console() -> ResultConsole:
    """Return the console for results, with tables as `--format` of the command asks for them."""
    context = click.get_current_context(silent=True)
    return ResultConsole(SIMPLE if context is None else context.meta.get(FORMAT_KEY, SIMPLE))


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
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        disable=not console.is_terminal or console.quiet,
        transient=True,
    )
