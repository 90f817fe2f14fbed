"""Promotions while requests run: none fails, and none is answered by two versions at once."""

import os
import random
import threading
from dataclasses import dataclass, field
from typing import Any

from reeltune.db.connection import connection
from reeltune.serving import Recommendations
from reeltune.versioning.registry import promote
from tests.serving.running import Service

IS_TORTURE = bool(os.environ.get("REELTUNE_TORTURE"))
N_CHANGES = 100 if IS_TORTURE else 6
N_REQUESTS = 100_000 if IS_TORTURE else 1_000
N_USERS = 40


@dataclass
class Seen:
    """What came back, by whoever asked."""

    n_requests: int = 0
    versions: set[int] = field(default_factory=set)
    wrong: list[Any] = field(default_factory=list)


def expected_lists(service: Service) -> dict[tuple[int, int], list[tuple[int, float]]]:
    """What each user is to be shown by each version."""
    found: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for version in (1, 2):
        by = Recommendations.open(service.database, version)
        for user in range(1, N_USERS + 1):
            movies = by.for_user(user, 10)
            found[version, user] = [(int(m.movie_id), m.score) for m in movies]
    return found


def ask(
    service: Service,
    expected: dict[tuple[int, int], list[tuple[int, float]]],
    seen: Seen,
    ends: threading.Event,
    seed: int,
) -> None:
    generator, connection_ = random.Random(seed), service.connect()
    while not ends.is_set() or seen.n_requests < N_REQUESTS // 2:
        user = generator.randint(1, N_USERS)
        query = generator.choice(["", "?k=10", "?explain=true"])
        path = f"/api/users/{user}/recommendations{query}"
        answer = service.get(path, connection=connection_)
        seen.n_requests += 1
        if answer.status != 200:
            seen.wrong.append(answer)
            continue
        document = answer.json
        seen.versions.add(document["version"])
        listed = [(item["movie_id"], item["score"]) for item in document["items"]]
        if listed != expected[document["version"], user]:
            seen.wrong.append(document)


def test_no_request_fails_or_mixes_versions_while_they_change(service: Service) -> None:
    expected = expected_lists(service)
    assert any(expected[1, user] != expected[2, user] for user in range(1, N_USERS + 1))
    seen, ends = [Seen(), Seen()], threading.Event()
    askers = [
        threading.Thread(target=ask, args=(service, expected, each, ends, seed))
        for seed, each in enumerate(seen)
    ]
    for asker in askers:
        asker.start()
    try:
        for n in range(N_CHANGES):
            version = 1 + n % 2
            with connection(service.database) as conn:
                promote(conn, version, "for the test")
            service.wait_until(
                lambda v=version: service.health()["version"] == v,  # type: ignore[misc]
                f"version {version} was not served",
            )
    finally:
        ends.set()
        for asker in askers:
            asker.join()
    assert [each.wrong for each in seen] == [[], []]
    assert sum(each.n_requests for each in seen) >= N_REQUESTS
    assert {1, 2} == seen[0].versions | seen[1].versions
