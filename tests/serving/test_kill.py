"""What was acknowledged is on the disk, and imported once, wherever the service is killed."""

import http.client
import os
import threading
from pathlib import Path

import pytest

from reeltune.db.connection import connection
from reeltune.db.serving_file import read_serving_file, serving_path
from reeltune.importers.sync import sync_sources
from tests.serving.running import kill, start

N_KILLS = 100 if os.environ.get("REELTUNE_TORTURE") else 2
N_SENDERS = 3


def send_until_killed(database: Path, first: int) -> list[int]:
    """Send ratings, each of a user of its own, kill the service, return whose were acknowledged."""
    service = start(database)
    acknowledged: list[int] = []
    enough = threading.Event()

    def send(place: int) -> None:
        sender = service.connect()
        user = first + place
        while True:
            row = {"user": user, "movie": 12, "rating": 4, "rated_at": 1_700_000_000}
            try:
                answer = service.post("/api/ratings", {"ratings": [row]}, connection=sender)
            except (OSError, http.client.HTTPException):
                return  # it was killed
            assert answer.json["new"] == 1
            acknowledged.append(user)
            user += N_SENDERS
            if len(acknowledged) >= 30:
                enough.set()

    senders = [threading.Thread(target=send, args=(place,)) for place in range(N_SENDERS)]
    for sender in senders:
        sender.start()
    assert enough.wait(120)
    kill(service.process.pid)
    for sender in senders:
        sender.join()
    service.stop()
    return acknowledged


@pytest.mark.slow
def test_what_was_acknowledged_survives_kills_and_is_imported_once(served_world: Path) -> None:
    acknowledged: set[int] = set()
    n_before = _n_ratings(served_world)
    for n in range(N_KILLS):
        acknowledged |= set(send_until_killed(served_world, 1_000_000 * (n + 1)))
        conn = read_serving_file(serving_path(served_world))
        stored = {int(row["user"]) for row in conn.execute("SELECT user FROM ratings")}
        conn.close()
        assert acknowledged <= stored
        assert len(stored - acknowledged) <= N_SENDERS * (n + 1)  # committed, but not told of
        with connection(served_world) as database:
            sync_sources(database, [])
        assert _n_ratings(served_world) == n_before + len(stored)


def _n_ratings(path: Path) -> int:
    with connection(path) as conn:
        return int(conn.execute("SELECT count(*) FROM ratings").fetchone()[0])
