"""Worker process: receives tasks, runs them, reports."""

import contextlib
import ctypes
import os
import pickle
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from reeltune.executors.executor import error_text
from reeltune.executors.sharing import Mapped
from reeltune.executors.signals import ignore_held

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Report:
    """Message of a worker when a task is over; None, sent before, says that it has begun."""

    result: Any
    error: str | None
    seconds: float
    leaving: bool = False  # the worker ends itself after this


def run_tasks(
    connection: Connection, start: Mapped, task: bytes, parent: int, memory_bytes: int | None
) -> None:
    """Run `task`, then those received through `connection` until it is closed, all pickled.

    What tasks print goes to standard error: standard output belongs to the parent's command.
    """
    _set_up(parent)
    began = time.monotonic()
    try:
        run: Callable[[Any], Any] = start.load()()
        _limit_memory(memory_bytes)
    except BaseException as error:
        text = f"a worker could not start: {error_text(error)}"
        connection.send(Report(None, text, time.monotonic() - began, leaving=True))
        return
    with contextlib.suppress(EOFError):
        while _serve(connection, run, task):
            task = connection.recv_bytes()


def _serve(connection: Connection, run: Callable[[Any], Any], task: bytes) -> bool:
    """Run one task and report; return False if the worker should end, being out of memory."""
    process = os.getpid()
    connection.send(None)
    report = _attempt(run, task)
    if os.getpid() != process:  # the task forked, and this is the copy
        os._exit(0)
    try:
        connection.send(report)
    except OSError:
        raise
    except BaseException as error:
        text = f"the result cannot be sent: {error_text(error)}"
        connection.send(Report(None, text, report.seconds))
    return not report.leaving


def _attempt(run: Callable[[Any], Any], task: bytes) -> Report:
    began = time.monotonic()
    try:
        result = run(pickle.loads(task))  # noqa: S301 our own parent wrote it
    except BaseException as error:
        spent = isinstance(error, MemoryError)
        return Report(None, error_text(error), time.monotonic() - began, leaving=spent)
    return Report(result, None, time.monotonic() - began)


def _set_up(parent: int) -> None:
    """Set up this process so that it neither outlives nor disturbs its parent."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)  # a group of its own, so that what tasks start can be ended with it
    ignore_held()  # the parent hears them, and decides
    _redirect_output()
    _die_with(parent)
    os.register_at_fork(after_in_child=_ask_kernel_to_kill_orphan)
    with contextlib.suppress(OSError):  # let the kernel end an experiment, not the run
        Path("/proc/self/oom_score_adj").write_text("500")


def _redirect_output() -> None:
    sys.stdout = sys.stderr
    try:
        os.dup2(2, 1)
    except OSError:  # no standard error either
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _die_with(parent: int) -> None:
    threading.Thread(target=_watch_parent, daemon=True).start()
    _ask_kernel_to_kill_orphan()
    if os.getppid() != parent:
        os._exit(1)


def _ask_kernel_to_kill_orphan() -> None:
    """Ask Linux to end this process with its parent, even if the watching thread never runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _watch_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def _limit_memory(memory_bytes: int | None) -> None:
    """Limit memory to what is in use now plus `memory_bytes`; mapped files do not count."""
    if memory_bytes is not None:
        limit = _data_bytes() + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _data_bytes() -> int:
    """Return the private writable memory of this process; 0 if the system does not report it."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    except OSError:
        return 0
