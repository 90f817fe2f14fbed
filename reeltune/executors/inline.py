"""Executor that runs tasks in this process, one at a time, when outcomes are requested."""

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self

from reeltune.domain.errors import InterruptedRunError
from reeltune.executors.executor import R, Start, T, TaskOutcome, error_text


class Inline(Generic[T, R]):
    """Executor without workers: `finished` runs the task submitted first.

    KeyboardInterrupt and InterruptedRunError go through it; all else that a task raises is the
    task's failure.
    """

    capacity = 1

    def __init__(self, start: Start[T, R]) -> None:
        self._start = start
        self._run: Callable[[T], R] | None = None
        self._waiting: deque[tuple[int, T]] = deque()

    def submit(self, number: int, task: T) -> None:
        """Submit a task; ValueError if `number` is still under way."""
        if any(number == other for other, _ in self._waiting):
            raise ValueError(f"task {number} is already under way")
        self._waiting.append((number, task))

    def finished(self) -> list[TaskOutcome[R]]:
        """Run the next task and return its outcome; RuntimeError if none is submitted."""
        if not self._waiting:
            raise RuntimeError("no task is under way: submit one first")
        number, task = self._waiting.popleft()
        began = time.monotonic()
        try:
            run = self._started()
            began = time.monotonic()
            return [TaskOutcome(number, run(task), None, time.monotonic() - began)]
        except InterruptedRunError:  # a signal handler of ours spoke, not the task
            raise
        except (Exception, SystemExit) as error:
            return [TaskOutcome(number, None, error_text(error), time.monotonic() - began)]

    def _started(self) -> Callable[[T], R]:
        if self._run is None:
            self._run = self._start()
        return self._run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._waiting.clear()
        self._run = None
