"""Interrupts: end a run under way from outside, by a signal or by its time limit."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from reeltune.tuning.stopping import OutOfTimeError


@contextmanager
def stoppable(seconds: float | None = None, again: float = 0.0) -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, and so time that is up.

    Args:
        seconds: after which the block ends; None: there is no limit.
        again: seconds after which it is told so once more, and so on; 0: never. What is raised in
            a finaliser is lost, and libraries have some.

    Raises:
        KeyboardInterrupt: on SIGTERM.
        OutOfTimeError: after `seconds`.
    """
    before = signal.signal(signal.SIGTERM, _stop)
    at_alarm = signal.signal(signal.SIGALRM, _out_of_time)
    try:
        if seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6), again)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, at_alarm)
        signal.signal(signal.SIGTERM, before)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise OutOfTimeError("the run's time is up")
