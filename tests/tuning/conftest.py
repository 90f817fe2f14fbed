"""A world that the tests of a run share."""

from pathlib import Path

import pytest

from reeltune.cli.console import progress_bar, remark_console
from reeltune.db.connection import connection
from reeltune.importers.demo import import_demo
from reeltune.importers.demo_settings import DemoSettings


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with enough users for a part of them to say something."""
    path = tmp_path_factory.mktemp("crowd") / "movies.db"
    settings = DemoSettings(users=900, movies=200, ratings=30_000, seed=3)
    with connection(path, create=True) as conn, progress_bar(remark_console(quiet=True), "") as bar:
        import_demo(conn, settings, bar)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path
