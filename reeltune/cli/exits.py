"""Exit statuses: an expected error is one line on standard error and a status of its own."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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
EXIT_DEGRADED = 5  # production is worse than it was, beyond noise
EXIT_DAMAGED = 6  # production is missing or damaged
EXIT_OVERDUE = 7  # no recent run succeeded
EXIT_REJECTED = 8  # too many rows of an imported file were rejected, or none was kept
EXIT_BEHIND = 9  # production has not seen ratings of several nights
EXIT_REFUSED_IN_A_ROW = 10  # several nights running the gate refused
EXIT_INTERRUPTED = 130
_MAX_MESSAGE = 2_000  # characters of a message

_CODES: dict[type[ReelTuneError], int] = {
    GateError: EXIT_REFUSED,
    BusyError: EXIT_BUSY,
    InterruptedRunError: EXIT_INTERRUPTED,
    RejectedRowsError: EXIT_REJECTED,
}


def exit_code(error: ReelTuneError) -> int:
    """Return the exit status of a command that ends with `error`.

    >>> exit_code(GateError("accuracy 0.61 is below 0.65"))
    3
    """
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), EXIT_ERROR)


def one_line(error: ReelTuneError) -> str:
    """Return the message of `error` on one line, whatever text from outside is in it.

    >>> one_line(ReelTuneError("no such\\nthing: \\x1b[2J"))
    'no such thing: \\\\x1b[2J'
    """
    text = " ".join(str(error)[:_MAX_MESSAGE].split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


@contextmanager
def expected_errors() -> Iterator[None]:
    """End the program with one line where the block raises an expected error."""
    try:
        yield
        _flush()  # here, where a failure can be shown
    except ReelTuneError as error:
        click.echo(f"error: {one_line(error)}", err=True)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # the reader has closed the pipe
        _discard_output()
        with suppress(OSError):
            click.echo(f"error: {one_line(ReelTuneError(error))}", err=True)
        sys.exit(EXIT_ERROR)


def _flush() -> None:
    if sys.stdout is not None:  # as it is where it was closed
        sys.stdout.flush()


def _discard_output() -> None:
    """Discard what is still to be printed, or Python would fail once more at its end.

    Where standard output is not the cause, it is flushed and nothing is lost.
    """
    try:
        _flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
