"""Executor protocol: numbered tasks are submitted, one outcome for each is returned."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

T = TypeVar("T")
R = TypeVar("R")
T_contra = TypeVar("T_contra", contravariant=True)

Run = Callable[[T], R]
"""What a worker does with one task."""
Start = Callable[[], Callable[[T], R]]
"""Called once in each worker before its first task: loads what all tasks need, returns the `Run`.

To go to another process it must be picklable: a `functools.partial` of a function of a module, say.
Arrays it holds are read-only there.
"""

ERROR_LENGTH = 300  # characters


@dataclass(frozen=True, slots=True)
class TaskOutcome(Generic[R]):
    """Outcome of the task submitted as `number`.

    `error` is None if `result` counts, else one printable line of at most 300 characters.
    `seconds` is how long the task ran, without the time it waited or its worker started.
    `worker_died` says that the task's process ended by itself, which another try may not meet with.
    """

    number: int
    result: R | None
    error: str | None
    seconds: float
    worker_died: bool = False


class Executor(Protocol[T_contra, R]):
    """Runs tasks, `capacity` of them at once; a failed task does not affect the others.

    To be used in a `with` block: leaving it, in whatever way, ends what still runs.
    """

    @property
    def capacity(self) -> int:
        """Number of tasks that can run at once; more may be submitted, and wait."""

    def submit(self, number: int, task: T_contra) -> None:
        """Submit a task; ValueError if `number` is still under way."""

    def finished(self) -> list[TaskOutcome[R]]:
        """Wait until a task is done; return the outcomes of all that are, each once.

        Raises RuntimeError if none is under way.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def error_text(error: BaseException) -> str:
    """Return type and message of `error` as one printable line of at most 300 characters.

    >>> error_text(ValueError("no\\nsuch\\x1b[2J thing"))
    'ValueError: no such [2J thing'
    >>> error_text(MemoryError())
    'MemoryError'
    """
    try:
        message = str(error)[: 4 * ERROR_LENGTH]
    except Exception:
        message = "(its message cannot be made)"
    text = f"{type(error).__name__}: {message}"
    words = "".join(c if c.isprintable() else " " for c in text).split()
    line = " ".join(words).removesuffix(":")
    return line if len(line) <= ERROR_LENGTH else line[: ERROR_LENGTH - 1] + "…"
