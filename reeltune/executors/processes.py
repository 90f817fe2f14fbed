"""Executor that runs tasks in worker processes, isolated from crashes, hangs and memory limits."""

import math
import multiprocessing
import os
import pickle
import time
from collections import deque
from multiprocessing.connection import wait
from types import TracebackType
from typing import Generic, Self

from reeltune.executors.environment import thread_limits
from reeltune.executors.executor import R, Start, T, TaskOutcome, error_text
from reeltune.executors.sharing import Shared
from reeltune.executors.signals import held_signals
from reeltune.executors.worker import Report, run_tasks
from reeltune.executors.worker_handle import Worker

STARTING_SECONDS = 120.0  # what a worker may take to start, beyond a task's own limit
_HEARTBEAT_SECONDS = 1.0


class Processes(Generic[T, R]):
    """Executor with up to `jobs` spawned workers, each with a pipe of its own.

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
        self._waiting: deque[tuple[int, bytes]] = deque()  # numbers and pickled tasks
        self._workers: list[Worker] = []
        self._done: list[TaskOutcome[R]] = []

    def submit(self, number: int, task: T) -> None:
        """Submit a task; ValueError if `number` is still under way."""
        if self._shared is None:
            raise RuntimeError("workers live in a with block: enter it first")
        if number in self._under_way():
            raise ValueError(f"task {number} is already under way")
        try:
            self._waiting.append((number, pickle.dumps(task)))
        except Exception as error:
            reason = f"the task cannot be sent: {error_text(error)}"
            self._done.append(TaskOutcome(number, None, reason, 0.0))
        self._dispatch()

    def finished(self) -> list[TaskOutcome[R]]:
        """Wait until a task is done; return the outcomes of all that are, each once.

        Raises RuntimeError if none is under way.
        """
        if not self._under_way():
            raise RuntimeError("no task is under way: submit one first")
        while not self._done:
            self._poll()
            self._dispatch()
        done, self._done = self._done, []
        return done

    def _under_way(self) -> set[int]:
        running = {worker.number for worker in self._workers if worker.number is not None}
        waiting = {number for number, _ in self._waiting}
        return running | waiting | {outcome.number for outcome in self._done}

    def _dispatch(self) -> None:
        """Send waiting tasks to idle workers and to new ones."""
        while self._waiting:
            idle = [worker for worker in self._workers if worker.number is None]
            if not idle and len(self._workers) == self.capacity:
                return
            number, task = self._waiting.popleft()
            if idle:
                self._send(idle[0], number, task)
            else:
                self._launch(number, task)

    def _launch(self, number: int, task: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._shared, task, os.getpid(), self._memory_bytes)
        process = context.Process(
            target=run_tasks, args=arguments, name="reeltune-worker", daemon=True
        )
        worker = Worker(process, ours, number, task, time.monotonic())
        self._workers.append(worker)
        try:
            with held_signals(), thread_limits(self.capacity), theirs:
                process.start()
        except OSError as error:
            self._fail(worker, f"a worker process cannot be made: {error_text(error)}")
            self._end(worker)

    def _send(self, worker: Worker, number: int, task: bytes) -> None:
        """Send a task to a worker that is idle, or has died meanwhile."""
        worker.number, worker.task = number, task
        worker.since, worker.begun = time.monotonic(), False
        try:
            worker.connection.send_bytes(task)
        except OSError:
            self._remove_dead(worker)

    def _poll(self) -> None:
        """Wait for a message from any worker, or for a time limit, and handle it."""
        left = min((self._seconds_left(worker) for worker in self._workers), default=0.0)
        pause = min(max(left, 0.0), _HEARTBEAT_SECONDS)
        ready = wait([worker.connection for worker in self._workers], pause)
        for worker in list(self._workers):
            if worker.connection in ready:
                self._receive(worker)
            elif worker.is_dead():
                self._remove_dead(worker)
            elif self._seconds_left(worker) <= 0:
                self._stop(worker)

    def _seconds_left(self, worker: Worker) -> float:
        if worker.number is None:
            return math.inf
        return worker.since + self._limit(worker) - time.monotonic()

    def _limit(self, worker: Worker) -> float:
        return self._timeout_seconds + (0.0 if worker.begun else STARTING_SECONDS)

    def _stop(self, worker: Worker) -> None:
        what = "took" if worker.begun else "starting a worker took"
        self._fail(worker, f"{what} longer than {self._limit(worker):g} s and was stopped")
        self._end(worker)

    def _receive(self, worker: Worker) -> None:
        try:
            report: Report | None = worker.connection.recv()
        except (EOFError, OSError):
            self._remove_dead(worker)
            return
        except Exception as error:
            self._fail(worker, f"the result cannot be read: {error_text(error)}")
            self._end(worker)  # what else comes from it cannot be trusted
            return
        if report is None:
            worker.since, worker.begun, worker.starting = time.monotonic(), True, False
        else:
            self._settle(worker, report)

    def _settle(self, worker: Worker, report: Report, *, died: bool = False) -> None:
        if worker.number is not None:
            outcome = TaskOutcome(worker.number, report.result, report.error, report.seconds, died)
            self._done.append(outcome)
        worker.number = None
        if report.leaving:
            self._end(worker)

    def _fail(self, worker: Worker, error: str, *, died: bool = False) -> None:
        self._settle(worker, Report(None, error, time.monotonic() - worker.since), died=died)

    def _remove_dead(self, worker: Worker) -> None:
        """Remove a worker that ended by itself; a task that it had not begun goes to another."""
        wait([worker.process.sentinel], _HEARTBEAT_SECONDS)
        self._end(worker)
        if worker.number is None:
            return
        if worker.begun or worker.starting:
            self._fail(worker, f"worker process died ({worker.exit_text()})", died=True)
        else:
            self._waiting.appendleft((worker.number, worker.task))

    def _end(self, worker: Worker) -> None:
        if worker in self._workers:
            self._workers.remove(worker)
        worker.end()

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
            worker.kill()
        for worker in list(self._workers):
            self._end(worker)
        self._waiting.clear()
        self._done.clear()
        if self._shared is not None:
            self._shared.close()
            self._shared = None


def _check_limits(jobs: int, timeout_seconds: float | None, memory_bytes: int | None) -> None:
    if jobs < 1:
        raise ValueError(f"jobs must be 1 or more, got {jobs}")
    if timeout_seconds is not None and not timeout_seconds > 0:
        raise ValueError(f"timeout_seconds must be above 0, got {timeout_seconds}")
    if memory_bytes is not None and memory_bytes < 1:
        raise ValueError(f"memory_bytes must be 1 or more, got {memory_bytes}")
