"""Progress of long steps, reported to a listener; without one it costs nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, float], None]
"""Callable that receives what is done, as in "reading ratings", and its share done, up to 1."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def progress_to(listener: Listener) -> Iterator[None]:
    """Report, within the block, the progress of all steps of this thread to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report_progress(step: str, share: float) -> None:
    """Report what share of a step is done."""
    listener = _listener.get()
    if listener is not None:
        listener(step, share)
