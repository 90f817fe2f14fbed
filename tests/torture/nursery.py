"""Starts commands by forking a process that has all of the project imported.

What it starts are processes as real as any: they have a number of their own, are killed by the
kernel, and share nothing with each other; they only spare the second of imports. Worker
processes that they make are started as ever.

    python -m tests.torture.nursery    reads an order per line, answers each by a line
"""

import atexit
import ctypes
import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, TracebackType
from typing import Any, Self

from tests.running import ROOT, environment

PAUSE_SECONDS = 0.002
PR_SET_PDEATHSIG = 1


class Nursery:
    """The process that starts others. To be closed, also by `with`."""

    def __init__(self, preload: Path | None = None) -> None:
        own = {"OPENBLAS_NUM_THREADS": "1"} | ({"LD_PRELOAD": str(preload)} if preload else {})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.nursery"],
            cwd=ROOT,
            env=environment() | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self, *words: str | Path, said: Path, env: Mapping[str, str] | None = None
    ) -> "Child":
        """Start `python words...`; what it prints goes to files whose names begin with `said`."""
        for ending in (".out", ".err"):
            said.with_name(said.name + ending).touch()
        order = {"words": [str(w) for w in words], "said": str(said), "env": dict(env or {})}
        return Child(self, int(self.ask(order)), said)

    def run(self, *words: str | Path, said: Path, env: Mapping[str, str] | None = None) -> "Child":
        """Start it and wait for its end."""
        child = self.start(*words, said=said, env=env)
        child.wait()
        return child

    def ask(self, order: object) -> Any:
        """Give an order and read the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Child:
    """A process that was started."""

    def __init__(self, nursery: Nursery, pid: int, said: Path) -> None:
        self.nursery, self.pid, self.returncode = nursery, pid, -999
        self._said, self._ended = said, False

    def poll(self) -> int | None:
        """Its exit code, minus the signal that killed it; None while it runs."""
        if not self._ended:
            code = self.nursery.ask({"poll": self.pid})
            self._ended, self.returncode = code is not None, -999 if code is None else code
        return self.returncode if self._ended else None

    def wait(self, seconds: float = 300.0) -> int | None:
        """Its exit code; None if it still runs after `seconds`."""
        until = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < until:
            time.sleep(PAUSE_SECONDS)
        return self.poll()

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, how)

    @property
    def stdout(self) -> str:
        """What it printed."""
        return self._said.with_name(self._said.name + ".out").read_text(errors="backslashreplace")

    @property
    def stderr(self) -> str:
        """What it said on standard error."""
        return self._said.with_name(self._said.name + ".err").read_text(errors="backslashreplace")


def become(words: list[str], said: str, env: Mapping[str, str]) -> int:
    """In a new process: be `python words...`; its exit code."""
    if sys.platform == "linux":  # nothing outlives tests that are interrupted
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    for descriptor, name in ((0, os.devnull), (1, said + ".out"), (2, said + ".err")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    os.environ.update(env)
    time.tzset()
    first, *rest = words
    try:
        if first == "-m":
            sys.argv = rest
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            code, argv = (rest[0], ["-c", *rest[1:]]) if first == "-c" else (script(first), words)
            sys.argv = argv
            main = ModuleType("__main__")  # without a file: workers need not import it
            sys.modules["__main__"] = main
            exec(compile(code, first, "exec"), main.__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def script(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def warm() -> None:
    """Import all that commands need, and let the fast engine load its machine code."""
    import tests.torture.rig  # noqa: F401
    from reeltune.tuning.plan import Plan
    from tests.torture.workload import tiny
    from tests.tuning.runs import tuned

    with TemporaryDirectory() as directory:
        tiny(Path(directory))
        tuned(Path(directory) / "movies.db", Plan(method="bayesian", n_configs=8))


def main() -> None:
    """Obey until standard input ends."""
    warm()
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if "words" in order:
            answer = pid = os.fork()
            if pid == 0:
                code = 1
                with suppress(BaseException):
                    code = become(order["words"], order["said"], order["env"])
                    atexit._run_exitfuncs()
                    sys.stdout.flush()
                os._exit(code)
        else:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
