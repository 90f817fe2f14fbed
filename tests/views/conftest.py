from collections.abc import Iterator
from pathlib import Path

import pytest

from reeltune.db.connection import Connection, connection


@pytest.fixture
def conn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """An empty database, named as by default in the working directory."""
    monkeypatch.chdir(tmp_path)
    with connection(tmp_path / "movies.db", create=True) as found:
        yield found
