"""What all tests share: a small made-up world, and no stopwatch on properties."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reeltune.cli.console import progress_bar, remark_console
from reeltune.db.connection import Connection, connection
from reeltune.importers.demo import import_demo
from reeltune.importers.demo_settings import DemoSettings

# A busy machine is no fault of the code. Where every change is checked, properties are tried with
# the same examples each time: a new counterexample is found at a desk, not by a change beside it.
_SLOWNESS = [HealthCheck.too_slow]
settings.register_profile("unhurried", deadline=None, suppress_health_check=_SLOWNESS)
settings.register_profile("repeatable", settings.get_profile("unhurried"), derandomize=True)
settings.load_profile("repeatable" if os.environ.get("CI") else "unhurried")

SMALL_WORLD = DemoSettings(users=80, movies=240, ratings=4_000, seed=3)


@pytest.fixture(scope="session")
def new_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of 80 users, 240 movies and 4,000 ratings, never opened since it was made."""
    path = tmp_path_factory.mktemp("world") / "movies.db"
    with connection(path, create=True) as conn, progress_bar(remark_console(quiet=True), "") as bar:
        import_demo(conn, SMALL_WORLD, bar)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def small_world(new_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that database, its ratings not to be changed; loading gives them a version."""
    return Path(shutil.copy(new_world, tmp_path_factory.mktemp("small") / "movies.db"))


@pytest.fixture
def world(new_world: Path, tmp_path: Path) -> Path:
    """A copy of that database, to be changed."""
    return Path(shutil.copy(new_world, tmp_path / "movies.db"))


@pytest.fixture
def conn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """An empty database, named as by default in the working directory."""
    monkeypatch.chdir(tmp_path)
    with connection(tmp_path / "movies.db", create=True) as found:
        yield found
