"""Executor that runs many tasks at a time in this process, where that is faster."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Generic, Self

from reeltune.domain.errors import InterruptedRunError
from reeltune.executors.executor import R, T, TaskOutcome, error_text

FIRST_SIZE = 4  # tasks in the first batch, whose duration is unknown
MAX_SIZE = 64
SHORT_SECONDS, LONG_SECONDS = (
    0.5,
    2.0,
)  # seconds: batches grow below and shrink above


class Batches(Generic[T, R]):
    """Executor without workers: `finished` runs the tasks submitted first, as one batch.

    After a short batch the next is twice as large, after a long one half. If a batch fails, its
    tasks are run one by one, so that each fails alone, and so is the next. KeyboardInterrupt and
    InterruptedRunError go through it.
    """

    def __init__(self, run: Callable[[Sequence[T]], list[R]]) -> None:
        self._run = run
        self._size = FIRST_SIZE
        self._waiting: deque[tuple[int, T]] = deque()

    @property
    def capacity(self) -> int:
        """Number of tasks that the next batch takes; more may be submitted, and wait."""
        return self._size

    def submit(self, number: int, task: T) -> None:
        """Submit a task; ValueError if `number` is still under way."""
        if any(number == other for other, _ in self._waiting):
            raise ValueError(f"task {number} is already under way")
        self._waiting.append((number, task))

    def finished(self) -> list[TaskOutcome[R]]:
        """Run the next batch and return its outcomes; RuntimeError if nothing is submitted."""
        if not self._waiting:
            raise RuntimeError("no task is under way: submit one first")
        batch = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
        began = time.monotonic()
        try:
            results = self._run([task for _, task in batch])
        except InterruptedRunError:  # a signal handler of ours spoke, not the task
            raise
        except (Exception, SystemExit) as error:
            outcomes = self._one_by_one(batch, error, time.monotonic() - began)
        else:
            seconds = (time.monotonic() - began) / len(batch)
            outcomes = [
                TaskOutcome(number, result, None, seconds)
                for (number, _), result in zip(batch, results, strict=True)
            ]
        self._adapt(time.monotonic() - began, outcomes)
        return outcomes

    def _adapt(self, seconds: float, outcomes: Sequence[TaskOutcome[R]]) -> None:
        if any(outcome.error is not None for outcome in outcomes):
            self._size = 1
        elif seconds < SHORT_SECONDS:
            self._size = min(MAX_SIZE, 2 * self._size)
        elif seconds > LONG_SECONDS:
            self._size = max(1, self._size // 2)

    def _one_by_one(
        self, batch: Sequence[tuple[int, T]], error: BaseException, seconds: float
    ) -> list[TaskOutcome[R]]:
        """Run the tasks of a batch that failed with `error`, so that each fails alone."""
        if len(batch) == 1:
            return [TaskOutcome(batch[0][0], None, error_text(error), seconds)]
        return [self._alone(number, task) for number, task in batch]

    def _alone(self, number: int, task: T) -> TaskOutcome[R]:
        began = time.monotonic()
        try:
            (result,) = self._run([task])
        except InterruptedRunError:
            raise
        except (Exception, SystemExit) as error:
            return TaskOutcome(number, None, error_text(error), time.monotonic() - began)
        return TaskOutcome(number, result, None, time.monotonic() - began)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._waiting.clear()
