"""Linear algebra with one thread: the number of threads changes the last bits of its results."""

from functools import cache
from typing import Any


def one_thread() -> Any:
    """Return a context in which results are the same on any number of cores."""
    return _controller().limit(limits=1)


@cache
def _controller() -> Any:
    import scipy.linalg  # noqa: F401 it brings a library of its own, which must be there to be told
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
