"""Listeners to trainings: who shows, keeps or judges the epochs of whatever is trained meanwhile.

A model is trained deep inside of a fit; who wants to know of it need not be handed through.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from reeltune.training.epoch import Epoch

EpochListener = Callable[[str, Epoch], bool]
"""Called with the name of what is trained and an epoch; true stops that training."""

_listeners: ContextVar[tuple[EpochListener, ...]] = ContextVar("listeners", default=())


@contextmanager
def listening(listener: EpochListener) -> Generator[None]:
    """Tell `listener` of all epochs of trainings within the block."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


def tell_listeners(name: str, epoch: Epoch) -> bool:
    """Tell all listeners of an epoch; return if one of them stops the training."""
    answers = [listener(name, epoch) for listener in _listeners.get()]
    return any(answers)
