"""Executors of experiments: in this process, or in worker processes."""

from collections.abc import Callable
from typing import Any

from reeltune.executors.batches import Batches
from reeltune.executors.cores import physical_cores
from reeltune.executors.executor import Executor, R, Run, Start, T, TaskOutcome
from reeltune.executors.inline import Inline

EXECUTORS: dict[str, Callable[[Start[Any, Any], int], Executor[Any, Any]]] = {
    "inline": lambda start, _jobs: Inline(start),
    "processes": lambda start, jobs: _processes(start, jobs),
}
"""By name, what makes an executor of `start` and the number of jobs."""

__all__ = [
    "EXECUTORS",
    "Batches",
    "Executor",
    "Inline",
    "Run",
    "Start",
    "TaskOutcome",
    "make_executor",
    "physical_cores",
]


def make_executor(
    jobs: int,
    start: Start[T, R],
    *,
    timeout_seconds: float | None = None,
    memory_bytes: int | None = None,
    is_stopped: bool = False,
) -> Executor[T, R]:
    """Return the executor for `jobs` tasks at once, to be used in a `with` block.

    One job without limits runs in this process; limits need a process that can be ended, and so
    does a run that is: a task may catch what would stop it here.

    Args:
        jobs: tasks that run at once, 1 or more; `physical_cores()` is a good number.
        start: called once per worker, gives what a worker does with a task.
        timeout_seconds: a task that runs longer is stopped and has failed.
        memory_bytes: what a task may allocate beyond what its worker holds already.
        is_stopped: whether a time limit ends the run in the middle of a task.

    Raises ValueError for jobs or limits out of range.
    """
    if jobs == 1 and timeout_seconds is None and memory_bytes is None and not is_stopped:
        return Inline(start)
    return _processes(start, jobs, timeout_seconds, memory_bytes)


def _processes(
    start: Start[T, R],
    jobs: int,
    timeout_seconds: float | None = None,
    memory_bytes: int | None = None,
) -> Executor[T, R]:
    # Here: what starts processes is imported by those commands only that run experiments.
    from reeltune.executors.processes import Processes

    return Processes(start, jobs, timeout_seconds=timeout_seconds, memory_bytes=memory_bytes)
