"""Tests that run in a store of their own, without a database of movies."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reeltune.ab_tests.assignment import assigned_arm
from reeltune.ab_tests.simulated_tests import start_simulated
from reeltune.db.connection import Connection
from reeltune.db.serving_file import open_serving_file
from reeltune.domain.ab_tests import ABSettings, ABTest, ServedList, UserOutcome
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
    return start_simulated(conn, some_settings(**changes), salt, BEGAN)


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
