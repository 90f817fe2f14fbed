from collections.abc import Iterator
from pathlib import Path

import pytest

from reeltune.db.connection import Connection, connect, connection
from reeltune.db.data_version import VERSIONED_TABLES, ensure_data_version, load_data_version

CHANGES = {
    "ratings": (
        "INSERT INTO ratings (user_id, movie_id, rating, rated_at) VALUES (9999, 1, 3.0, 0)",
        "UPDATE ratings SET rating = 0.5 WHERE user_id = 1",
        "DELETE FROM ratings WHERE user_id = 1",
        "INSERT OR REPLACE INTO ratings SELECT user_id, movie_id, 1.5, rated_at FROM ratings",
    ),
    "movies": (
        "INSERT INTO movies (movie_id, title) VALUES (99999, 'One more')",
        "UPDATE movies SET collection_id = NULL",
        "DELETE FROM movies WHERE movie_id = 99998",
    ),
    "genres": (
        "INSERT INTO genres (name) VALUES ('One more')",
        "UPDATE genres SET name = name || '!'",
        "DELETE FROM genres WHERE name = 'Unused'",
    ),
    "movie_genres": (
        "INSERT INTO movie_genres VALUES (99998, 1, 'demo')",
        "UPDATE movie_genres SET genre_id = 1 WHERE movie_id = (SELECT movie_id FROM movie_genres"
        " GROUP BY movie_id HAVING count(*) = 1 AND min(genre_id) > 1)",
        "DELETE FROM movie_genres",
    ),
    "cast_members": (
        "INSERT INTO cast_members SELECT 99998, person_id, 0 FROM people LIMIT 1",
        "UPDATE cast_members SET billing = billing + 1",
        "DELETE FROM cast_members",
    ),
}


@pytest.fixture
def conn(world: Path) -> Iterator[Connection]:
    with connection(world) as found:
        found.execute("INSERT INTO movies (movie_id, title) VALUES (99998, 'Nobody has rated it')")
        found.execute("INSERT INTO genres (name) VALUES ('Unused')")
        ensure_data_version(found)
        yield found


def test_every_table_that_training_sees_is_tried() -> None:
    assert CHANGES.keys() == set(VERSIONED_TABLES)


@pytest.mark.parametrize("change", [sql for some in CHANGES.values() for sql in some])
def test_any_change_breaks_the_seal_and_no_seal_comes_twice(conn: Connection, change: str) -> None:
    before = load_data_version(conn)
    assert before is not None
    if conn.execute(change).rowcount == 0:
        pytest.fail("the statement changes nothing")
    assert load_data_version(conn) is None
    ensure_data_version(conn)
    assert load_data_version(conn) not in (None, before)


def test_what_training_does_not_see_leaves_the_seal(conn: Connection) -> None:
    before = load_data_version(conn)
    conn.execute("UPDATE people SET name = name || '!'")
    ensure_data_version(conn)
    assert load_data_version(conn) == before


def test_a_change_taken_back_leaves_the_seal(conn: Connection) -> None:
    before = load_data_version(conn)
    conn.execute("BEGIN")
    conn.execute("DELETE FROM cast_members")
    conn.execute("ROLLBACK")
    assert load_data_version(conn) == before


def test_a_change_by_another_connection_breaks_it(conn: Connection, world: Path) -> None:
    other = connect(world)
    other.execute("UPDATE ratings SET rated_at = 0")
    other.close()
    assert load_data_version(conn) is None


def test_where_a_trigger_is_gone_there_is_no_seal(conn: Connection) -> None:
    conn.execute("DROP TRIGGER ratings_update_breaks_the_seal")
    assert load_data_version(conn) is None


def test_a_database_that_another_process_writes_to_is_not_waited_for(world: Path) -> None:
    other = connect(world)
    other.execute("BEGIN IMMEDIATE")
    with connection(world) as conn:
        ensure_data_version(conn)
        assert load_data_version(conn) is None
        other.execute("ROLLBACK")
        assert conn.execute("PRAGMA busy_timeout").fetchone()[0] == 30_000
    other.close()
