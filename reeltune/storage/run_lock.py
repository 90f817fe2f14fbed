"""Lock of a database: one run at a time, by whatever name it is called."""

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from reeltune.domain.clock import stamp
from reeltune.domain.errors import BusyError, StorageError
from reeltune.storage.identity import file_id

_GLANCE_SECONDS = 0.3  # whoever only looks who holds a database may hold it for a moment
_DYING_SECONDS = 10.0  # on a busy machine a killed process takes a moment until all of it is gone
_PAUSE_SECONDS = 0.2


@contextmanager
def run_lock(
    database: Path, wait_seconds: float = 0.0, command: str | None = None
) -> Iterator[None]:
    """Hold `database` for one tuning or retraining; the system frees it if the process dies.

    It is held by any name: the lock lies beside the file that links lead to, and a run that was
    begun before the file was renamed is found by what it said of the file. `command` is what
    others are told that holds it, by default the command line.

    Raises:
        BusyError: another run holds it, still after `wait_seconds`.
        StorageError: the directory does not let a lock be made.
    """
    holder = holder_path(database)
    seconds = max(wait_seconds, _GLANCE_SECONDS)
    lock = FileLock(lock_path(database), timeout=seconds)
    try:
        _acquire(lock, holder)
    except Timeout:
        raise BusyError(_busy(database, holder)) from None
    except OSError as error:
        raise StorageError(f"{str(database)!r} cannot be locked: {error}") from error
    try:
        _check_not_renamed(database, wait_seconds)
        _say_who(database, holder, command or " ".join(sys.argv))
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def lock_path(database: Path) -> Path:
    """Return the file whose lock a run holds, beside the file that `database` leads to."""
    real = database.resolve()
    return real.with_name(real.name + ".lock")


def _check_not_renamed(database: Path, wait_seconds: float) -> None:
    """Refuse a database that a run holds since before the file got this name."""
    until = time.monotonic() + wait_seconds
    while (other := _held_by_old_name(database)) is not None:
        if time.monotonic() >= until:
            raise BusyError(_busy(database, other))
        time.sleep(_PAUSE_SECONDS)


def _held_by_old_name(database: Path) -> Path | None:
    """Return what says who holds the same file by another name, if it is held so."""
    wanted, own = file_id(database), holder_path(database)
    for other in sorted(own.parent.glob("*.lock.json")):
        if other == own or wanted is None:
            continue
        if _description(other).get("file") == list(wanted) and _is_locked(other.with_suffix("")):
            return other
    return None


def _is_locked(path: Path) -> bool:
    """Tell whether a lock is held; it need only be readable."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _description(holder: Path) -> dict[str, Any]:
    """Return what a holder says of itself; nothing where it cannot be read."""
    with suppress(OSError, ValueError):
        found = json.loads(holder.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _acquire(lock: FileLock, holder: Path) -> None:
    """Wait for the lock; where its holder is dead, until the system has freed it."""
    try:
        lock.acquire()
    except Timeout:
        if not _is_dead(holder):
            raise
        lock.acquire(timeout=_DYING_SECONDS)


def _is_dead(holder: Path) -> bool:
    """Return whether the process that is said to hold the lock is gone."""
    try:
        os.kill(int(_description(holder)["pid"]), 0)
    except ProcessLookupError:
        return True
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return False
    return False


def holder_path(database: Path) -> Path:
    """Return the file that names who holds a database; for people, the lock does without."""
    lock = lock_path(database)
    return lock.with_name(lock.name + ".json")


def _say_who(database: Path, holder: Path, command: str) -> None:
    described = {
        "pid": os.getpid(),
        "since": stamp(),
        "command": command[:500],
        "file": file_id(database),
    }
    with suppress(OSError):  # a full disk, which the database will tell of if it matters
        holder.write_text(json.dumps(described), encoding="utf-8")


def lock_holder(database: Path) -> int | None:
    """Return the process that holds `database` for a run; None if none does, or none is named."""
    if not _is_locked(lock_path(database)):
        return None
    with suppress(ValueError, KeyError, TypeError):
        return int(_description(holder_path(database))["pid"])
    return None


def _busy(database: Path, holder: Path) -> str:
    try:
        found = _description(holder)
        who = f"process {found['pid']} since {found['since']} ({found['command']})"
    except KeyError:
        who = "another process"
    return f"{str(database)!r} is in use by {who}: wait for it, or give --wait SECONDS"
