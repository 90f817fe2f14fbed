"""Ratings that clients sent come into the database by nights: each once, whatever happens."""

import shutil
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.serving_file import read_serving_file, serving_path
from reeltune.db.serving_rows import ServedRating, save_served_ratings
from reeltune.domain.errors import InputError
from reeltune.importers.serving_source import imported_ratings
from reeltune.importers.sync import sync_sources
from reeltune.serving.store import ServingStore
from tests.running import run_json
from tests.serving.running import Service

Stored = dict[tuple[int, int], tuple[float, int]]


def send(database: Path, *ratings: ServedRating) -> None:
    store = ServingStore.open(database)
    store.write(lambda conn: save_served_ratings(conn, ratings))
    store.close()


def stored(database: Path) -> Stored:
    with connection(database) as conn:
        rows = conn.execute("SELECT user_id, movie_id, rating, rated_at FROM ratings").fetchall()
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def synced(database: Path) -> int:
    with connection(database) as conn:
        return sum(each.new_ratings for each in sync_sources(conn, []))


def changes(before: Stored, after: Stored) -> Stored:
    return {key: after[key] for key in after if before.get(key) != after[key]}


def test_each_rating_is_imported_once(world: Path) -> None:
    before = stored(world)
    send(world, ServedRating("9001", "12", 12, 4.5, 1_700_000_000))
    assert synced(world) == 1
    assert synced(world) == 0
    send(world, ServedRating("9001", "13", 13, 2.0, 1_700_000_001))
    assert synced(world) == 1
    assert changes(before, stored(world)) == {
        (9001, 12): (4.5, 1_700_000_000),
        (9001, 13): (2.0, 1_700_000_001),
    }
    with connection(world) as conn:
        assert imported_ratings(conn) == 2


def test_a_service_that_nobody_has_rated_by_is_read_without_fault(world: Path) -> None:
    send(world)  # the store is there
    before = stored(world)
    assert serving_path(world).is_file()
    assert synced(world) == 0
    assert stored(world) == before
    send(world, ServedRating("9001", "12", 12, 4.5, 1_700_000_000))
    assert synced(world) == 1


def test_of_a_users_ratings_of_a_movie_the_latest_holds(world: Path) -> None:
    send(
        world,
        ServedRating("9001", "12", 12, 1.0, 1_700_000_002),
        ServedRating("9001", "12", 12, 3.0, 1_700_000_009),
        ServedRating("9001", "12", 12, 2.0, 1_700_000_001),
    )
    assert synced(world) == 1
    assert stored(world)[9001, 12] == (3.0, 1_700_000_009)
    send(world, ServedRating("9001", "12", 12, 5.0, 1_700_000_003))
    assert synced(world) == 0
    assert stored(world)[9001, 12] == (3.0, 1_700_000_009)


def test_a_user_with_a_name_gets_one_number(world: Path) -> None:
    send(world, ServedRating("zoë", "12", 12, 4.0, 1_700_000_000))
    send(world, ServedRating("zoë", "13", 13, 4.0, 1_700_000_000))
    before = stored(world)
    assert synced(world) == 2
    new = changes(before, stored(world))
    assert len({user for user, _ in new}) == 1
    assert min(user for user, _ in new) >= 2**62


def test_an_import_that_is_cut_off_is_made_up_for(world: Path) -> None:
    """The number of the last rating read is in the transaction that reads it."""
    before = stored(world)
    send(world, ServedRating("9001", "12", 12, 4.0, 1_700_000_000))
    with connection(world) as conn:
        conn.execute(
            "CREATE TEMP TRIGGER cut_off BEFORE UPDATE ON main.sources"
            " BEGIN SELECT RAISE(ROLLBACK, 'cut off'); END"
        )
        with pytest.raises(InputError, match="cut off"):
            sync_sources(conn, [])
    assert stored(world) == before
    assert synced(world) == 1


def test_a_restored_database_reads_again_what_came_since(world: Path, tmp_path: Path) -> None:
    send(world, ServedRating("9001", "12", 12, 4.0, 1_700_000_000))
    synced(world)
    with connection(world) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    backup = shutil.copy(world, tmp_path / "backup.db")
    send(world, ServedRating("9001", "13", 13, 4.0, 1_700_000_000))
    assert synced(world) == 1
    world.unlink()
    for log in world.parent.glob("movies.db-*"):
        log.unlink()
    shutil.copy(backup, world)
    assert synced(world) == 1
    assert stored(world)[9001, 13] == (4.0, 1_700_000_000)


def test_without_a_store_there_is_no_such_source(world: Path) -> None:
    assert not serving_path(world).exists()
    assert run_json("-m", "reeltune", "import", "sync", "--db", world, "--list") == []


def test_what_was_sent_over_http_is_imported_and_the_service_goes_on(service: Service) -> None:
    best = service.items(1)[0]["movie_id"]
    body = {"ratings": [{"user": 1, "movie": best, "rating": 4, "rated_at": 1_700_000_000}]}
    assert service.post("/api/ratings", body).json["new"] == 1
    (found,) = run_json("-m", "reeltune", "import", "sync", "--db", service.database)
    assert (found["name"], found["new_ratings"]) == ("serving", 1)
    assert stored(service.database)[1, best] == (4.0, 1_700_000_000)
    (found,) = run_json("-m", "reeltune", "import", "sync", "--db", service.database)
    assert found["new_ratings"] == 0
    assert best not in [movie["movie_id"] for movie in service.items(1, "?k=100")]


def test_an_erased_user_is_gone_from_the_store_and_stays_out(service: Service) -> None:
    row = {"movie": "12", "rating": 4, "rated_at": 1_700_000_000}
    body = {"ratings": [row | {"user": "zoë"}, row | {"user": "other"}]}
    assert service.post("/api/ratings", body).json["new"] == 2
    done = run_json("-m", "reeltune", "erase", "user", "zoë", "--db", service.database)
    assert done["removed"]["serving_store"] == 2  # the rating, and the event that it is
    service.wait_until(
        lambda: service.get("/api/users/zo%C3%AB/recommendations").status == 404, "still served"
    )
    refused = service.post("/api/ratings", {"ratings": [row | {"user": "zoë"}]}).json
    assert "was erased" in refused["rejected"][0]["reason"]
    conn = read_serving_file(serving_path(service.database))
    users = [row["user"] for row in conn.execute("SELECT user FROM ratings")]
    conn.close()
    assert users == ["other"]
    for path in service.database.parent.glob("movies.serving.db*"):
        assert "zoë".encode() not in path.read_bytes(), path
