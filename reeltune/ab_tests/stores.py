"""Stores that the tests are kept in: the service's, with its thread, or one written to directly."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from reeltune.db.connection import Connection, expected, transaction
from reeltune.db.serving_file import open_serving_file, read_serving_file, serving_path
from reeltune.serving.store import STORE_MIGRATIONS

T = TypeVar("T")


class ABStore(Protocol):
    """Store as the tests need it; `ServingStore` is one."""

    def write(self, run: Callable[[Connection], T], n_rows: int = 1) -> T:
        """Let `run` write within a transaction; its result once that is committed."""

    def reader(self) -> Connection:
        """Return a new connection that can only read; whoever asks for it closes it."""


class DirectStore:
    """Store of a program of one thread, such as a command: each write is committed at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.conn = open_serving_file(path, STORE_MIGRATIONS)

    @classmethod
    def open(cls, database: Path) -> "DirectStore":
        """Open the store that belongs to a database, made where it is not there.

        Raises:
            BusyError: another program kept it locked for too long.
            StorageError: it cannot be used.
        """
        return cls(serving_path(database))

    def write(self, run: Callable[[Connection], T], n_rows: int = 1) -> T:
        """Let `run` write within a transaction."""
        with expected(self.path), transaction(self.conn):
            return run(self.conn)

    def reader(self) -> Connection:
        """Return a new connection that can only read."""
        return read_serving_file(self.path)

    def close(self) -> None:
        """Close the file."""
        self.conn.close()
