from pathlib import Path

import pytest

from reeltune.db.connection import Connection, connect
from reeltune.db.imports import (
    RejectedRow,
    finish_batch,
    load_batches,
    load_rejected_rows,
    save_rejected_rows,
    start_batch,
)

LONG_AGO = "1999-01-01T00:00:00Z"


@pytest.fixture
def conn(tmp_path: Path) -> Connection:
    """One batch, imported long ago, with a rejected row."""
    conn = connect(tmp_path / "movies.db", create=True)
    batch_id = start_batch(conn, "movielens", "ratings.csv", "a" * 64)
    save_rejected_rows(conn, batch_id, [RejectedRow(5, "too bad", "1,2,x")])
    finish_batch(conn, batch_id, 9, 8)
    conn.execute("UPDATE import_batches SET imported_at = :at", {"at": LONG_AGO})
    return conn


def test_a_batch_says_what_was_read_and_what_not_taken(conn: Connection) -> None:
    (batch,) = load_batches(conn)
    assert (batch.source, batch.file, batch.rows_read, batch.rows_kept) == (
        "movielens",
        "ratings.csv",
        9,
        8,
    )
    assert load_rejected_rows(conn, "ratings.csv") == [RejectedRow(5, "too bad", "1,2,x")]


def test_the_same_content_again_keeps_number_and_time_and_starts_without_rows(
    conn: Connection,
) -> None:
    start_batch(conn, "movielens", "ratings.csv", "a" * 64)
    (batch,) = load_batches(conn)
    assert (batch.batch_id, batch.imported_at) == (1, LONG_AGO)
    assert load_rejected_rows(conn, "ratings.csv") == []


def test_other_content_has_a_new_time(conn: Connection) -> None:
    start_batch(conn, "movielens", "ratings.csv", "b" * 64)
    (batch,) = load_batches(conn)
    assert batch.imported_at > LONG_AGO
    assert batch.sha256 == "b" * 64
