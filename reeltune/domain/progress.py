"""Long steps say how far they are, to whoever listens; without a listener it costs nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, float], None]
"""Is told what is done, as in "reading ratings", and what share of it is, up to 1."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def progress_to(listener: Listener) -> Iterator[None]:
    """In the block, `listener` is told of all steps of this thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report_progress(step: str, share: float) -> None:
    """Say what share of a step is done."""
    listener = _listener.get()
    if listener is not None:
        listener(step, share)
