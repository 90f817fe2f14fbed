"""Reads many rows as NumPy columns, and several tables as of one moment."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reeltune.db.connection import Connection

_CHUNK_ROWS = 20_000


@contextmanager
def snapshot(conn: Connection) -> Iterator[None]:
    """Read in the `with` block as of one moment, whoever writes meanwhile."""
    if conn.in_transaction:
        yield
        return
    conn.execute("BEGIN")
    try:
        yield
    finally:
        conn.execute("ROLLBACK")


def fetch_columns(
    conn: Connection, sql: str, dtypes: Sequence[DTypeLike]
) -> tuple[NDArray[Any], ...]:
    """Return the rows of a SELECT as an array per column, a chunk of Python objects at a time."""
    cursor = conn.cursor()
    cursor.row_factory = None  # plain tuples: half the time of named rows
    cursor.execute(sql)
    parts: list[list[NDArray[Any]]] = [[np.empty(0, dtype)] for dtype in dtypes]
    while rows := cursor.fetchmany(_CHUNK_ROWS):
        for part, values, dtype in zip(parts, zip(*rows, strict=True), dtypes, strict=True):
            part.append(np.fromiter(values, dtype, count=len(rows)))
    return tuple(np.concatenate(part) for part in parts)
