"""Turns an expected error into one line on standard error and an exit code."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

from reeltune.domain.errors import (
    BusyError,
    GateError,
    InterruptedRunError,
    ReelTuneError,
    RejectedRowsError,
)

EXIT_ERROR = 1
EXIT_REFUSED = 3
EXIT_BUSY = 4
EXIT_FALLEN = 5  # production is worth less than it was, beyond noise
EXIT_UNSOUND = 6  # production is missing or damaged
EXIT_LATE = 7  # no run ended well of late
EXIT_REJECTED = 8  # too many rows of an imported file were not taken, or none was
EXIT_INTERRUPTED = 130
_LONGEST = 2_000  # characters of a message

_CODES: dict[type[ReelTuneError], int] = {
    GateError: EXIT_REFUSED,
    BusyError: EXIT_BUSY,
    RejectedRowsError: EXIT_REJECTED,
    InterruptedRunError: EXIT_INTERRUPTED,
}


def exit_code(error: ReelTuneError) -> int:
    """What a command that ends with `error` leaves to the shell.

    >>> exit_code(GateError("accuracy 0.61 is below 0.65"))
    3
    """
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), EXIT_ERROR)


def one_line(error: ReelTuneError) -> str:
    """What `error` says on one line, whatever text from outside is in it.

    >>> one_line(ReelTuneError("no such\\nthing: \\x1b[2J"))
    'no such thing: \\\\x1b[2J'
    """
    text = " ".join(str(error)[:_LONGEST].split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


@contextmanager
def expected_errors() -> Iterator[None]:
    """Within the block an expected error is told in one line and ends the program."""
    try:
        yield
        _flush()  # here, where it can be told that it fails
    except ReelTuneError as error:
        click.echo(f"error: {one_line(error)}", err=True)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # whoever read has seen enough
        _give_up_printing()
        with suppress(OSError):
            click.echo(f"error: {one_line(ReelTuneError(error))}", err=True)
        sys.exit(EXIT_ERROR)


def _flush() -> None:
    if sys.stdout is not None:  # as it is where it was closed
        sys.stdout.flush()


def _give_up_printing() -> None:
    """What is still to be printed goes nowhere, or Python would fail over it once more at its end.

    Where standard output is not to blame, it is flushed and nothing is lost.
    """
    try:
        _flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


HELP = {"help_option_names": ["-h", "--help"]}


class Command(click.Command):
    """A command whose expected errors are one line and an exit code; helps with -h too."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        settings["context_settings"] = HELP | (settings.get("context_settings") or {})
        super().__init__(*args, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command's function."""
        with expected_errors():
            return super().invoke(ctx)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command

    def __init__(self, *args: Any, **settings: Any) -> None:
        settings["context_settings"] = HELP | (settings.get("context_settings") or {})
        super().__init__(*args, **settings)


class Front(Group):
    """A group that is a command itself where no other is named."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command's function."""
        with expected_errors():
            return super().invoke(ctx)
