import json
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pysqlite3 as sqlite
import pytest

from reeltune.db import dataset
from reeltune.db.changes import (
    TRIGGERS,
    count_changes,
    forget_changes,
    is_logged_since,
    load_marks,
    load_position,
)
from reeltune.db.connection import Connection, connection, transaction
from reeltune.db.data_version import ensure_data_version, load_data_version
from reeltune.db.dataset import load_dataset, read_dataset, refreshed
from reeltune.db.movies import CastMember, save_cast, save_genres
from reeltune.db.ratings import save_ratings
from reeltune.domain.changes import Changes
from reeltune.storage.array_cache import ArrayCache
from reeltune.versioning.retention import remove_old
from tests.db.test_dataset import same
from tests.importers.imports import dump
from tests.versioning.versions import produced

NEW = "INSERT INTO ratings VALUES (900001, 1, 3.0, 5), (900001, 2, 4.0, 6)"
CATALOGUE = (
    "INSERT INTO movies (movie_id, title) VALUES (99999, 'One more')",
    "UPDATE movies SET collection_id = NULL WHERE movie_id = 1",
    "DELETE FROM movies WHERE movie_id = 99998",
    "UPDATE genres SET name = name || '!' WHERE genre_id = 1",
    "INSERT INTO movie_genres VALUES (99998, 1, 'demo')",
    "UPDATE movie_genres SET genre_id = 1 WHERE movie_id = (SELECT movie_id FROM movie_genres"
    " GROUP BY movie_id HAVING count(*) = 1 AND min(genre_id) > 1)",
    "DELETE FROM movie_genres WHERE movie_id = 1",
    "INSERT INTO cast_members SELECT 99998, person_id, 0 FROM people LIMIT 1",
    "UPDATE cast_members SET billing = billing + 1 WHERE movie_id = 1",
    "DELETE FROM cast_members WHERE movie_id = 1",
)


@pytest.fixture
def conn(world: Path) -> Iterator[Connection]:
    with connection(world) as found:
        found.execute("INSERT INTO movies (movie_id, title) VALUES (99998, 'Nobody has rated it')")
        found.execute("UPDATE movies SET collection_id = (SELECT min(collection_id) FROM"
                      " collections) WHERE movie_id = 1")  # fmt: skip
        ensure_data_version(found)
        yield found


def since(conn: Connection, position: int) -> Changes:
    return count_changes(conn, position, load_position(conn) or 0)


def here(conn: Connection) -> int:
    found = load_position(conn)
    assert found is not None
    return found


def test_each_rating_counts_once_for_what_became_of_it(conn: Connection) -> None:
    start = here(conn)
    conn.execute(NEW)
    conn.execute("UPDATE ratings SET rating = 5.0 WHERE user_id = 900001")
    assert since(conn, start) == Changes(2, 0, 0, 0)
    between = here(conn)
    conn.execute("UPDATE ratings SET rating = 1.0 WHERE user_id = 900001 AND movie_id = 1")
    conn.execute("DELETE FROM ratings WHERE user_id = 900001 AND movie_id = 2")
    assert since(conn, between) == Changes(0, 1, 1, 0)
    assert since(conn, start) == Changes(1, 0, 0, 0)
    conn.execute("DELETE FROM ratings WHERE user_id = 900001")
    assert since(conn, start) == Changes(0, 0, 0, 0)
    conn.execute("INSERT INTO ratings VALUES (900001, 1, 3.0, 5)")
    conn.execute("INSERT OR REPLACE INTO ratings VALUES (900001, 1, 2.0, 5)")
    conn.execute("UPDATE ratings SET user_id = 900002 WHERE user_id = 900001")
    assert since(conn, start) == Changes(1, 0, 0, 0)


@pytest.mark.parametrize("statement", CATALOGUE)
def test_what_is_changed_of_the_catalogue_is_counted_by_movie(
    conn: Connection, statement: str
) -> None:
    start = here(conn)
    conn.execute(statement)
    assert since(conn, start).movies >= 1
    assert since(conn, start).n_ratings == 0


def test_to_write_what_is_there_changes_nothing(conn: Connection) -> None:
    start, word, before = here(conn), load_data_version(conn), dump(conn)
    ratings = load_dataset(conn).ratings
    save_ratings(
        conn,
        ratings.user_ids[ratings.users],
        ratings.movie_ids[ratings.movies],
        ratings.ratings,
        ratings.rated_at,
    )
    cast = [CastMember(*row) for row in conn.execute("SELECT * FROM cast_members")]
    save_cast(conn, {member.movie_id for member in cast}, cast)
    rows = conn.execute(
        "SELECT movie_id, json_group_array(name) FROM movie_genres JOIN genres USING (genre_id)"
        " GROUP BY movie_id"
    )
    genres = {row[0]: tuple(json.loads(row[1])) for row in rows}
    save_genres(conn, "demo", genres)
    assert (here(conn), load_data_version(conn)) == (start, word)
    assert dump(conn) == before


def test_before_anybody_asks_nothing_is_logged(world: Path) -> None:
    with connection(world) as conn:
        conn.execute(NEW)
        assert load_position(conn) is None
        assert conn.execute("SELECT count(*) FROM data_changes").fetchone()[0] == 0
        load_dataset(conn)
        assert load_position(conn) == 0


@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_where_a_trigger_is_gone_nothing_is_said(conn: Connection, trigger: str) -> None:
    conn.execute(f"DROP TRIGGER {trigger}")
    assert load_position(conn) is None


def altered(conn: Connection, dice: random.Random) -> None:
    """Change a little of this and that."""
    user, movie = dice.randrange(1, 81), dice.randrange(1, 241)
    statements = (
        f"INSERT OR REPLACE INTO ratings VALUES ({user}, {movie}, 2.5, {dice.randrange(10**9)})",
        f"DELETE FROM ratings WHERE user_id = {user}",
        f"DELETE FROM ratings WHERE user_id = {user} AND movie_id % 2",
        f"UPDATE ratings SET rated_at = rated_at / 2 WHERE user_id = {user}",
        f"INSERT OR IGNORE INTO ratings SELECT {user} + 100, movie_id, rating, rated_at"
        f" FROM ratings WHERE user_id = {movie % 80}",
        f"UPDATE OR IGNORE ratings SET user_id = {user} WHERE user_id = {movie % 80}",
        f"INSERT OR IGNORE INTO movies (movie_id, title) VALUES ({movie * 3}, 'x')",
        f"UPDATE OR IGNORE ratings SET movie_id = {movie} WHERE user_id = {user}",
    )
    with suppress(sqlite.IntegrityError):  # some are not possible, and then change nothing
        conn.execute(dice.choice((*statements, *CATALOGUE)))


@pytest.mark.parametrize("seed", range(12))
def test_only_what_changed_is_read_and_all_is_as_if_it_had_been_read(
    conn: Connection, world: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(dataset, "WORTH_KEEPING", 1)
    load_dataset(conn)
    for _ in range(4):
        with transaction(conn):
            for _ in range(dice.randrange(1, 12)):
                altered(conn, dice)
        found = refreshed(conn, ArrayCache.beside(world))
        expected = read_dataset(conn)
        assert found is not None
        assert same(found, expected)
        assert found.last_change == expected.last_change == here(conn)
        assert same(load_dataset(conn), expected)  # keeps it for the next round


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ratings VALUES (900001, 1, 3.0, 5)",
        "INSERT INTO ratings SELECT 7, min(movie_id), 3.0, 5 FROM movies WHERE movie_id NOT IN"
        " (SELECT movie_id FROM ratings WHERE user_id = 7)",
        "UPDATE ratings SET rated_at = 0 WHERE user_id = 7 AND movie_id ="
        " (SELECT max(movie_id) FROM ratings WHERE user_id = 7)",
        "DELETE FROM ratings WHERE user_id = 7 AND movie_id ="
        " (SELECT max(movie_id) FROM ratings WHERE user_id = 7)",
    ],
)
def test_a_single_change_is_read(
    conn: Connection, world: Path, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "WORTH_KEEPING", 1)
    before = load_dataset(conn)
    assert conn.execute(statement).rowcount == 1
    after = load_dataset(conn)
    assert same(after, read_dataset(conn))
    assert not same(after, before)


def test_a_copy_of_a_database_that_went_another_way_is_not_gone_on_from(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both share the directory of copies, and their logs have the same numbers."""
    monkeypatch.setattr(dataset, "WORTH_KEEPING", 1)
    twin = world.with_suffix(".sqlite")
    with connection(world) as one, connection(twin, create=True) as two:
        load_dataset(one)
        one.backup(two)
        for conn, rating in ((one, 1.0), (two, 5.0), (one, 2.0), (two, 4.0)):
            conn.execute("UPDATE ratings SET rating = :r WHERE user_id = 7", {"r": rating})
            assert same(load_dataset(conn), read_dataset(conn))


def test_what_the_triggers_could_not_see_is_noticed_and_all_is_read(
    conn: Connection, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "WORTH_KEEPING", 1)
    load_dataset(conn)
    conn.execute(NEW)
    conn.execute("DELETE FROM data_changes")
    assert refreshed(conn, ArrayCache.beside(world)) is None


def test_the_log_is_cut_to_what_somebody_goes_back_to(conn: Connection) -> None:
    start = here(conn)
    for _ in range(6):
        produced(conn)
        conn.execute(NEW)
        conn.execute("DELETE FROM ratings WHERE user_id = 900001")
        ensure_data_version(conn)
    assert conn.execute("SELECT min(change_id) FROM data_changes").fetchone()[0] == start + 1
    assert len(load_marks(conn)) == 4
    conn.execute("UPDATE training_runs SET last_change = training_run_id * 4 - 4")
    remove_old(conn, keep=0)  # versions 5 and 6 stay: the last 16 changes and those after are new
    oldest = min(mark.position for mark in load_marks(conn))
    assert conn.execute("SELECT min(change_id) FROM data_changes").fetchone()[0] == min(oldest, 16)
    forget_changes(conn)
    assert here(conn) == 24
    reached = [position for position in range(27) if is_logged_since(conn, position)]
    assert reached == list(range(min(oldest, 16), 25))
