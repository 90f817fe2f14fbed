import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.executors.test_processes import is_alive, seconds_until_gone, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def command(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.executors.parent", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(("task", "processes"), [("hang", 2), ("fork_and_hang", 4)])
def test_no_worker_outlives_a_parent_that_is_killed(
    task: str, processes: int, tmp_path: Path
) -> None:
    with command(task, str(tmp_path)) as parent:
        pids = wait_for(tmp_path, processes)
        parent.kill()
    assert seconds_until_gone(pids) < 5


def test_an_interrupt_ends_a_parent_and_its_hanging_workers(tmp_path: Path) -> None:
    with command("hang", str(tmp_path)) as parent:
        pids = wait_for(tmp_path, 2)
        assert all(is_alive(pid) for pid in pids)
        began = time.monotonic()
        parent.send_signal(signal.SIGINT)
        _, told = parent.communicate(timeout=5)
        assert time.monotonic() - began < 5
    assert parent.returncode != 0
    assert told.decode().rstrip().endswith("KeyboardInterrupt")
    assert not any(is_alive(pid) for pid in pids)


def test_what_tasks_print_stays_out_of_standard_output() -> None:
    with command("print_garbage", "") as parent:
        output, told = parent.communicate(timeout=20)
    assert parent.returncode == 0
    assert output == b'"done"\n'
    assert told.count(b"garbage") >= 3
