"""Thread limits of numerical libraries in worker processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from reeltune.executors.cores import physical_cores

_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


@contextmanager
def thread_limits(jobs: int) -> Iterator[None]:
    """Limit new processes, within the block, to a fair share of the cores for each of `jobs`.

    The libraries read these variables when they are first imported, which in a spawned process
    may be before any code of ours: so they must be there when it is made. A lower number that
    the user has set stays.
    """
    share = max(1, physical_cores() // jobs)
    before = {name: os.environ.get(name) for name in _VARIABLES}
    try:
        for name, value in before.items():
            os.environ[name] = str(_lower(value, share))
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _lower(value: str | None, share: int) -> int:
    if value is None or not value.isdecimal() or int(value) < 1:
        return share
    return min(int(value), share)
