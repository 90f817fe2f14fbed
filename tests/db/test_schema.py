from collections.abc import Iterator
from pathlib import Path

import pytest

from reeltune.db.connection import Connection, connection
from reeltune.db.schema import load_columns, load_schema, one_column_a_line


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[Connection]:
    with connection(tmp_path / "movies.db", create=True) as found:
        yield found


def test_the_statements_make_the_same_tables_again(conn: Connection) -> None:
    columns, statements = load_columns(conn), load_schema(conn)
    before = set(map(tuple, conn.execute("SELECT type, name, tbl_name FROM sqlite_schema")))
    conn.execute("PRAGMA foreign_keys = OFF")
    for name in columns:
        conn.execute(f'DROP TABLE "{name}"')
    for statement in statements:
        conn.execute(statement)
    assert set(map(tuple, conn.execute("SELECT type, name, tbl_name FROM sqlite_schema"))) == before
    assert load_columns(conn) == columns


def test_indices_and_triggers_follow_their_table(conn: Connection) -> None:
    conn.execute("CREATE TABLE later (x INTEGER)")
    conn.execute("CREATE INDEX more_movies ON movies (year)")
    found = load_schema(conn)
    place = found.index("CREATE INDEX more_movies ON movies (year)")
    tables = [text for text in found[:place] if text.startswith("CREATE TABLE")]
    assert tables[-1].startswith("CREATE TABLE movies ")
    assert found[-1].startswith("CREATE TABLE later")


def test_columns_are_those_of_tables_and_views_computed_ones_too(conn: Connection) -> None:
    conn.execute("CREATE VIEW stars AS SELECT user_id, rating AS n FROM ratings")
    columns = load_columns(conn)
    assert columns["stars"] == ["user_id", "n"]
    assert columns["ratings"] == ["user_id", "movie_id", "rating", "rated_at"]
    assert {"lower_bound", "worth"} <= set(columns["hp_experiments"])  # computed ones
    assert "genre_weight" in columns["hp_experiments"]
    assert not any(name.startswith("sqlite_") for name in columns)


def test_what_was_added_later_gets_a_line_of_its_own(conn: Connection) -> None:
    conn.execute(
        "CREATE TABLE t (\n    a TEXT DEFAULT 'x, (y',  -- one, two\n    b REAL  -- last\n)"
    )
    conn.execute("ALTER TABLE t ADD COLUMN c TEXT CHECK (c IN ('p', 'q'))")
    assert load_schema(conn)[-1] == (
        "CREATE TABLE t (\n"
        "    a TEXT DEFAULT 'x, (y',  -- one, two\n"
        "    b REAL,  -- last\n"
        "    c TEXT CHECK (c IN ('p', 'q'))\n"
        ")"
    )


def test_a_laid_out_table_stays_as_it_is(conn: Connection) -> None:
    for statement in load_schema(conn):
        if statement.startswith("CREATE TABLE"):
            assert one_column_a_line(statement) == statement
