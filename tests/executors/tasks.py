"""What the tests let workers do: a task names a function of this module and its argument."""

import ctypes
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reeltune.domain.arrays import Floats

Task = tuple[str, Any]
_data: Floats = np.zeros(0)


def start(data: Floats) -> Callable[[Task], Any]:
    global _data
    _data = data
    return run


def start_badly() -> Callable[[Task], Any]:
    raise OSError("the disk\nis gone")


def start_by_dying() -> Callable[[Task], Any]:
    os._exit(5)


def start_by_hanging() -> Callable[[Task], Any]:
    time.sleep(1000)
    raise AssertionError


def run(task: Task) -> Any:
    name, argument = task
    function: Callable[[Any], Any] = globals()[name]
    return function(argument)


def square(x: float) -> float:
    return x * x


def total(_: object) -> float:
    return float(_data.sum())


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def recurse(x: int) -> int:
    return recurse(x + 1) + 1


def fail(message: str) -> None:
    raise ValueError(message)


def leave(code: int) -> None:
    sys.exit(code)


def raise_something_unpicklable(_: object) -> None:
    class HomelessError(Exception):
        pass

    raise HomelessError(threading.Lock())


def give_something_unpicklable(_: object) -> object:
    return threading.Lock()


class Poison:
    def __reduce__(self) -> tuple[Any, ...]:
        return fail, ("poison",)


def give_something_unreadable(_: object) -> object:
    return Poison()


def raise_unprintable(_: object) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    raise MuteError


def pid(_: object) -> int:
    return os.getpid()


def exit_at_once(code: int) -> None:
    os._exit(code)


def kill_self(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(1000)


def segfault(_: object) -> None:
    ctypes.string_at(0)


def give_bytes(size: int) -> bytes:
    return bytes(size)


def hang(directory: str | None) -> None:
    """Never ends, and never lets another thread of this process run."""
    if directory is not None:
        (Path(directory) / str(os.getpid())).touch()
    ctypes.PyDLL(None).sleep(1000)


def fork_and_hang(directory: str) -> None:
    if os.fork() == 0:
        hang(directory)
    hang(directory)


def run_a_program_and_hang(directory: str) -> None:
    program = subprocess.Popen(["sleep", "1000"])
    (Path(directory) / str(program.pid)).touch()
    hang(directory)


def fork_and_go_on(_: object) -> int:
    return os.fork()


def eat_memory(_: object) -> None:
    eaten = []
    while True:
        eaten.append(np.ones(1 << 22))


def print_garbage(_: object) -> None:
    print("\x1b[2J garbage")
    os.write(1, b"\xff\x00 garbage")
    os.system("echo garbage")


def ignore_interrupts(_: object) -> bool:
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return True


def thread_counts(_: object) -> set[int]:
    import numba
    import threadpoolctl

    np.ones((2, 2)) @ np.ones((2, 2))
    counts = {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    return counts | {numba.get_num_threads()}


def mapping(_: object) -> tuple[bool, str, int, str]:
    """Whether the data can be written to; permissions, inode and path of the memory it is in."""
    address = _data.__array_interface__["data"][0]
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, permissions, _offset, _device, inode, *path = line.split(maxsplit=5)
        low, high = (int(end, 16) for end in span.split("-"))
        if low <= address and address + _data.nbytes <= high + mmap.PAGESIZE:
            return _data.flags.writeable, permissions, int(inode), "".join(path)
    raise LookupError(address)
