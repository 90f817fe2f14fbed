"""One run at a time on one database."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from reeltune.domain.clock import stamp
from reeltune.domain.errors import BusyError, StorageError

_GLANCE_SECONDS = 0.3  # whoever only looks who holds a database may hold it for a moment
_DYING_SECONDS = 10.0  # on a busy machine a killed process takes a moment until all of it is gone


@contextmanager
def run_lock(database: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold `database` for one tuning or retraining; the system frees it if the process dies.

    Raises:
        BusyError: another run holds it, still after `wait_seconds`.
        StorageError: the directory does not let a lock be made.
    """
    holder = holder_path(database)
    seconds = max(wait_seconds, _GLANCE_SECONDS)
    lock = FileLock(database.with_name(database.name + ".lock"), timeout=seconds)
    try:
        _acquire(lock, holder)
    except Timeout:
        raise BusyError(_busy(database, holder)) from None
    except OSError as error:
        raise StorageError(f"{str(database)!r} cannot be locked: {error}") from error
    try:
        _say_who(holder)
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, holder: Path) -> None:
    """Wait for the lock; where its holder is dead, until the system has freed it."""
    try:
        lock.acquire()
    except Timeout:
        if not _is_dead(holder):
            raise
        lock.acquire(timeout=_DYING_SECONDS)


def _is_dead(holder: Path) -> bool:
    """Whether the process that is said to hold the lock is gone."""
    try:
        os.kill(int(json.loads(holder.read_text(encoding="utf-8"))["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return False
    return False


def holder_path(database: Path) -> Path:
    """Where it is said who holds a database; only for people, the lock does without."""
    return database.with_name(database.name + ".lock.json")


def _say_who(holder: Path) -> None:
    said = {"pid": os.getpid(), "since": stamp(), "command": " ".join(sys.argv)[:500]}
    with suppress(OSError):  # a full disk, which the database will tell of if it matters
        holder.write_text(json.dumps(said), encoding="utf-8")


def lock_holder(database: Path) -> int | None:
    """The process that holds `database` for a run; None if none does, or it has not said so yet."""
    path = database.with_name(database.name + ".lock")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        with suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
            return int(said["pid"])
        return None
    lock.release()
    return None


def _busy(database: Path, holder: Path) -> str:
    try:
        said = json.loads(holder.read_text(encoding="utf-8"))
        who = f"process {said['pid']} since {said['since']} ({said['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{str(database)!r} is in use by {who}: wait for it, or give --wait SECONDS"
