"""Faults: recommendations go on, whatever happens to workers, disk, database and store."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pysqlite3 as sqlite
import pytest

from reeltune.db.connection import connection
from reeltune.db.serving_file import serving_path
from reeltune.db.versions import load_version
from reeltune.versioning.registry import promote
from tests.serving.running import Answer, Service, kill, running

LIST = "/api/users/1/recommendations"
RATING = {"ratings": [{"user": "7", "movie": "12", "rating": 4}]}


def goes_on(service: Service) -> bool:
    """Whether lists are answered, kept ones and fresh ones."""
    return (
        service.get(LIST).status == 200
        and service.get(f"/api/users/{time.monotonic_ns()}/recommendations").status == 200
        and service.get(f"{LIST}?explain=true").status == 200
    )


@pytest.mark.slow
def test_a_killed_worker_is_replaced_and_the_others_answer(served_world: Path) -> None:
    with running(served_world, "--workers", "2") as service:
        service.wait_until(lambda: len(service.workers()) == 2, "two workers did not start")
        for _ in range(3):
            before = set(service.workers())
            kill(min(before))
            # Connections that the dead worker had accepted are gone; a client asks again.
            service.wait_until(lambda: answered(service, LIST) == 200, "nobody answered")
            service.wait_until(
                lambda b=before: len(set(service.workers()) - {min(b)}) == 2,  # type: ignore[misc]
                "it was not replaced",
            )
        service.wait_until(lambda: answered(service, LIST) == 200, "nobody answered")


def answered(service: Service, path: str) -> int | None:
    try:
        return service.get(path).status
    except OSError:
        return None


@pytest.mark.slow
def test_workers_end_with_their_parent(served_world: Path) -> None:
    with running(served_world, "--workers", "2") as service:
        service.wait_until(lambda: len(service.workers()) == 2, "two workers did not start")
        workers = service.workers()
        kill(service.process.pid)
        service.process.wait()
        until = time.monotonic() + 60
        while any(runs(pid) for pid in workers):
            assert time.monotonic() < until, "a worker is left"
            time.sleep(0.05)


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie, which only waits for its parent to see it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_all_workers_know_what_one_was_told(served_world: Path) -> None:
    with running(served_world, "--workers", "2") as service:
        service.wait_until(lambda: len(service.workers()) == 2, "two workers did not start")
        best = service.items(1)[0]["movie_id"]
        body = {"ratings": [{"user": 1, "movie": best, "rating": 4}]}
        assert service.post("/api/ratings", body).json["new"] == 1
        service.wait_until(lambda: is_gone(service, best), "a worker still lists it")
        counts = service.get("/metrics").content.decode()
        assert 'route="recommend_to_user",method="GET",status="200"}' in counts


def is_gone(service: Service, movie: object) -> bool:
    """Whether none of 20 connections, which both workers take some of, lists a movie."""
    return all(movie not in [m["movie_id"] for m in service.items(1)] for _ in range(20))


def test_a_locked_database_keeps_nobody_from_lists(service: Service) -> None:
    conn = sqlite.connect(str(service.database), isolation_level=None)
    conn.execute("BEGIN IMMEDIATE")
    conn.execute("UPDATE movies SET title = title || '!'")
    assert goes_on(service)
    conn.execute("ROLLBACK")
    conn.close()
    assert goes_on(service)


def test_a_vanished_database_is_told_of_and_found_again(service: Service) -> None:
    aside = service.database.with_name("aside.db")
    service.database.rename(aside)
    service.wait_until(lambda: service.health()["status"] == "degraded", "nobody noticed")
    assert "is gone" in service.health()["problem"]
    assert goes_on(service)
    assert service.get("/api/versions").status == 404
    aside.rename(service.database)
    service.wait_until(lambda: service.health()["status"] == "ready", "it is not found again")


def test_a_vanished_store_keeps_nobody_from_lists_and_is_made_again(service: Service) -> None:
    service.post("/api/ratings", RATING)
    for path in service.database.parent.glob("movies.serving.db*"):
        path.unlink()
    assert goes_on(service)
    again = service.post("/api/ratings", RATING)
    assert (again.status, again.json.get("new")) == (200, 1), again.content
    service.wait_until(lambda: service.health()["status"] == "ready", "it stays degraded")


def test_a_locked_store_keeps_nobody_from_lists(service: Service) -> None:
    conn = sqlite.connect(str(serving_path(service.database)), isolation_level=None)
    conn.execute("BEGIN IMMEDIATE")
    answers: list[Answer] = []
    sender = threading.Thread(target=lambda: answers.append(service.post("/api/ratings", RATING)))
    sender.start()
    assert goes_on(service)
    conn.execute("ROLLBACK")
    conn.close()
    sender.join()
    assert answers[0].status == 200


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_in_place(service: Service) -> None:
    with connection(service.database) as conn:
        version = load_version(conn, 1)
        assert version.artifact is not None
        arrays = service.database.parent / version.artifact / "arrays.safetensors"
        whole = arrays.read_bytes()
        promote(conn, 1, "for the test")
        service.wait_until(lambda: service.health()["version"] == 1, "version 1 is not served")
        promote(conn, 2, "for the test")
        service.wait_until(lambda: service.health()["version"] == 2, "version 2 is not served")
        # The promotion checks the artifact too: it is damaged right after.
        conn.execute("UPDATE model_versions SET status = 'archived' WHERE version = 2")
        arrays.write_bytes(b"damaged" + whole)
        conn.execute("UPDATE model_versions SET status = 'production' WHERE version = 1")
    service.wait_until(lambda: service.health()["status"] == "degraded", "nobody noticed")
    assert "version 1 cannot be loaded" in service.health()["problem"]
    assert service.get(LIST).json["version"] == 2
    arrays.write_bytes(whole)
    service.wait_until(lambda: service.health()["version"] == 1, "version 1 is not served")
    assert service.health()["status"] == "ready"


def test_without_a_version_it_starts_and_says_what_is_missing(world: Path) -> None:
    with running(world, ready=False) as service:
        assert service.get("/health/ready", token=None).status == 503
        answer = service.get(LIST)
        assert answer.status == 503
        assert "no version is in production" in answer.json["detail"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB; skipped where this account may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_refuses_writes_and_keeps_nobody_from_lists(
    served_world: Path, small_disk: Path
) -> None:
    database = Path(shutil.copy(served_world, small_disk / "movies.db"))
    shutil.copytree(served_world.with_name("movies.versions"), small_disk / "movies.versions")
    with running(database) as service:
        assert service.post("/api/ratings", RATING).status == 200
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(os.urandom(4_096))
            except OSError:
                pass
        rows = [{"user": str(n), "movie": "12", "rating": 4} for n in range(1_000, 2_000)]
        refused = service.post("/api/ratings", {"ratings": rows})
        assert refused.status == 503, refused.content
        assert "full" in refused.json["detail"]
        assert goes_on(service)
        assert service.post("/api/rollback").status in (200, 409)
        filler.unlink()
        again = service.post("/api/ratings", {"ratings": rows})
        assert (again.status, again.json["new"]) == (200, 1_000)


def test_a_store_that_cannot_be_opened_at_the_start_keeps_nobody_from_lists(
    served_world: Path,
) -> None:
    conn = sqlite.connect(str(serving_path(served_world)), isolation_level=None)
    conn.execute("PRAGMA application_id = 1382372214")
    conn.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name, sha256, applied_at)")
    conn.execute("INSERT INTO migrations VALUES (9999, 'of a later program', '', '')")
    conn.close()
    with running(served_world) as service:
        assert service.health()["status"] == "degraded"
        assert "migration 9999" in service.health()["store"]
        assert goes_on(service)
        assert service.post("/api/ratings", RATING).status == 503
