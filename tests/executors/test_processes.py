import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reeltune.executors import TaskOutcome, physical_cores, processes
from reeltune.executors.processes import Processes
from reeltune.executors.signals import HELD, held_signals
from tests.executors.tasks import (
    Task,
    start,
    start_by_dying,
    start_by_hanging,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")

DATA = np.arange(1_000_000.0)
JOBS = 2
TIMEOUT_SECONDS = 6.0  # ample for all but the task that hangs, on a busy machine too
MEMORY_BYTES = 600_000_000


@pytest.fixture(scope="module")
def pool() -> Iterator[Processes[Task, Any]]:
    limits = {"timeout_seconds": TIMEOUT_SECONDS, "memory_bytes": MEMORY_BYTES}
    with Processes(partial(start, DATA), JOBS, **limits) as made:  # type: ignore[arg-type]
        yield made


def finish(pool: Processes[Task, Any], *tasks: Task) -> list[TaskOutcome[Any]]:
    """What became of `tasks`, in the order of their numbers."""
    for number, task in enumerate(tasks):
        pool.submit(number, task)
    done: list[TaskOutcome[Any]] = []
    while len(done) < len(tasks):
        done += pool.finished()
    return sorted(done, key=lambda outcome: outcome.number)


def results(pool: Processes[Task, Any], *tasks: Task) -> list[Any]:
    return [outcome.result for outcome in finish(pool, *tasks)]


def workers(pool: Processes[Task, Any]) -> list[int]:
    """Process ids of all workers, all of them waiting for a task."""
    finish(pool, *[("nap", 0.05)] * JOBS)
    return results(pool, *[("pid", None)] * JOBS)


def wait_for(directory: Path, count: int) -> list[int]:
    """The process ids that `count` processes leave as file names in `directory`."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if len(found := list(directory.iterdir())) >= count:
            return [int(path.name) for path in found]
        time.sleep(0.02)
    raise TimeoutError(f"{count} processes expected in {directory}")


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def seconds_until_gone(pids: list[int], limit: float = 10.0) -> float:
    began = time.monotonic()
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() - began < limit, "processes are left"
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("task", "error"),
    [
        (("exit_at_once", 0), "worker process died (exit code 0)"),
        (("exit_at_once", 3), "worker process died (exit code 3)"),
        (("kill_self", signal.SIGKILL), "worker process died (SIGKILL)"),
        (("kill_self", 40), "worker process died (signal 40)"),
        (("segfault", None), "worker process died (SIGSEGV)"),
        (("hang", None), "took longer than 6 s and was stopped"),
        (("eat_memory", None), "MemoryError: Unable to allocate"),
        (("give_something_unpicklable", None), "the result cannot be sent: TypeError: cannot"),
        (("give_something_unreadable", None), "the result cannot be read: ValueError: poison"),
    ],
)
def test_a_fault_fails_its_task_alone(pool: Processes[Task, Any], task: Task, error: str) -> None:
    before, fault, *after = finish(pool, ("square", 1), task, ("square", 2), ("square", 3))
    assert [outcome.result for outcome in (before, *after)] == [1, 4, 9]
    assert fault.result is None
    assert str(fault.error).startswith(error)
    assert fault.seconds < TIMEOUT_SECONDS + 2


def test_a_task_that_cannot_be_sent_fails_alone(pool: Processes[Task, Any]) -> None:
    bad, good = finish(pool, ("square", lambda: None), ("square", 2))
    assert str(bad.error).startswith("the task cannot be sent")
    assert good.result == 4


def test_a_worker_killed_while_it_waits_costs_no_task(pool: Processes[Task, Any]) -> None:
    for pid in workers(pool):
        os.kill(pid, signal.SIGKILL)
    assert results(pool, ("square", 1), ("square", 2)) == [1, 4]


def test_workers_killed_at_random_lose_only_what_they_were_doing(
    pool: Processes[Task, Any],
) -> None:
    chance = np.random.default_rng(1)
    for _ in range(10):
        victim = workers(pool)[0]
        pool.submit(0, ("give_bytes", 100_000_000))  # long enough to be hit while it is sent
        pool.submit(1, ("square", 5))
        time.sleep(chance.uniform(0, 0.08))
        os.kill(victim, signal.SIGKILL)
        done = pool.finished()
        while len(done) < 2:
            done += pool.finished()
        kept = {outcome.number: outcome for outcome in done}
        assert kept[1].result == 25
        assert kept[0].error in (None, "worker process died (SIGKILL)")


def test_a_copy_that_a_task_forks_reports_nothing(pool: Processes[Task, Any]) -> None:
    assert all(child > 0 for child in results(pool, *[("fork_and_go_on", None)] * 2))
    assert results(pool, ("square", 1), ("square", 2)) == [1, 4]


@pytest.mark.parametrize("task", ["fork_and_hang", "run_a_program_and_hang"])
def test_what_a_task_started_ends_with_it(
    pool: Processes[Task, Any], tmp_path: Path, task: str
) -> None:
    pool.submit(0, (task, str(tmp_path)))
    pids = wait_for(tmp_path, 2)
    [outcome] = pool.finished()
    assert "took longer" in str(outcome.error)
    seconds_until_gone(pids)


def test_workers_leave_interrupts_to_their_parent(pool: Processes[Task, Any]) -> None:
    [outcome] = finish(pool, ("ignore_interrupts", None))
    assert outcome.result is True


def test_threads_of_all_workers_together_fit_the_cores() -> None:
    share = max(1, physical_cores() // JOBS)
    with Processes(partial(start, DATA), JOBS) as pool:
        [outcome] = finish(pool, ("thread_counts", None))
    assert outcome.result == {share}


def test_data_is_mapped_from_one_file_that_nobody_can_write(
    pool: Processes[Task, Any],
) -> None:
    first, second = workers(pool)
    assert first != second
    here, there = results(pool, *[("mapping", None)] * 2)
    assert here == there
    writeable, permissions, inode, path = here
    assert not writeable
    assert permissions == "r--s"
    assert inode != 0
    assert "(deleted)" in path


def test_a_worker_that_dies_while_it_starts_fails_each_task() -> None:
    with Processes(start_by_dying, JOBS) as pool:
        found = finish(pool, *[("square", 1)] * 3)
    assert {outcome.error for outcome in found} == {"worker process died (exit code 5)"}


def test_a_start_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STARTING_SECONDS", 1.0)
    with Processes(start_by_hanging, 1, timeout_seconds=0.5) as pool:
        [outcome] = finish(pool, ("square", 1))
    assert outcome.error == "starting a worker took longer than 1.5 s and was stopped"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, None])
def test_leaving_the_block_ends_hanging_workers(
    error: type[BaseException] | None, tmp_path: Path
) -> None:
    try:
        with Processes(partial(start, DATA), JOBS) as pool:
            for number in range(JOBS + 1):
                pool.submit(number, ("hang", str(tmp_path)))
            pids = wait_for(tmp_path, JOBS)
            began = time.monotonic()
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt, SystemExit):
        pass
    assert not any(is_alive(pid) for pid in pids)
    assert time.monotonic() - began < 2


def test_outside_its_block_it_takes_no_task() -> None:
    pool = Processes(partial(start, DATA), JOBS)
    with pytest.raises(RuntimeError, match="enter it first"):
        pool.submit(0, ("square", 1))
    with pool:
        pass
    with pytest.raises(RuntimeError, match="enter it first"):
        pool.submit(0, ("square", 1))


def test_a_signal_while_a_worker_is_made_waits_until_it_is() -> None:
    order: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: order.append("heard"))
    try:
        with held_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
            order.append("made")
        assert order == ["made", "heard"]
        assert not set(HELD) & signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.signal(signal.SIGTERM, before)
