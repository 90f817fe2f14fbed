"""Tests that run in a store of their own, without a database of movies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reeltune.ab_tests.assignment import arm_ranges, assigned_arm
from reeltune.db.ab_tests import (
    add_ab_event,
    load_ab_test,
    save_ab_phase,
    save_ab_share,
    save_ab_test,
)
from reeltune.db.connection import Connection, transaction
from reeltune.db.serving_file import open_serving_file
from reeltune.domain.ab_tests import N_BUCKETS, ABPhase, ABSettings, ABTest, ServedList, UserOutcome
from reeltune.serving.store import STORE_MIGRATIONS

BEGAN = 1_800_000_000
DAY = 86_400
_DEFAULTS: dict[str, Any] = {"name": "trial", "champion": 1, "challengers": (2,)}


def some_settings(**changes: Any) -> ABSettings:
    return ABSettings(**(_DEFAULTS | changes)).check()


@contextmanager
def opened(tmp_path: Path) -> Iterator[Connection]:
    conn = open_serving_file(tmp_path / "movies.serving.db", STORE_MIGRATIONS)
    try:
        yield conn
    finally:
        conn.close()


def running(conn: Connection, salt: str = "salt", **changes: Any) -> ABTest:
    """A test that has been started, with its first phase."""
    settings = some_settings(**changes)
    with transaction(conn):
        test_id = save_ab_test(conn, settings, salt, BEGAN)
        save_ab_share(conn, test_id, 0, round(settings.share * N_BUCKETS), N_BUCKETS)
        versions, shares = [settings.champion, *settings.challengers], settings.arm_shares
        if settings.design == "interleaving":
            versions, shares = [settings.champion], (1.0,)
        alpha = settings.alpha / len(settings.challengers)
        save_ab_phase(conn, test_id, ABPhase(1, BEGAN, alpha, arm_ranges(versions, shares)))
        add_ab_event(conn, test_id, "started", "running", BEGAN)
    return load_ab_test(conn, settings.name)


def arm_of(test: ABTest, user: str) -> int:
    arm = assigned_arm(test, user)
    assert arm is not None
    return arm.number


def served(user: str, request: str, after: int = 0, **more: Any) -> ServedList:
    return ServedList(request_id=request, user=user, happened_at=BEGAN + after, **more)


def click(
    user: str, request: str | None, after: int = 0, movie: int = 1, **more: Any
) -> UserOutcome:
    values: dict[str, Any] = {"kind": "clicked", "movie_id": movie} | more
    return UserOutcome(user=user, request_id=request, happened_at=BEGAN + after, **values)
