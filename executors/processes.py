"""Runs tasks in worker processes that may die, hang or eat memory without harm to the rest."""

import math
import multiprocessing
import os
import signal
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Generic, Self

from executors.environment import thread_limits
from executors.executor import Outcome, R, Start, T, one_line
from executors.sharing import Shared
from executors.worker import Report, work

STARTING_SECONDS = 120.0  # what a worker may take to start, beyond a task's own limit
_HEARTBEAT_SECONDS = 1.0
_ENDING_SECONDS = 5.0


@dataclass(eq=False)
class _Worker(Generic[T]):
    process: SpawnProcess
    connection: Connection
    number: int | None  # of the task it has
    task: T | None
    since: float  # monotonic seconds: when the task began, or the worker's start
    starting: bool = True


class Processes(Generic[T, R]):
    """An executor with up to `jobs` spawned workers, each behind a pipe of its own.

    Workers start when tasks come, are replaced when they die, and are killed with all they have
    started when the `with` block is left, or when the thread that submits ends.
    """

    def __init__(
        self,
        start: Start[T, R],
        jobs: int,
        *,
        timeout_seconds: float | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        _check_limits(jobs, timeout_seconds, memory_bytes)
        self.capacity = jobs
        self._start = start
        self._timeout_seconds = math.inf if timeout_seconds is None else timeout_seconds
        self._memory_bytes = memory_bytes
        self._shared: Shared | None = None
        self._waiting: deque[tuple[int, T]] = deque()
        self._workers: list[_Worker[T]] = []
        self._done: list[Outcome[R]] = []

    def submit(self, number: int, task: T) -> None:
        """Hand in a task; ValueError if `number` is still under way."""
        if self._shared is None:
            raise RuntimeError("workers live in a with block: enter it first")
        if number in self._under_way():
            raise ValueError(f"task {number} is already under way")
        self._waiting.append((number, task))
        self._dispatch()

    def finished(self) -> list[Outcome[R]]:
        """Wait until a task is done, then give all that are, each once.

        Raises RuntimeError if none is under way.
        """
        if not self._under_way():
            raise RuntimeError("no task is under way: submit one first")
        while not self._done:
            self._attend()
            self._dispatch()
        done, self._done = self._done, []
        return done

    def _under_way(self) -> set[int]:
        running = {worker.number for worker in self._workers if worker.number is not None}
        waiting = {number for number, _ in self._waiting}
        return running | waiting | {outcome.number for outcome in self._done}

    def _dispatch(self) -> None:
        """Give waiting tasks to idle workers and to new ones."""
        while self._waiting:
            idle = [worker for worker in self._workers if worker.number is None]
            if not idle and len(self._workers) == self.capacity:
                return
            number, task = self._waiting.popleft()
            if idle:
                idle[0].number, idle[0].task = number, task
                self._send(idle[0])
            else:
                self._launch(number, task)

    def _launch(self, number: int, task: T) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._shared, os.getpid(), self._memory_bytes)
        process = context.Process(target=work, args=arguments, name="reeltune-worker", daemon=True)
        worker = _Worker(process, ours, number, task, time.monotonic())
        self._workers.append(worker)
        try:
            with thread_limits(self.capacity), theirs:
                process.start()
        except OSError as error:
            self._fail(worker, f"a worker process cannot be made: {one_line(error)}")
            self._end(worker)

    def _send(self, worker: _Worker[T]) -> None:
        """Give a worker that waits its task; one that died while waiting is replaced."""
        assert worker.number is not None
        worker.since, worker.starting = time.monotonic(), False
        try:
            worker.connection.send(worker.task)
        except OSError:
            self._waiting.appendleft((worker.number, worker.task))  # type: ignore[arg-type]
            self._end(worker)
        except Exception as error:
            self._fail(worker, f"the task cannot be sent: {one_line(error)}")

    def _attend(self) -> None:
        """Wait for news from any worker, or for a time limit, and act on it."""
        left = min((self._seconds_left(worker) for worker in self._workers), default=0.0)
        pause = min(max(left, 0.0), _HEARTBEAT_SECONDS)
        ready = wait([worker.connection for worker in self._workers], pause)
        for worker in list(self._workers):
            if worker.connection in ready:
                self._receive(worker)
            elif _is_dead(worker.process):
                self._bury(worker)
            elif self._seconds_left(worker) <= 0:
                what = "starting a worker" if worker.starting else "it"
                limit = self._timeout_seconds + STARTING_SECONDS * worker.starting
                self._fail(worker, f"{what} took longer than {limit:g} s and was stopped")
                self._end(worker)

    def _seconds_left(self, worker: _Worker[T]) -> float:
        if worker.number is None:
            return math.inf
        limit = self._timeout_seconds + STARTING_SECONDS * worker.starting
        return worker.since + limit - time.monotonic()

    def _receive(self, worker: _Worker[T]) -> None:
        try:
            report: Report | None = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker)
            return
        except Exception as error:
            self._fail(worker, f"the result cannot be read: {one_line(error)}")
            return
        if report is None:
            self._send(worker)
            return
        self._settle(worker, report)

    def _settle(self, worker: _Worker[T], report: Report) -> None:
        if worker.number is not None:
            self._done.append(Outcome(worker.number, report.result, report.error, report.seconds))
        worker.number = worker.task = None
        if report.leaving:
            self._end(worker)

    def _fail(self, worker: _Worker[T], error: str) -> None:
        self._settle(worker, Report(None, error, time.monotonic() - worker.since))

    def _bury(self, worker: _Worker[T]) -> None:
        """Remove a worker that ended by itself; its task, if it had one, has failed."""
        wait([worker.process.sentinel], _HEARTBEAT_SECONDS)
        seconds = time.monotonic() - worker.since
        self._end(worker)
        if worker.number is not None:
            error = f"worker process died ({_manner(worker.process.exitcode)})"
            self._settle(worker, Report(None, error, seconds))

    def _end(self, worker: _Worker[T]) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
        _kill(worker.process)
        worker.connection.close()
        if worker.process.pid is not None:
            worker.process.join(_ENDING_SECONDS)

    def __enter__(self) -> Self:
        self._shared = Shared(self._start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            _kill(worker.process)
        for worker in list(self._workers):
            self._end(worker)
        self._waiting.clear()
        self._done.clear()
        if self._shared is not None:
            self._shared.close()
            self._shared = None


def _kill(process: SpawnProcess) -> None:
    """End a process and all of its group; without effect on one that was never started."""
    if process.pid is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()


def _is_dead(process: SpawnProcess) -> bool:
    """Whether it ended; leaves it unreaped, so that its process group's number stays taken."""
    if process.pid is None:
        return True
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    try:
        return os.waitid(os.P_PID, process.pid, options) is not None
    except ChildProcessError:
        return True


def _manner(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    return signal.Signals(-exitcode).name


def _check_limits(jobs: int, timeout_seconds: float | None, memory_bytes: int | None) -> None:
    if jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}")
    if timeout_seconds is not None and not timeout_seconds > 0:
        raise ValueError(f"timeout_seconds must be above 0, got {timeout_seconds}")
    if memory_bytes is not None and memory_bytes < 1:
        raise ValueError(f"memory_bytes must be 1 or more, got {memory_bytes}")
