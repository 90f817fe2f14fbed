# pysqlite3 is built from the source of Python's sqlite3, and so has its types, and one method more.
import sqlite3 as dbapi2
from sqlite3 import (
    SQLITE_CANTOPEN,
    SQLITE_ERROR,
    SQLITE_PERM,
    SQLITE_READONLY,
    Cursor,
    DatabaseError,
    Error,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Row,
    complete_statement,
    sqlite_version,
    sqlite_version_info,
)
from sqlite3 import Connection as _Connection
from typing import TypeVar, overload

__all__ = [
    "SQLITE_CANTOPEN",
    "SQLITE_ERROR",
    "SQLITE_PERM",
    "SQLITE_READONLY",
    "Connection",
    "Cursor",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Row",
    "complete_statement",
    "connect",
    "dbapi2",
    "sqlite_version",
    "sqlite_version_info",
]

class Connection(_Connection):
    def set_busy_timeout(self, seconds: float) -> None: ...

_C = TypeVar("_C", bound=Connection)

@overload
def connect(
    database: str,
    timeout: float = ...,
    *,
    isolation_level: str | None = ...,
    check_same_thread: bool = ...,
    uri: bool = ...,
) -> Connection: ...
@overload
def connect(
    database: str,
    timeout: float = ...,
    *,
    isolation_level: str | None = ...,
    factory: type[_C],
    check_same_thread: bool = ...,
    uri: bool = ...,
) -> _C: ...
