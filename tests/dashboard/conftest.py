"""A world with runs, versions and an A/B test, and a service of it with its dashboard."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reeltune.ab_tests.watching import watch_once
from reeltune.db.connection import connection
from tests.ab_tests.helpers import some_settings
from tests.ab_tests.managed import HOUR, managed
from tests.reports.reported import make_lived_in, write_run
from tests.serving.running import Service, running

N_ANALYSES = 6


@pytest.fixture(scope="session")
def lived_in(new_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world with three runs, versions 1 to 3 of which 3 is in production, and tests."""
    path = Path(shutil.copy(new_world, tmp_path_factory.mktemp("dashboard") / "movies.db"))
    make_lived_in(path)
    with connection(path) as conn:
        write_run(conn, 120)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with managed(path) as found:
        found.now = int(time.time()) - N_ANALYSES * 4 * HOUR
        test = found.started(champion=3, challengers=(1,))
        found.manager.create(some_settings(name="draft", champion=3, challengers=(1,)))
        for _ in range(N_ANALYSES):
            found.now += 4 * HOUR
            found.visits(test, 120, (0.2, 0.25))
            watch_once(found.manager)
    return path


def copied(world: Path, folder: Path) -> Path:
    """A copy of a world with all that lies beside it."""
    shutil.copytree(world.parent, folder, dirs_exist_ok=True)
    return folder / world.name


@pytest.fixture(scope="module")
def dashboard(lived_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for the tests of one module, which leave what is stored as it is."""
    with running(copied(lived_in, tmp_path_factory.mktemp("served"))) as found:
        yield found


@pytest.fixture
def own_dashboard(lived_in: Path, tmp_path: Path) -> Iterator[Service]:
    """A service of a copy, to be changed."""
    with running(copied(lived_in, tmp_path / "own")) as found:
        yield found
