"""One run at a time on one database."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from domain.clock import stamp
from domain.errors import BusyError


@contextmanager
def run_lock(database: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold `database` for one tuning or retraining; the system frees it if the process dies.

    Raises:
        BusyError: another run holds it, still after `wait_seconds`.
    """
    path = database.with_name(database.name + ".lock")
    holder = path.with_name(path.name + ".json")
    lock = FileLock(path, timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(_busy(database, holder)) from None
    try:
        said = {"pid": os.getpid(), "since": stamp(), "command": " ".join(sys.argv)[:500]}
        holder.write_text(json.dumps(said), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _busy(database: Path, holder: Path) -> str:
    try:
        said = json.loads(holder.read_text(encoding="utf-8"))
        who = f"process {said['pid']} since {said['since']} ({said['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{str(database)!r} is in use by {who}: wait for it, or give --wait SECONDS"
