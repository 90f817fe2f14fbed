"""Linear algebra with one thread: the number of threads changes the last bits of its results."""

from functools import cache
from typing import Any


def one_thread() -> Any:
    """A context in which results are the same on any number of cores."""
    return _controller().limit(limits=1)


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
