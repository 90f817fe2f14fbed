"""Store of the service: `movies.serving.db`, written by one thread that commits many at once.

A write is a function of a connection. The thread commits at most every 50 ms, or as soon as 500
rows wait: what has come by then is one transaction, each write in a savepoint of its own, so that
one that fails undoes itself alone. Its future has the result once that is on the disk
(`synchronous = FULL`).
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from reeltune.db.connection import Connection, expected, transaction
from reeltune.db.savepoints import savepoint
from reeltune.db.serving_file import open_serving_file, read_serving_file, serving_path
from reeltune.domain.errors import BusyError, ReelTuneError, StorageError

STORE_MIGRATIONS = Path(__file__).parent / "migrations"
COMMIT_SECONDS = 0.05
COMMIT_ROWS = 500
MAX_WAITING = 20_000  # writes; more than that is refused, so that memory stays bounded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Write:
    run: Callable[[Connection], Any]
    n_rows: int
    future: "Future[Any]"


class ServingStore:
    """File of the service, with the thread that writes to it.

    `submit` and `write` may be called from any thread. A reader is a connection for one thread.
    """

    def __init__(self, path: Path, *, may_fail: bool = False) -> None:
        self.path = path
        self.failure: str | None = None  # why the last commit failed; None: it did not
        self._waiting: queue.Queue[_Write | None] = queue.Queue(MAX_WAITING)
        self._closed = False
        self._next_commit = 0.0  # not before this moment, unless many rows wait
        self._lock = threading.Lock()  # of whether it is closed
        self._conn: Connection | None = None
        try:
            self._conn = open_serving_file(path, STORE_MIGRATIONS)
        except ReelTuneError as error:
            if not may_fail:
                raise
            self.failure = str(error)  # it is tried again with each write
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, database: Path, *, may_fail: bool = False) -> "ServingStore":
        """Open the store that belongs to a database, made where it is not there.

        Where it `may_fail`, writes are refused until it can be opened.

        Raises:
            BusyError: another program kept it locked for too long.
            StorageError: it cannot be used.
        """
        return cls(serving_path(database), may_fail=may_fail)

    def submit(self, run: Callable[[Connection], T], n_rows: int = 1) -> "Future[T]":
        """Let `run` write within the next transaction; its result once that is committed.

        The future raises what `run` raised, or a StorageError if the commit failed.

        Raises:
            BusyError: too many writes are waiting.
            StorageError: the store is closed.
        """
        future: Future[T] = Future()
        try:
            with self._lock:
                if self._closed:
                    raise StorageError(f"{str(self.path)!r} is closed")
                self._waiting.put_nowait(_Write(run, n_rows, future))
        except queue.Full:
            raise BusyError(
                f"{MAX_WAITING:,} writes are waiting for {str(self.path)!r}: send them again later"
            ) from None
        return future

    def write(self, run: Callable[[Connection], T], n_rows: int = 1) -> T:
        """Let `run` write, and wait until it is committed; see `submit`."""
        return self.submit(run, n_rows).result()

    def reader(self) -> Connection:
        """Return a new connection that can only read; whoever asks for it closes it."""
        return read_serving_file(self.path)

    @property
    def n_waiting(self) -> int:
        """Number of writes that wait to be committed."""
        return self._waiting.qsize()

    def close(self) -> None:
        """Commit what is waiting, and close the file."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        ends = False
        while not ends:
            batch, ends = self._next_batch()
            wanted = [each for each in batch if each.future.set_running_or_notify_cancel()]
            if wanted:
                self._commit(wanted)
        if self._conn is not None:
            self._conn.close()

    def _next_batch(self) -> tuple[list[_Write], bool]:
        """Return the writes of the next transaction, and whether the store is closed after it."""
        first = self._waiting.get()
        if first is None:
            return [], True
        batch, n_rows = [first], first.n_rows
        while n_rows < COMMIT_ROWS:
            try:
                found = self._waiting.get(timeout=max(0.0, self._next_commit - time.monotonic()))
            except queue.Empty:
                break
            if found is None:
                return batch, True
            batch.append(found)
            n_rows += found.n_rows
        return batch, False

    def _commit(self, batch: list[_Write]) -> None:
        self._next_commit = time.monotonic() + COMMIT_SECONDS
        outcomes: list[tuple[_Write, Any, BaseException | None]] = []
        try:
            conn = self._connected()
            with expected(self.path), transaction(conn):
                outcomes = [self._outcome(conn, each) for each in batch]
        except Exception as error:  # every write of the batch is told, whatever it was
            self._fail(batch, error)
            return
        self.failure = None
        for write, result, fault in outcomes:
            if fault is None:
                write.future.set_result(result)
            else:
                write.future.set_exception(fault)

    def _outcome(self, conn: Connection, write: _Write) -> tuple[_Write, Any, BaseException | None]:
        """Run one write in a savepoint; raise where SQLite has undone all of the transaction."""
        try:
            with expected(self.path), savepoint(conn):
                return write, write.run(conn), None
        except Exception as error:
            if not conn.in_transaction:  # a full disk
                raise
            return write, None, error

    def _connected(self) -> Connection:
        """Return the connection; a new one after a failure, or where the file was replaced."""
        if self._conn is not None and not self.path.exists():
            self._drop()
        if self._conn is None:
            self._conn = open_serving_file(self.path, STORE_MIGRATIONS)
        return self._conn

    def _fail(self, batch: list[_Write], error: Exception) -> None:
        self.failure = str(error)
        self._drop()
        known = error if isinstance(error, ReelTuneError) else StorageError(str(error))
        for write in batch:
            write.future.set_exception(known)

    def _drop(self) -> None:
        if self._conn is not None:
            with suppress(Exception):
                self._conn.close()
        self._conn = None
