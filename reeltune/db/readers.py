"""Opens a database to read it, also for an account that may not write to it or beside it."""

import os
from pathlib import Path
from urllib.parse import quote

import pysqlite3 as sqlite

from reeltune.domain.errors import BusyError, StorageError
from reeltune.storage.identity import check_one_name

_FileState = tuple[int, int, int]  # inode, bytes, time of the last change in nanoseconds
_DENIED = (sqlite.SQLITE_READONLY, sqlite.SQLITE_CANTOPEN, sqlite.SQLITE_PERM)


class Reader(sqlite.Connection):
    """Connection that cannot write.

    `frozen` is what the file was like when it was opened without any locks, which SQLite allows
    as long as nobody writes to it; None where locks are taken.
    """

    frozen: _FileState | None = None


def open_reader(path: Path, busy_seconds: float) -> Reader:
    """Open `path` read-only.

    A database with a log needs a small file beside it, which other programs make while they have
    it open. Where there is none and none may be made, the file is read as it is: nobody has it
    open. Whoever does so asks `check_unwritten` afterwards.

    Raises:
        StorageError: part of the database is in a log that this account cannot read, or it has
            another name (see `check_one_name`).
    """
    try:
        check_one_name(path)
    except StorageError:
        if not _has_no_log(path):
            raise
    conn = _open(path, "mode=ro", busy_seconds)
    try:
        conn.execute("PRAGMA journal_mode").fetchone()  # opens the log
    except sqlite.OperationalError as error:
        conn.close()
        if not is_denied(error):
            raise
    except BaseException:
        conn.close()
        raise
    else:
        return conn
    log = path.resolve().with_name(path.resolve().name + "-wal")
    if log.exists() and log.stat().st_size:
        raise StorageError(
            f"{str(path)!r} has a log that only an account that may write to its directory can"
            " read: let it run any command once"
        )
    conn = _open(path, "mode=ro&immutable=1", busy_seconds)
    conn.frozen = _state(path)
    return conn


def check_unwritten(conn: sqlite.Connection, path: Path) -> None:
    """Refuse what was read without locks if somebody wrote to the file meanwhile.

    Raises:
        BusyError: somebody did.
    """
    frozen = getattr(conn, "frozen", None)
    if frozen is not None and frozen != _state(path):
        raise BusyError(f"{str(path)!r} was written to while it was read: run this again")


def is_denied(error: sqlite.OperationalError) -> bool:
    """Tell whether SQLite could not write, or make a file beside the database."""
    code = getattr(error, "sqlite_errorcode", None)  # not all errors have one
    return code is not None and code & 0xFF in _DENIED


def may_write(path: Path) -> bool:
    """Tell whether this account may write to the file and make others beside it."""
    real = path.resolve()
    return all(os.access(each, os.W_OK, effective_ids=True) for each in (real, real.parent))


def _has_no_log(path: Path) -> bool:
    """Tell by its first bytes whether a file is a database that is written to without a log."""
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\x01\x01"


def _open(path: Path, settings: str, busy_seconds: float) -> Reader:
    conn = sqlite.connect(
        f"file:{quote(str(path.absolute()))}?{settings}",
        timeout=busy_seconds,
        isolation_level=None,
        uri=True,
        factory=Reader,
        check_same_thread=False,  # whoever hands it on uses it in one thread at a time
    )
    conn.row_factory = sqlite.Row
    return conn


def _state(path: Path) -> _FileState:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
