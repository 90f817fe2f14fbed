"""Handle of a worker process in its parent."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

_ENDING_SECONDS = 5.0


@dataclass(eq=False)
class Worker:
    """Worker process, the pipe to it, and its task."""

    process: SpawnProcess
    connection: Connection
    number: int | None  # of the task it has
    task: bytes  # pickled
    since: float  # monotonic seconds: when it was given the task, then when the task began
    begun: bool = False  # the task
    starting: bool = True

    def kill(self) -> None:
        """Kill the process with all of its group; without effect on one never started."""
        if self.process.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()

    def end(self) -> None:
        """Kill the process, close the pipe, and wait until it is gone."""
        self.kill()
        self.connection.close()
        if self.process.pid is not None:
            self.process.join(_ENDING_SECONDS)

    def is_dead(self) -> bool:
        """Return True if it ended, without reaping it: its process group's number stays taken."""
        if self.process.pid is None:
            return True
        try:
            state = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return state is not None

    def exit_text(self) -> str:
        """Return signal or exit code, as in "SIGKILL" or "exit code 3"."""
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"exit code {code}"
        known = {int(number): number.name for number in signal.Signals}
        return known.get(-code, f"signal {-code}")
