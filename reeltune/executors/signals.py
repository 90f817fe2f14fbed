"""Signals held back while a process is made, so that neither it nor its parent is interrupted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held_signals() -> Iterator[None]:
    """Hold back, within the block, signals to end the process; they are raised at its end.

    A process made in the block begins with these signals blocked, so that a Ctrl-C, which the
    terminal sends to all, does not meet it before it can ignore it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread
        return
    heard: list[int] = []
    handlers = {number: signal.getsignal(number) for number in HELD}
    for number in HELD:
        signal.signal(number, lambda received, _frame: heard.append(received))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        for received in heard:
            signal.raise_signal(received)


def ignore_held() -> None:
    """Ignore these signals in a process made so, including those already pending."""
    for number in HELD:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
