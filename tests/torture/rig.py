"""Runs a workload behind the shim: python -m tests.torture.rig WORKLOAD DIR SEED FAULT=N...

Prints a JSON object per fault: how often it was tried, among how many changes, and what was wrong.
To be run with the shim preloaded. Each trial is a fork of this process, which has all imported.
"""

import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reeltune.domain.errors import ReelTuneError
from tests.torture import shim
from tests.torture.powercut import HOW, Disk, acknowledgement, put, read_log
from tests.torture.workload import Workload
from tests.torture.workloads import WORKLOADS

ENDED, REFUSED, CRASHED = 0, 1, 70


@dataclass
class Report:
    """What came of all trials."""

    fault: str
    workload: str
    changes: int = 0  # calls that change a file, in one unbroken run
    tried: int = 0
    struck: int = 0  # trials in which the fault came before the end
    wrong: list[str] = field(default_factory=list)

    def add(self, what: str, found: list[str]) -> None:
        """Count a trial."""
        self.tried += 1
        self.wrong += [f"{what}: {text}" for text in found]


@dataclass(frozen=True)
class Strike:
    """One way for the disk to fail."""

    mode: int
    error: int = 0
    always: bool = False


STRIKES = {
    "kill": Strike(shim.KILL),
    "tear": Strike(shim.TEAR),
    "full once": Strike(shim.FAIL, shim.ERRORS["ENOSPC"]),
    "full for ever": Strike(shim.FAIL, shim.ERRORS["ENOSPC"], always=True),
    "I/O error once": Strike(shim.FAIL, shim.ERRORS["EIO"]),
    "I/O error for ever": Strike(shim.FAIL, shim.ERRORS["EIO"], always=True),
}


def strike(fault: str, workload: Workload, n: int, dice: random.Random) -> Report:
    """Strike at `n` changes, spread over the work; at all of them and more than once if need be."""
    how, report = STRIKES[fault], Report(fault, type(workload).__name__.lower())
    directory = workload.copy("counted")
    report.changes = shim.count(directory, lambda: workload.work(directory, lambda _: None))
    assert workload.unbroken == workload.outcome(directory)
    for number in _spread(report.changes, n, dice):
        directory = workload.copy("struck")
        code, acknowledged, said = _in_child(workload, directory, how, number)
        killed = code == -signal.SIGKILL
        report.struck += killed or code == REFUSED
        found = [] if killed or code in (ENDED, REFUSED) else [f"ended with {code}: {said}"]
        if code == ENDED and how.mode in (shim.KILL, shim.TEAR):
            found = []  # fewer changes this time: the end came before the fault
        report.add(f"change {number}", found + _looked_at(workload, directory, acknowledged))
    return report


def kill_at_random(workload: Workload, n: int, dice: random.Random) -> Report:
    """Kill `n` processes, each at a moment that nothing in the work knows of."""
    report = Report("kill at random", type(workload).__name__.lower())
    directory = workload.copy("struck")
    began = time.perf_counter()
    assert _in_child(workload, directory, Strike(shim.OFF), 0)[0] == ENDED
    longest = 1.2 * (time.perf_counter() - began)
    for _ in range(n):
        directory, seconds = workload.copy("struck"), dice.uniform(0, longest)
        code, acknowledged, said = _in_child(workload, directory, Strike(shim.OFF), 0, seconds)
        report.struck += code == -signal.SIGKILL
        found = [] if code in (ENDED, -signal.SIGKILL) else [f"ended with {code}: {said}"]
        report.add(f"after {seconds:.4f} s", found + _looked_at(workload, directory, acknowledged))
    return report


def cut_power(workload: Workload, n: int, dice: random.Random) -> Report:
    """Cut the power `n` times, at moments spread over the work."""
    report = Report("power cut", type(workload).__name__.lower())
    directory, log = workload.copy("struck"), workload.scratch / "log"
    pid = os.fork()
    if pid == 0:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        shim.arm(shim.RECORD, directory, log=file)
        workload.work(directory, lambda text: _write(file, acknowledgement(text)))
        os._exit(ENDED)
    assert os.waitpid(pid, 0)[1] == 0
    changes = list(read_log(log))
    report.changes = len(changes)
    for number in _spread(len(changes), n, dice):
        left = workload.scratch / "left"
        disk = Disk.of(workload.base, directory)
        for change in changes[:number]:
            disk.apply(change)
        how = HOW[report.tried % len(HOW)]
        shutil.rmtree(left, ignore_errors=True)
        put(disk.cut(how, dice), directory, left)
        acknowledged = [c.path for c in changes[:number] if c.kind == "a"]
        report.struck += 1
        report.add(f"cut at {number}, {how}", _looked_at(workload, left, acknowledged))
    return report


def _spread(changes: int, n: int, dice: random.Random) -> Iterator[int]:
    """`n` numbers from 1 to `changes`: each once before any comes twice."""
    while n > 0:
        numbers = dice.sample(range(1, changes + 1), min(n, changes))
        yield from sorted(numbers)
        n -= len(numbers)


def _in_child(
    workload: Workload, directory: Path, how: Strike, number: int, seconds: float | None = None
) -> tuple[int, list[str], str]:
    """Work in a process of its own, struck at `number`, or killed after `seconds`.

    Its exit code, what it was told is done, and its error.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        shim.arm(how.mode, directory, number, error=how.error, always=how.always)
        try:
            workload.work(directory, lambda text: _write(writer, f"a{text}\n".encode()))
        except ReelTuneError as error:
            _write(writer, f"e{' '.join(str(error).splitlines())}\n".encode())
            os._exit(REFUSED if "\n" not in str(error) else CRASHED)
        except BaseException:
            _write(writer, f"e{traceback.format_exc()[-600:]!r}\n".encode())
            os._exit(CRASHED)
        os._exit(ENDED)
    os.close(writer)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)  # without effect on one that has ended
    with os.fdopen(reader) as pipe:
        said = pipe.read().splitlines()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    acknowledged = [line[1:] for line in said if line.startswith("a")]
    return code, acknowledged, " ".join(line[1:] for line in said if line.startswith("e"))


def _looked_at(workload: Workload, directory: Path, acknowledged: list[str]) -> list[str]:
    try:
        return workload.faults(directory, acknowledged)
    except Exception:
        return [f"looking at it failed: {traceback.format_exc()[-900:]}"]


def _write(descriptor: int, data: bytes) -> None:
    os.write(descriptor, data)


def main() -> None:
    """Read the orders from the command line, print a report for each."""
    name, scratch, seed, *orders = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    dice = random.Random(int(seed))
    workload = WORKLOADS[name](Path(scratch).resolve() / name)
    for order in orders:
        fault, n = order.split("=")
        if fault == "power cut":
            report = cut_power(workload, int(n), dice)
        elif fault == "kill at random":
            report = kill_at_random(workload, int(n), dice)
        else:
            report = strike(fault, workload, int(n), dice)
        print(json.dumps(vars(report)), flush=True)


if __name__ == "__main__":
    main()
