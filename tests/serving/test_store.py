"""The store of the service: what is acknowledged is there, once, whatever else fails."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from reeltune.db.connection import Connection
from reeltune.db.serving_file import open_serving_file, read_serving_file, serving_path
from reeltune.db.serving_rows import (
    AuditLine,
    ServedRating,
    ServingEvent,
    load_audit,
    load_known_answer,
    load_served_ratings,
    load_serving_events,
    save_audit_line,
    save_known_answer,
    save_served_ratings,
    save_serving_events,
)
from reeltune.domain.errors import BusyError, InputError, StorageError
from reeltune.serving.store import STORE_MIGRATIONS, ServingStore

RATING = ServedRating("7", "12", 12, 4.5, 1_700_000_000)
LINE = AuditLine(
    happened_at=1, who="write 127.0.0.1", action="rate", subject="3", request_id="r", outcome="3"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ServingStore]:
    found = ServingStore.open(tmp_path / "movies.db")
    yield found
    found.close()


def stored(store: ServingStore) -> list[ServedRating]:
    conn = store.reader()
    try:
        return load_served_ratings(conn)
    finally:
        conn.close()


def test_it_lies_beside_the_database_that_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "movies.db")
    assert serving_path(tmp_path / "link.db") == tmp_path.resolve() / "movies.serving.db"
    assert serving_path(tmp_path / "films").name == "films.serving.db"


def test_what_was_written_is_committed_when_the_future_ends(store: ServingStore) -> None:
    assert store.write(lambda conn: save_served_ratings(conn, [RATING])) == 1
    (found,) = stored(store)
    assert (found.user, found.movie, found.rating, found.number) == ("7", "12", 4.5, 1)


def test_a_rating_that_comes_twice_is_kept_once(store: ServingStore) -> None:
    assert store.write(lambda conn: save_served_ratings(conn, [RATING, RATING])) == 1
    assert store.write(lambda conn: save_served_ratings(conn, [RATING])) == 0
    assert len(stored(store)) == 1


def test_a_write_that_fails_undoes_itself_alone(store: ServingStore) -> None:
    def fails(conn: Connection) -> None:
        save_served_ratings(conn, [RATING])
        raise InputError("no")

    other = ServedRating("8", "12", 12, 3.0, 1)
    first = store.submit(fails)
    second = store.submit(lambda conn: save_served_ratings(conn, [other]))
    with pytest.raises(InputError, match="no"):
        first.result()
    assert second.result() == 1
    assert [each.user for each in stored(store)] == ["8"]


def test_a_write_that_is_wrong_in_sql_undoes_itself_alone(store: ServingStore) -> None:
    first = store.submit(lambda conn: conn.execute("INSERT INTO absent VALUES (1)"))
    second = store.submit(lambda conn: save_served_ratings(conn, [RATING]))
    with pytest.raises(StorageError, match="no such table"):
        first.result()
    assert second.result() == 1


def test_many_threads_write_and_all_of_it_is_there(store: ServingStore) -> None:
    futures: list[Future[int]] = []

    def send(user: int) -> None:
        for n in range(50):
            rating = ServedRating(str(user), "12", 12, 4.0, n)
            futures.append(store.submit(partial(save_served_ratings, ratings=[rating])))

    threads = [threading.Thread(target=send, args=(user,)) for user in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(future.result() for future in futures) == 400
    assert len(stored(store)) == 400


def test_a_cancelled_write_is_not_made_and_later_ones_are(store: ServingStore) -> None:
    block, begun = threading.Event(), threading.Event()

    def waits(conn: Connection) -> None:
        begun.set()
        block.wait(30)

    first = store.submit(waits, n_rows=500)
    assert begun.wait(30)
    second = store.submit(lambda conn: save_served_ratings(conn, [RATING]))
    assert second.cancel()
    block.set()
    first.result()
    assert store.write(lambda conn: len(load_served_ratings(conn))) == 0


def test_closing_commits_what_waits_and_refuses_what_comes(store: ServingStore) -> None:
    future = store.submit(lambda conn: save_served_ratings(conn, [RATING]))
    store.close()
    assert future.result() == 1
    with pytest.raises(StorageError, match="closed"):
        store.submit(lambda conn: None)


def test_more_writes_than_are_allowed_to_wait_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reeltune.serving.store.MAX_WAITING", 1)
    store = ServingStore.open(tmp_path / "movies.db")
    block, begun = threading.Event(), threading.Event()

    def waits(conn: Connection) -> None:
        begun.set()
        block.wait(30)

    store.submit(waits, n_rows=500)
    assert begun.wait(30)
    store.submit(lambda conn: None)
    with pytest.raises(BusyError, match="send them again"):
        store.submit(lambda conn: None)
    block.set()
    store.close()


def test_a_file_that_vanished_is_made_again(store: ServingStore) -> None:
    store.write(lambda conn: save_served_ratings(conn, [RATING]))
    for path in store.path.parent.glob("movies.serving.db*"):
        path.unlink()
    assert store.write(lambda conn: save_served_ratings(conn, [RATING])) == 1
    assert len(stored(store)) == 1


def test_after_a_failed_commit_it_goes_on_when_it_can(store: ServingStore) -> None:
    store.write(lambda conn: save_served_ratings(conn, [RATING]))
    aside = store.path.parent / "aside"
    aside.mkdir()
    for path in store.path.parent.glob("movies.serving.db*"):
        path.rename(aside / path.name)
    store.path.mkdir()
    other = ServedRating("8", "12", 12, 3.0, 1)
    # The open file still takes writes; a new connection is what a directory refuses.
    store._drop()
    with pytest.raises(StorageError):
        store.write(lambda conn: save_served_ratings(conn, [other]))
    assert store.failure is not None
    store.path.rmdir()
    for path in aside.iterdir():
        shutil.move(path, store.path.parent / path.name)
    assert store.write(lambda conn: save_served_ratings(conn, [other])) == 1
    assert store.failure is None
    assert len(stored(store)) == 2


def test_events_come_back_as_they_were_and_once(store: ServingStore) -> None:
    shown = ServingEvent(
        key="shown:r1",
        kind="shown",
        user="7",
        happened_at=5,
        received_at=5,
        movies=[3, 1, 2],
        request_id="r1",
        version=2,
        ab_test="t",
        arm="challenger",
    )
    clicked = ServingEvent(
        key="clicked:r1:3",
        kind="clicked",
        user="7",
        happened_at=6,
        received_at=7,
        movie_id=3,
        request_id="r1",
    )
    assert store.write(lambda conn: save_serving_events(conn, [shown, clicked, shown])) == 2
    assert store.write(lambda conn: load_serving_events(conn)) == [(1, shown), (2, clicked)]
    assert store.write(lambda conn: load_serving_events(conn, ab_test="t")) == [(1, shown)]


def test_an_answer_is_known_by_its_key(store: ServingStore) -> None:
    store.write(lambda conn: save_known_answer(conn, "k", "0" * 64, {"accepted": 1}, 5))
    found = store.write(lambda conn: load_known_answer(conn, "k"))
    assert found is not None
    assert found.answer == {"accepted": 1}
    assert store.write(lambda conn: load_known_answer(conn, "other")) is None


def test_audit_lines_are_never_changed(store: ServingStore) -> None:
    store.write(lambda conn: save_audit_line(conn, LINE))
    with pytest.raises(Exception, match="not changed"):
        store.write(lambda conn: conn.execute("UPDATE audit SET who = 'nobody'"))
    assert store.write(load_audit) == [LINE]


def test_a_file_of_another_program_is_refused(tmp_path: Path, world: Path) -> None:
    shutil.copy(world, serving_path(world))
    with pytest.raises(StorageError, match="no store of the service"):
        ServingStore.open(world)


def test_a_file_of_a_newer_program_is_refused(store: ServingStore, tmp_path: Path) -> None:
    store.write(lambda conn: conn.execute("INSERT INTO migrations VALUES (9999, 'later', '', '')"))
    with pytest.raises(StorageError, match="migration 9999"):
        open_serving_file(store.path, STORE_MIGRATIONS)


def test_a_migration_that_comes_later_is_applied_whatever_its_number(
    store: ServingStore, tmp_path: Path
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(STORE_MIGRATIONS, folder)
    (folder / "0700_more.sql").write_text("CREATE TABLE more (x INTEGER) STRICT;\n")
    open_serving_file(store.path, folder).close()
    (folder / "0650_between.sql").write_text("CREATE TABLE between_them (x INTEGER) STRICT;\n")
    open_serving_file(store.path, folder).close()
    conn = read_serving_file(store.path)
    names = {row[0] for row in conn.execute("SELECT name FROM sqlite_schema")}
    conn.close()
    assert {"more", "between_them"} <= names
